"""Inlay hints: the types nobody wrote; accepting one writes the annotation and its import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lsprotocol import types
from typewright.assist.annotate import annotation_edits
from typewright.assist.hints import Hint, hints
from typewright.indexer.cancellation import CancelToken

from .context import Context, text_edit
from .lane import Urgency
from .server import Server

_OPTION: Final = {"param": "parameter_hints", "return": "return_hints", "variable": "variable_hints"}


def inlay_hint(ls: Server, params: types.InlayHintParams) -> object:
    """Return the hints of the visible part of a document."""
    context = ls.context(params.text_document.uri) if ls.options.hints else None
    if context is None:
        return []
    kinds = {kind for kind, option in _OPTION.items() if getattr(ls.options, option)}
    first, last = (context.view.place(end)[0] for end in (params.range.start, params.range.end))

    def work(cancel: CancelToken) -> list[types.InlayHint]:
        return [_as_inlay_hint(context, hint) for hint in _hints(context, (first, last), kinds, cancel)]

    return ls.analyse(context, work, Urgency.SHOWN)


def resolve(ls: Server, hint: types.InlayHint) -> object:
    """Add what is only needed once somebody looks: the evidence, and the edits that write the annotation."""
    data: Any = hint.data
    context = ls.context(data["uri"]) if isinstance(data, dict) and isinstance(data.get("uri"), str) else None
    if context is None:
        return hint

    def work(cancel: CancelToken) -> types.InlayHint:
        line, _ = context.view.place(hint.position)
        for found in _hints(context, (line, line), set(_OPTION), cancel):
            if found.label == hint.label and context.view.position(found.line, found.column) == hint.position:
                edits = annotation_edits(context.session, context.path, [found.slot], overlay=context.overlay)
                hint.tooltip = types.MarkupContent(types.MarkupKind.Markdown, found.tooltip)
                # A hint may only edit its own document: in a notebook, the import may belong to another cell.
                if all(context.view.holds(edit.span.line) for edit in edits):
                    hint.text_edits = [text_edit(context.view, edit) for edit in edits]
                break
        return hint

    return ls.analyse(context, work, Urgency.ASKED)


def _hints(context: Context, lines: tuple[int, int], kinds: set[str], cancel: CancelToken) -> Sequence[Hint]:
    found = hints(context.session, context.path, lines=lines, overlay=context.overlay, cancel=cancel)
    return [hint for hint in found if hint.slot.kind in kinds and context.view.holds(hint.line)]


def _as_inlay_hint(context: Context, hint: Hint) -> types.InlayHint:
    return types.InlayHint(
        context.view.position(hint.line, hint.column),
        hint.label,
        kind=types.InlayHintKind.Type,
        data={"uri": context.view.uri},
    )


def register(server: Server) -> None:
    """Register inlay hints with the server."""
    server.feature(types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintOptions(resolve_provider=True))(inlay_hint)
    server.feature(types.INLAY_HINT_RESOLVE)(resolve)
