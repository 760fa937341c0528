"""Code actions: use the real API, add the import, write annotations, look for an API."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from typewright.assist.annotate import MINIMUM_CONFIDENCE, annotation_edits
from typewright.assist.edits import TextEdit
from typewright.assist.imports import import_edits
from typewright.assist.types import types as infer
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.slices import slices

from .context import Context
from .diagnostics import as_diagnostic, findings
from .lane import Urgency
from .server import Server

if TYPE_CHECKING:
    from typewright.indexer.syntax import Syntax

QUICK_FIX: Final = types.CodeActionKind.QuickFix
ANNOTATE: Final = "refactor.rewrite.annotate"
ANNOTATE_FILE: Final = "source.annotate.typewright"
RECOMMEND: Final = "refactor.recommend"

MAX_IMPORTS: Final = 5

_COMMENT = re.compile(r"\s*#+[!:]?\s*(?:TODO:?\s*)?(?P<text>\S.*?)\s*\Z")


def code_action(ls: Server, params: types.CodeActionParams) -> object:
    """Return what may be done about the code in a range."""
    if (context := ls.context(params.text_document.uri)) is None:
        return []
    resolves = _resolves_edits(ls)
    literals = _takes_literals(ls)

    def work(cancel: CancelToken) -> list[types.CodeAction | types.Command]:
        sources = {
            ANNOTATE: _annotate(context, params.range, resolves),
            ANNOTATE_FILE: _annotate_file(context, resolves),
            RECOMMEND: _recommend(context, params.range),
            str(QUICK_FIX.value): _quick_fixes(context, params.range, cancel),
        }
        wanted = [
            action
            for kind, actions in sources.items()
            if _wanted(kind, params.context.only)
            for action in actions
        ]
        return [*wanted] if literals else [action.command for action in wanted if action.command]

    return ls.analyse(context, work, Urgency.SHOWN)


def _wanted(kind: str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether a client that asks for the kinds `only` (and what is below them) wants `kind`."""
    if only is None:
        return True
    asked = [str(getattr(each, "value", each)) for each in only]
    return any(each == "" or kind == each or kind.startswith(each + ".") for each in asked)


def _takes_literals(ls: Server) -> bool:
    """Whether the client knows code actions; one that does not is given their commands."""
    able = _abilities(ls)
    return able is not None and able.code_action_literal_support is not None


def _resolves_edits(ls: Server) -> bool:
    """Whether the client asks for the edits of an action once it is chosen."""
    able = _abilities(ls)
    return able is not None and able.resolve_support is not None and "edit" in able.resolve_support.properties


def _abilities(ls: Server) -> types.CodeActionClientCapabilities | None:
    document = ls.client_capabilities.text_document
    return document.code_action if document is not None else None


def _quick_fixes(context: Context, extent: types.Range, cancel: CancelToken) -> Iterator[types.CodeAction]:
    span = context.view.span(extent)
    start, end = (span.line, span.column), (span.end_line, span.end_column)
    for finding in findings(context, cancel):
        place = finding.span
        if (place.end_line, place.end_column) < start or end < (place.line, place.column):
            continue
        for rank, edit in enumerate(finding.replacements):
            yield types.CodeAction(
                f"Use {edit.text!r}",
                kind=QUICK_FIX,
                diagnostics=[as_diagnostic(context, finding)],
                is_preferred=rank == 0 or None,
                edit=context.workspace_edit([edit]),
            )
    if name := _name_at(context, span.line, span.column):
        choices = import_edits(context.session, context.path, name, overlay=context.overlay, cancel=cancel)
        for choice in choices[:MAX_IMPORTS]:
            yield types.CodeAction(
                f"Add {choice.statement!r}", kind=QUICK_FIX, edit=context.workspace_edit(choice.edits)
            )


def _name_at(context: Context, line: int, column: int) -> str:
    """Return the name that is read at a place, '' where there is none (an attribute, a comment, a string)."""
    syntax = context.session.snapshot(context.overlay).syntax(context.path)
    node = syntax.nodes_at(line, column)[-1]
    return node.id if isinstance(node, ast.Name) else ""


def _annotate(context: Context, extent: types.Range, resolves: bool) -> Iterator[types.CodeAction]:
    line, _ = context.view.place(extent.start)
    syntax = context.session.snapshot(context.overlay).syntax(context.path)
    function = _open_function(context, syntax, line)
    if function:
        yield _annotation_action(context, f"Annotate {function}", ANNOTATE, function, resolves)


def _annotate_file(context: Context, resolves: bool) -> Iterator[types.CodeAction]:
    yield _annotation_action(context, "Annotate this file", ANNOTATE_FILE, None, resolves)


def _annotation_action(
    context: Context, title: str, kind: str, function: str | None, resolves: bool
) -> types.CodeAction:
    """The edits are worked out when the action is chosen, not whenever it is offered."""
    arguments = [context.view.uri] if function is None else [context.view.uri, function]
    if resolves:
        return types.CodeAction(title, kind=kind, data=arguments)
    return types.CodeAction(
        title, kind=kind, command=types.Command(title, "typewright.annotateFile", arguments=arguments)
    )


def _open_function(context: Context, syntax: Syntax, line: int) -> str:
    """Return the innermost function around a line that has a parameter or return to annotate, '' for none."""
    module = context.session.snapshot(context.overlay).module_name(context.path)
    open_functions = {
        found.function
        for found in slices(syntax)
        if any(slot.kind != "variable" and not slot.annotation for slot in found.slots)
    }
    outline = context.session.snapshot(context.overlay).outline(context.path)
    around = [
        symbol.qualified_name.removeprefix(f"{module}.")
        for symbol in outline.symbols
        if symbol.kind in ("function", "method", "property")
        and symbol.span.line <= line <= symbol.span.end_line
    ]
    return next((name for name in reversed(around) if name in open_functions), "")


def _recommend(context: Context, extent: types.Range) -> Iterator[types.CodeAction]:
    line, _ = context.view.place(extent.start)
    comment = _COMMENT.match(context.view.lines[line - context.view.first_line - 1])
    if comment is not None:
        title = f"Find an API for: {comment['text']}"
        arguments = [comment["text"], {"uri": context.view.uri, "line": line}]
        command = types.Command(title, "typewright.recommend", arguments=arguments)
        yield types.CodeAction(title, kind=RECOMMEND, command=command)


def resolve(ls: Server, action: types.CodeAction) -> object:
    """Work out the edits of an annotating action."""
    data: Any = action.data
    if not isinstance(data, list | tuple) or not data or not isinstance(data[0], str):
        return action
    context = ls.context(data[0])
    if context is None:
        return action
    function = data[1] if len(data) > 1 and isinstance(data[1], str) else None

    def work(cancel: CancelToken) -> types.CodeAction:
        action.edit = context.workspace_edit(annotating_edits(context, function, cancel))
        return action

    return ls.analyse(context, work, Urgency.ASKED)


def annotating_edits(context: Context, function: str | None, cancel: CancelToken) -> Sequence[TextEdit]:
    """Return the edits that annotate one function, as far as hints show it, or the sure slots of the file."""
    sure = MINIMUM_CONFIDENCE if function is None else context.session.settings.minimum_confidence
    slots = [
        slot
        for slot in infer(context.session, [context.path], overlay=context.overlay, cancel=cancel)
        if slot.kind != "variable" and slot.confidence >= sure and function in (None, slot.function)
    ]
    return annotation_edits(context.session, context.path, slots, overlay=context.overlay)


def register(server: Server) -> None:
    """Register code actions with the server."""
    kinds = [QUICK_FIX, ANNOTATE, ANNOTATE_FILE, RECOMMEND]
    options = types.CodeActionOptions(code_action_kinds=kinds, resolve_provider=True)
    server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)(code_action)
    server.feature(types.CODE_ACTION_RESOLVE)(resolve)
