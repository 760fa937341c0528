"""Where things are and what they are: hover, definition, references, symbols."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from typewright.assist.describe import hover as describe_at
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.outline import Symbol

from .context import Context
from .lane import Urgency
from .server import Server

if TYPE_CHECKING:
    from typewright.analysis.queries import Location

MAX_SYMBOLS: Final = 200  # in an answer for the whole workspace; editors ask again with each letter

SYMBOL_KINDS: Final = {
    "module": types.SymbolKind.Module,
    "class": types.SymbolKind.Class,
    "function": types.SymbolKind.Function,
    "method": types.SymbolKind.Method,
    "property": types.SymbolKind.Property,
    "variable": types.SymbolKind.Variable,
    "attribute": types.SymbolKind.Field,
}


def hover(ls: Server, params: types.HoverParams) -> object:
    """Say what is known of what stands at a place."""
    if (context := ls.context(params.text_document.uri)) is None:
        return None
    line, column = context.view.place(params.position)

    def work(cancel: CancelToken) -> types.Hover | None:
        found = describe_at(
            context.session, context.path, line, column, overlay=context.overlay, cancel=cancel
        )
        if found is None:
            return None
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, found.markdown()))

    return ls.analyse(context, work, Urgency.ASKED)


def definition(ls: Server, params: types.DefinitionParams) -> object:
    """Say where what stands at a place is defined."""
    if (context := ls.context(params.text_document.uri)) is None:
        return []
    line, column = context.view.place(params.position)

    def work(cancel: CancelToken) -> list[types.Location]:
        analysis = context.session.analysis(context.overlay, cancel=cancel)
        return _locations(context, analysis.definition(context.path, line, column, cancel), cancel)

    return ls.analyse(context, work, Urgency.ASKED)


def references(ls: Server, params: types.ReferenceParams) -> object:
    """Say where what stands at a place is used."""
    if (context := ls.context(params.text_document.uri)) is None:
        return []
    line, column = context.view.place(params.position)

    def work(cancel: CancelToken) -> list[types.Location]:
        analysis = context.session.analysis(context.overlay, cancel=cancel)
        found = _locations(context, analysis.references(context.path, line, column, cancel), cancel)
        if params.context.include_declaration:
            return found
        declared = _locations(context, analysis.definition(context.path, line, column, cancel), cancel)
        return [location for location in found if location not in declared]

    return ls.analyse(context, work, Urgency.ASKED)


def _locations(context: Context, found: Iterable[Location], cancel: CancelToken) -> list[types.Location]:
    locations = [context.location(each.path, each.span, cancel) for each in found]
    return [location for location in locations if location is not None]


def document_symbol(ls: Server, params: types.DocumentSymbolParams) -> object:
    """Return the outline of a document as a tree."""
    if (context := ls.context(params.text_document.uri)) is None:
        return []

    def work(cancel: CancelToken) -> list[types.DocumentSymbol]:
        outline = context.session.snapshot(context.overlay, cancel=cancel).outline(context.path)
        return _tree(context, [symbol for symbol in outline.symbols if context.view.holds(symbol.span.line)])

    return ls.work(work)


def _tree(context: Context, symbols: Sequence[Symbol]) -> list[types.DocumentSymbol]:
    """Nest symbols by their qualified names."""
    top: list[types.DocumentSymbol] = []
    nodes: dict[str, types.DocumentSymbol] = {}
    for symbol in symbols:
        if symbol.kind == "module":
            continue
        node = types.DocumentSymbol(
            symbol.name,
            SYMBOL_KINDS[symbol.kind],
            context.view.range(symbol.span),
            context.view.range(symbol.name_span),
            detail=symbol.signature,
            children=[],
        )
        parent = nodes.get(symbol.qualified_name.rpartition(".")[0])
        if parent is None:
            top.append(node)
        else:
            parent.children = [*(parent.children or ()), node]
        nodes[symbol.qualified_name] = node
    return top


def workspace_symbol(ls: Server, params: types.WorkspaceSymbolParams) -> object:
    """Return the definitions of all workspaces whose names hold the query's letters."""
    contexts = [ls.context_of(session) for session in ls.workspaces.sessions]

    def work(cancel: CancelToken) -> list[types.WorkspaceSymbol]:
        found = []
        for context in contexts:
            snapshot = context.session.snapshot(context.overlay, cancel=cancel)
            for path, symbol in snapshot.find_symbols(params.query, MAX_SYMBOLS):
                cancel.check()
                location = context.location(path, symbol.name_span, cancel)
                if location is not None:
                    container = symbol.qualified_name.rpartition(".")[0]
                    found.append(
                        types.WorkspaceSymbol(
                            location, symbol.name, SYMBOL_KINDS[symbol.kind], container_name=container
                        )
                    )
        return found

    return ls.work(work)


def register(server: Server) -> None:
    """Register navigation with the server."""
    handlers: dict[str, Callable[..., object]] = {
        types.TEXT_DOCUMENT_HOVER: hover,
        types.TEXT_DOCUMENT_DEFINITION: definition,
        types.TEXT_DOCUMENT_REFERENCES: references,
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: document_symbol,
        types.WORKSPACE_SYMBOL: workspace_symbol,
    }
    for method, handler in handlers.items():
        server.feature(method)(handler)
