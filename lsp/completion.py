"""What is offered while typing: completion items, ghost text, signatures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from typewright.assist.complete import items as complete_at
from typewright.assist.complete import suggest
from typewright.indexer.cancellation import CancelToken

from .context import Context, text_edit
from .convert import View
from .lane import Urgency
from .server import Server

if TYPE_CHECKING:
    from typewright.assist.complete import Item

AUTOMATIC_SECONDS: Final = 5.0  # for ghost text; after that, the typist is elsewhere
INVOKED_SECONDS: Final = 60.0  # somebody asked for it and waits, even for the model to load

ITEM_KINDS: Final = {
    "module": types.CompletionItemKind.Module,
    "class": types.CompletionItemKind.Class,
    "function": types.CompletionItemKind.Function,
    "method": types.CompletionItemKind.Method,
    "property": types.CompletionItemKind.Property,
    "variable": types.CompletionItemKind.Variable,
    "attribute": types.CompletionItemKind.Field,
    "keyword": types.CompletionItemKind.Keyword,
}

_NAME_BEFORE = re.compile(r"\w*\Z")
_list_numbers = itertools.count(1)


def completion(ls: Server, params: types.CompletionParams) -> object:
    """Return the names that may stand at a place."""
    if (context := ls.context(params.text_document.uri)) is None:
        return None
    line, column = context.view.place(params.position)
    number = next(_list_numbers)

    def work(cancel: CancelToken) -> types.CompletionList:
        found = complete_at(
            context.session, context.path, line, column, overlay=context.overlay, cancel=cancel
        )
        extent = types.Range(_name_start(context.view, params.position), params.position)
        offered = [
            _as_item(context, item, extent, {"list": number, "item": place})
            for place, item in enumerate(found.items)
        ]
        # What is only needed for the selected item stays here, for `completionItem/resolve`.
        ls.offered = (number, [item.documentation for item in found.items])
        return types.CompletionList(is_incomplete=not found.complete, items=offered)

    return ls.analyse(context, work, Urgency.TYPING)


def _name_start(view: View, position: types.Position) -> types.Position:
    line, column = view.place(position)
    before = view.lines[line - view.first_line - 1][: column - 1]
    name = _NAME_BEFORE.search(before)
    return view.position(line, column - (len(name[0]) if name else 0))


def _as_item(
    context: Context, item: Item, extent: types.Range, data: Mapping[str, int]
) -> types.CompletionItem:
    return types.CompletionItem(
        item.label,
        kind=ITEM_KINDS.get(item.kind),
        detail=item.detail or None,
        sort_text=item.sort_text,
        text_edit=types.TextEdit(extent, item.insert_text),
        additional_text_edits=[text_edit(context.view, edit) for edit in item.import_edit] or None,
        data=data,
    )


def resolve(ls: Server, item: types.CompletionItem) -> types.CompletionItem:
    """Add the documentation of an item of the latest list."""
    number, documentation = ls.offered
    data: Any = item.data
    if isinstance(data, dict) and data.get("list") == number:
        place = data.get("item")
        if isinstance(place, int) and 0 <= place < len(documentation) and documentation[place]:
            item.documentation = types.MarkupContent(types.MarkupKind.Markdown, documentation[place])
    return item


def inline_completion(ls: Server, params: types.InlineCompletionParams) -> object:
    """Return the text that probably comes next."""
    context = ls.context(params.text_document.uri) if ls.options.ghost_text else None
    if context is None:
        return types.InlineCompletionList([])
    invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    line, column = context.view.place(params.position)

    def work(cancel: CancelToken) -> types.InlineCompletionList:
        suggestion = suggest(
            context.session,
            context.path,
            line,
            column,
            mode="dynamic",
            overlay=context.overlay,
            deadline=INVOKED_SECONDS if invoked else AUTOMATIC_SECONDS,
            automatic=not invoked,
            cancel=cancel,
        )
        ls.report_notices(context.session)
        if not suggestion.completion or not (suggestion.shown or invoked):
            return types.InlineCompletionList([])
        here = types.Range(params.position, params.position)
        return types.InlineCompletionList([types.InlineCompletionItem(suggestion.completion, range=here)])

    return ls.work(work)


def signature_help(ls: Server, params: types.SignatureHelpParams) -> object:
    """Return the signatures of the call around a place."""
    if (context := ls.context(params.text_document.uri)) is None:
        return None
    line, column = context.view.place(params.position)

    def work(cancel: CancelToken) -> types.SignatureHelp | None:
        analysis = context.session.analysis(context.overlay, cancel=cancel)
        call = analysis.call_at(context.path, line, column, cancel)
        if call is None or not call.signatures:
            return None
        signatures = [
            types.SignatureInformation(
                signature.label,
                types.MarkupContent(types.MarkupKind.Markdown, signature.documentation)
                if signature.documentation
                else None,
                [types.ParameterInformation(name) for name in signature.parameters],
            )
            for signature in call.signatures
        ]
        active = call.active_parameter if call.active_parameter >= 0 else None
        return types.SignatureHelp(signatures, call.active_signature, active)

    return ls.analyse(context, work, Urgency.TYPING)


def register(server: Server) -> None:
    """Register completion with the server."""
    server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=["."], resolve_provider=True),
    )(completion)
    server.feature(types.COMPLETION_ITEM_RESOLVE)(resolve)
    server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())(inline_completion)
    server.feature(
        types.TEXT_DOCUMENT_SIGNATURE_HELP,
        types.SignatureHelpOptions(trigger_characters=["(", ","], retrigger_characters=[")"]),
    )(signature_help)
