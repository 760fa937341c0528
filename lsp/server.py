"""The language server: what it holds, how its work runs, and how it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.metadata
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from typewright.assist.session import Session
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import UnreadableSource
from typewright.indexer.source import read_source

from .context import Context
from .convert import View, uri_to_path
from .documents import Documents
from .hardening import HardenedProtocol, converter
from .lane import Urgency
from .options import Options
from .transport import Connection, accept, standard_streams
from .workspaces import EditorSession, Workspaces

if TYPE_CHECKING:
    from .hints import HintWork, KnownHints

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

INTERACTIVE_WORKERS: Final = 4
BACKGROUND_WORKERS: Final = 2  # so that a saved file does not wait for the libraries to be read
FLUSH_SECONDS: Final = 0.5
CLIENT_SECONDS: Final = 5.0  # for an answer that the server can do without

_PYTHON_CELLS: Final = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithNotebook(
            notebook="jupyter-notebook", cells=[types.NotebookCellLanguage(language="python")]
        )
    ]
)


class Server(LanguageServer):
    """All state of a running server, touched on the loop only; work gets a `Context` and a cancel token."""

    protocol: HardenedProtocol

    def __init__(self) -> None:
        super().__init__(
            "typewright",
            importlib.metadata.version("typewright"),
            types.TextDocumentSyncKind.Incremental,
            _PYTHON_CELLS,
            protocol_cls=HardenedProtocol,
            converter_factory=converter,
        )
        self.documents = Documents()
        self.workspaces = Workspaces()
        self.options = self.initial_options = Options()
        self.changed_files: set[Path] = set()  # on disk, and not yet in the index
        self.publishing: dict[str, asyncio.Task[None]] = {}  # diagnostics to be pushed, by document
        self.hint_work: dict[Path, HintWork] = {}  # going on, by document
        self.known_hints: dict[Path, KnownHints] = {}  # of open documents
        # The number of the latest completion list, and the documentation of its items.
        self.offered: tuple[int, Sequence[str]] = (0, ())
        self._reported: set[str] = set()
        self._interactive = ThreadPoolExecutor(INTERACTIVE_WORKERS, "interactive")
        self._background = ThreadPoolExecutor(BACKGROUND_WORKERS, "background")
        self._background_work: set[asyncio.Future[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Future[int] | None = None

    # What requests are about

    def context(self, uri: str) -> Context | None:
        """Return the document `uri`, open or on disk, as it is now; None where nothing can be said of it."""
        view = self.documents.view(uri)
        if view is None:
            path = uri_to_path(uri)
            if path is None or self.documents.get(uri) is not None:
                return None
            try:
                view = View.of(uri, path, read_source(path), self.documents.encoding)
            except UnreadableSource:
                return None
        session = self.workspaces.session_for(view.path)
        return None if session is None else self.context_of(session, view)

    def context_of(self, session: EditorSession, view: View | None = None) -> Context:
        """Return the open buffers that `session` answers for, as they are now."""
        overlay = {
            path: text
            for path, text in self.documents.overlay().items()
            if self.workspaces.session_for(path) is session
        }
        cells = {notebook.path: self.documents.cells_of(notebook) for notebook in self.documents.notebooks()}
        uris = {document.path: document.uri for document in self.documents}
        return Context(session, view, overlay, uris, cells, self.documents.encoding)

    # Work

    def work(
        self, function: Callable[[CancelToken], Result], *, background: bool = False
    ) -> asyncio.Future[Result]:
        """Run `function` on a thread; cancelling the future cancels its token.

        Requests have threads of their own, which indexing and other `background` work never takes.
        """
        token = CancelToken()
        pool = self._background if background else self._interactive
        future = _with_token(asyncio.wrap_future(pool.submit(function, token)), token)
        if background:
            self._background_work.add(future)
            future.add_done_callback(self._background_work.discard)
        return future

    def analyse(
        self, context: Context, function: Callable[[CancelToken], Result], urgency: Urgency
    ) -> asyncio.Future[Result]:
        """Run `function`, which asks the analysis of the context's workspace, when its turn comes."""
        token = CancelToken()
        future = context.session.lane.submit(lambda: function(token), urgency)
        return _with_token(asyncio.wrap_future(future), token)

    def close_sessions(self, sessions: Sequence[EditorSession]) -> None:
        """Close sessions that are no longer needed, behind the work that they still have."""
        for session in sessions:
            session.lane.submit(session.close, Urgency.CLOSING)

    def cancel_background(self) -> None:
        """Stop all background work."""
        for future in list(self._background_work):
            future.cancel()

    async def ask(self, request: Awaitable[Result], seconds: float = CLIENT_SECONDS) -> Result | None:
        """Wait for the client's answer to a request; None where it refuses, or says nothing for too long."""
        try:
            return await asyncio.wait_for(request, seconds)
        except Exception as error:  # noqa: BLE001 (whatever a client answers, we go on without it)
            logger.warning("a request to the client came to nothing: %s", error or type(error).__name__)
            return None

    def report_notices(self, session: Session) -> None:
        """Write a session's notices (weights missing, index rebuilt) into the editor's log, each once."""
        for text in session.notices:
            if text not in self._reported:
                self._reported.add(text)
                message = types.LogMessageParams(types.MessageType.Info, text)
                self.call(functools.partial(self.window_log_message, message))

    def call(self, function: Callable[[], object]) -> None:
        """Run `function` on the loop; from any thread, at any time."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is left to tell
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function)

    # Life

    async def serve(self, connection: Connection) -> int:
        """Answer one client until it ends the session or is gone; return the exit code."""
        self._loop = asyncio.get_running_loop()
        self._stopped = self._loop.create_future()
        self.protocol.connection = connection
        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            with contextlib.suppress(
                NotImplementedError, AttributeError, RuntimeError
            ):  # Windows, other threads
                self._loop.add_signal_handler(getattr(signal, name), self.stop)
        connection.start(
            lambda message: self.call(lambda: self.protocol.receive(message)), lambda: self.call(self.stop)
        )
        return await self._stopped

    def stop(self) -> None:
        """End the session: exit code 0 after `shutdown`, else 1."""
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(0 if self.protocol.shutting_down else 1)


def _with_token(future: asyncio.Future[Result], token: CancelToken) -> asyncio.Future[Result]:
    future.add_done_callback(lambda done: token.cancel() if done.cancelled() else None)
    return future


def create_server() -> Server:
    """Return a server with every feature registered."""
    from . import actions, commands, completion, diagnostics, hints, lifecycle, navigation

    server = Server()
    for feature in (lifecycle, hints, completion, navigation, diagnostics, actions, commands):
        feature.register(server)
    return server


def run(tcp: tuple[str, int] | None = None) -> int:
    """Serve one client, on stdin and stdout or on a TCP socket, and end the process with the right exit code.

    Does not return once a client was there. Raises TypewrightError where the address cannot be bound.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("pygls").setLevel(logging.ERROR)  # it logs every message, source text included
    logging.raiseExceptions = False  # a closed stderr is no reason to write to stderr
    connection = accept(*tcp) if tcp else standard_streams()
    serve_and_exit(create_server(), connection)


def serve_and_exit(server: Server, connection: Connection) -> NoReturn:
    """Serve one client, then end the process at once: work that still runs must not hold it."""
    code = asyncio.run(server.serve(connection))
    connection.drain(FLUSH_SECONDS)
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)
