"""The life of a session with an editor: capabilities, buffers, folders, files and configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final, cast

from lsprotocol import types

from . import hints
from .convert import Encoding, uri_to_path
from .diagnostics import document_changed, document_closed
from .hardening import STALE_AFTER_CHANGE
from .indexing import index_workspaces, refresh_answers, refresh_files
from .options import SECTION
from .parent import watch_process
from .server import Server

WATCHED: Final = ("**/*.{py,pyi,ipynb}", "**/{pyproject.toml,setup.cfg,setup.py,.gitignore}")


def initialize(ls: Server, params: types.InitializeParams) -> None:
    """Take over roots, options and the position encoding; called before the capabilities are sent."""
    encoding = ls.protocol.position_encoding
    ls.documents.encoding = cast("Encoding", str(getattr(encoding, "value", encoding)))
    ls.options = ls.initial_options = ls.options.updated(params.initialization_options)
    ls.workspaces.settings = ls.options.session_settings()
    uris = [folder.uri for folder in params.workspace_folders or ()]
    if not uris and params.root_uri:
        uris = [params.root_uri]
    paths = [path for uri in uris if (path := uri_to_path(uri)) is not None]
    if not paths and params.root_path:
        paths = [Path(params.root_path)]
    ls.workspaces.add(paths)
    if params.process_id is not None:
        watch_process(params.process_id, lambda: ls.call(ls.stop))


async def initialized(ls: Server, _params: types.InitializedParams) -> None:
    """Ask for file events and configuration, then bring the indexes up to date in the background."""
    await _register_capabilities(ls)
    await _pull_configuration(ls)
    await index_workspaces(ls, ls.workspaces.sessions)


def shutdown(ls: Server, _params: None) -> None:
    """Stop background work and the inference processes; requests were withdrawn already."""
    ls.cancel_background()
    for path in list(ls.hint_work):
        hints.withdraw(ls, path)
    ls.close_sessions(ls.workspaces.all())


# Buffers


def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    """Take a buffer over."""
    ls.documents.open(params.text_document)
    document_changed(ls, params.text_document.uri)


def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    """Edit a buffer; what is computed for its old text is withdrawn."""
    uri = params.text_document.uri
    ls.protocol.withdraw(uri, STALE_AFTER_CHANGE, "the document has changed")
    document = ls.documents.change(params.text_document, params.content_changes)
    if document is not None:
        hints.withdraw(ls, document.path)
        document_changed(ls, uri)


def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    """Give a buffer up: from now on, what lies on disk counts."""
    uri = params.text_document.uri
    document = ls.documents.close(uri)
    if document is not None:
        hints.forget(ls, document.path)
        document_closed(ls, uri)


async def did_save(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
    """Bring the index up to date with what was written."""
    if (path := uri_to_path(params.text_document.uri)) is not None:
        await refresh_files(ls, [path])


def did_open_notebook(ls: Server, params: types.DidOpenNotebookDocumentParams) -> None:
    """Take a notebook and its cells over."""
    ls.documents.open_notebook(params)
    for item in params.cell_text_documents:
        document_changed(ls, item.uri)


def did_change_notebook(ls: Server, params: types.DidChangeNotebookDocumentParams) -> None:
    """Edit a notebook: a change in one cell may change what holds in all of them."""
    if (notebook := ls.documents.change_notebook(params)) is not None:
        hints.withdraw(ls, notebook.path)
        for cell in ls.documents.cells_of(notebook):
            ls.protocol.withdraw(cell.uri, STALE_AFTER_CHANGE, "the notebook has changed")
            document_changed(ls, cell.uri)


async def did_save_notebook(ls: Server, params: types.DidSaveNotebookDocumentParams) -> None:
    """Bring the index up to date with what was written."""
    if (path := uri_to_path(params.notebook_document.uri)) is not None:
        await refresh_files(ls, [path])


def did_close_notebook(ls: Server, params: types.DidCloseNotebookDocumentParams) -> None:
    """Give a notebook and its cells up."""
    notebook = ls.documents.close_notebook(params)
    if notebook is not None:
        hints.forget(ls, notebook.path)
    for identifier in params.cell_text_documents:
        document_closed(ls, identifier.uri)


# Folders, files and configuration


def did_change_folders(ls: Server, params: types.DidChangeWorkspaceFoldersParams) -> Awaitable[None]:
    """Open and close sessions with the folders of the editor."""
    ls.close_sessions(ls.workspaces.remove(_paths(folder.uri for folder in params.event.removed)))
    added = ls.workspaces.add(_paths(folder.uri for folder in params.event.added))
    return index_workspaces(ls, added)


async def did_change_files(ls: Server, params: types.DidChangeWatchedFilesParams) -> None:
    """Bring the index up to date with files that changed on disk."""
    await refresh_files(ls, _paths(change.uri for change in params.changes))


def did_change_configuration(
    ls: Server, params: types.DidChangeConfigurationParams
) -> Awaitable[None] | None:
    """Take over new options, without a restart."""
    settings = params.settings
    if isinstance(settings, dict) and isinstance(settings.get(SECTION), dict):
        changed = _take_over(ls, settings)
        return index_workspaces(ls, ls.workspaces.sessions) if changed else None
    return _ask_again(ls)


async def _ask_again(ls: Server) -> None:
    if await _pull_configuration(ls):
        await index_workspaces(ls, ls.workspaces.sessions)


async def _pull_configuration(ls: Server) -> bool:
    """Ask the client for its options; return whether there are new sessions."""
    workspace = ls.client_capabilities.workspace
    if workspace is None or not workspace.configuration:
        return False
    request = types.ConfigurationParams([types.ConfigurationItem(section=SECTION)])
    answer = await ls.ask(ls.workspace_configuration_async(request))
    return _take_over(ls, answer[0]) if answer else False


def _take_over(ls: Server, values: object) -> bool:
    """Put option values over the initial ones; return whether there are new sessions to index."""
    before = ls.options
    ls.options = ls.initial_options.updated(values)
    if ls.options == before:
        return False
    settings = ls.options.session_settings()
    renewed = settings != ls.workspaces.settings
    if renewed:
        ls.cancel_background()
        ls.close_sessions(ls.workspaces.replace_settings(settings))
    refresh_answers(ls)
    return renewed


async def _register_capabilities(ls: Server) -> None:
    """Ask for events that are only sent to servers that asked while running."""
    workspace = ls.client_capabilities.workspace
    if workspace is None:
        return
    registrations = []
    files = workspace.did_change_watched_files
    if files is not None and files.dynamic_registration:
        watchers = [types.FileSystemWatcher(pattern) for pattern in WATCHED]
        registrations.append(
            types.Registration(
                "typewright-files",
                types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                types.DidChangeWatchedFilesRegistrationOptions(watchers),
            )
        )
    configuration = workspace.did_change_configuration
    if configuration is not None and configuration.dynamic_registration:
        registrations.append(
            types.Registration(
                "typewright-configuration",
                types.WORKSPACE_DID_CHANGE_CONFIGURATION,
                types.DidChangeConfigurationRegistrationOptions(section=SECTION),
            )
        )
    if registrations:
        await ls.ask(ls.client_register_capability_async(types.RegistrationParams(registrations)))


def _paths(uris: Iterable[str]) -> list[Path]:
    return [path for uri in uris if (path := uri_to_path(uri)) is not None]


def register(server: Server) -> None:
    """Register the life cycle with the server."""
    handlers: dict[str, Callable[..., object]] = {
        types.INITIALIZE: initialize,
        types.INITIALIZED: initialized,
        types.SHUTDOWN: shutdown,
        types.TEXT_DOCUMENT_DID_OPEN: did_open,
        types.TEXT_DOCUMENT_DID_CHANGE: did_change,
        types.TEXT_DOCUMENT_DID_CLOSE: did_close,
        types.TEXT_DOCUMENT_DID_SAVE: did_save,
        types.NOTEBOOK_DOCUMENT_DID_OPEN: did_open_notebook,
        types.NOTEBOOK_DOCUMENT_DID_CHANGE: did_change_notebook,
        types.NOTEBOOK_DOCUMENT_DID_SAVE: did_save_notebook,
        types.NOTEBOOK_DOCUMENT_DID_CLOSE: did_close_notebook,
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: did_change_folders,
        types.WORKSPACE_DID_CHANGE_WATCHED_FILES: did_change_files,
        types.WORKSPACE_DID_CHANGE_CONFIGURATION: did_change_configuration,
    }
    for method, handler in handlers.items():
        server.feature(method)(handler)
