"""A small language client for tests: it answers what a server may ask, and notes what it cannot place.

Every message of the server is read with lsprotocol's types and must come out of them as it went in, so that a
misspelt field or a wrong type fails the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.protocol import default_converter

CONVERTER = default_converter()
# lsprotocol takes every action that has a command for a bare command.
CONVERTER.register_structure_hook(
    types.Command | types.CodeAction,
    lambda raw, _: CONVERTER.structure(
        raw, types.Command if isinstance(raw.get("command"), str) else types.CodeAction
    ),
)
COMMAND = (sys.executable, "-m", "typewright.cli.main", "serve")
TIMEOUT = 100.0
STATIC = {"neural": False, "indexLibraries": False}


class ResponseError(Exception):
    """The server answered a request with an error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.data = code, message, data


def without_nulls(value: Any) -> Any:
    """Drop members that are null: for the protocol, most of them are as good as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def structured(raw: Any, kind: Any) -> Any:
    """Read a message as `kind`; fails where a field is unknown to it."""
    typed = CONVERTER.structure(json.loads(json.dumps(raw)), kind)
    back = CONVERTER.unstructure(typed)
    assert without_nulls(json.loads(json.dumps(back))) == without_nulls(raw), f"{kind.__name__} changed {raw}"
    return typed


def capabilities(**text_document: Any) -> types.ClientCapabilities:
    """What a modern editor can do."""
    return types.ClientCapabilities(
        general=types.GeneralClientCapabilities(position_encodings=["utf-16"]),
        window=types.WindowClientCapabilities(work_done_progress=True),
        workspace=types.WorkspaceClientCapabilities(
            apply_edit=True,
            configuration=True,
            workspace_folders=True,
            did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
            did_change_configuration=types.DidChangeConfigurationClientCapabilities(
                dynamic_registration=True
            ),
            inlay_hint=types.InlayHintWorkspaceClientCapabilities(refresh_support=True),
            diagnostics=types.DiagnosticWorkspaceClientCapabilities(refresh_support=True),
        ),
        text_document=types.TextDocumentClientCapabilities(
            diagnostic=types.DiagnosticClientCapabilities(),
            code_action=types.CodeActionClientCapabilities(
                code_action_literal_support=types.ClientCodeActionLiteralOptions(
                    types.ClientCodeActionKindOptions(["quickfix", "refactor", "source"])
                ),
                resolve_support=types.ClientCodeActionResolveOptions(["edit"]),
                data_support=True,
            ),
            **text_document,
        ),
        notebook_document=types.NotebookDocumentClientCapabilities(
            synchronization=types.NotebookDocumentSyncClientCapabilities()
        ),
    )


class Client:
    """A server process, and one connection to it: over its standard streams, or over a socket (`connect`)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.settings: Mapping[str, Any] = {}
        self.notifications: dict[str, list[Any]] = defaultdict(list)
        self.requests: dict[str, list[Any]] = defaultdict(list)  # those of the server
        self.unhandled: list[Any] = []
        self.errors: list[Any] = []  # error responses without an id
        self.capabilities: types.ServerCapabilities | None = None
        self.stderr = bytearray()
        self._writer: Any = process.stdin
        self._ids = itertools.count(1)
        self._waiting: dict[int | str, tuple[str, asyncio.Future[Any]]] = {}
        self._news = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._read(process.stdout)),
            asyncio.create_task(self._read_stderr(process.stderr)),
        ]
        self.answers: dict[str, Callable[[Any], Any]] = {
            types.CLIENT_REGISTER_CAPABILITY: lambda _: None,
            types.CLIENT_UNREGISTER_CAPABILITY: lambda _: None,
            types.WINDOW_WORK_DONE_PROGRESS_CREATE: lambda _: None,
            types.WORKSPACE_CONFIGURATION: lambda params: [dict(self.settings) for _ in params.items],
            types.WORKSPACE_APPLY_EDIT: lambda _: {"applied": True},
            types.WORKSPACE_INLAY_HINT_REFRESH: lambda _: None,
            types.WORKSPACE_DIAGNOSTIC_REFRESH: lambda _: None,
        }

    @classmethod
    async def start(cls, *arguments: str, cache: Path, command: Sequence[str] = COMMAND) -> Client:
        """Start `typewright serve`; its index lies in `cache`."""
        process = await asyncio.create_subprocess_exec(
            *command,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"TYPEWRIGHT_CACHE": str(cache)},
            limit=1 << 26,
        )
        return cls(process)

    async def connect(self) -> str:
        """Connect to the socket that the server says it listens on; return its host."""
        while b"\n" not in self.stderr:
            await asyncio.sleep(0.02)
        host, _, port = self.stderr.decode().split("listening on ")[1].split()[0].rpartition(":")
        reader, self._writer = await asyncio.open_connection(host, int(port))
        self._tasks.append(asyncio.create_task(self._read(reader)))
        return host

    async def initialize(
        self, *roots: Path, able: types.ClientCapabilities | None = None, **others: Any
    ) -> types.InitializeResult:
        """Open a session on workspace folders."""
        folders = [types.WorkspaceFolder(root.as_uri(), root.name) for root in roots]
        params = types.InitializeParams(
            able or capabilities(),
            workspace_folders=folders or None,
            **({"process_id": os.getpid()} | others),
        )
        result: types.InitializeResult = await self.request(types.INITIALIZE, params)
        self.capabilities = result.capabilities
        self.notify(types.INITIALIZED, types.InitializedParams())
        return result

    # Sending

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message as it is."""
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes that need not be a message."""
        self._writer.write(data)

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self.send({"method": method, "params": CONVERTER.unstructure(params)})

    def ask(
        self, method: str, params: Any, *, msg_id: int | str | None = None
    ) -> tuple[int | str, asyncio.Future[Any]]:
        """Send a request; return its id and the future of its result."""
        number = next(self._ids) if msg_id is None else msg_id
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (method, future)
        self.send({"id": number, "method": method, "params": CONVERTER.unstructure(params)})
        return number, future

    async def request(self, method: str, params: Any = None) -> Any:
        """Send a request and return its typed result. Raises ResponseError."""
        return await asyncio.wait_for(self.ask(method, params)[1], TIMEOUT)

    def cancel(self, number: int | str) -> None:
        """Withdraw a request."""
        self.notify(types.CANCEL_REQUEST, types.CancelParams(number))

    # Receiving

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await reader.readuntil(b"\r\n\r\n")
                assert header.startswith(b"Content-Length: ") and header.isascii(), header
                self._receive(json.loads(await reader.readexactly(int(header[16:-4]))))
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the server is gone"))
                future.exception()

    async def _read_stderr(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(1 << 16):
            self.stderr += data

    def _receive(self, message: dict[str, Any]) -> None:
        try:
            assert message["jsonrpc"] == "2.0"
            if "method" in message and "id" in message:
                self._answer(message)
            elif "method" in message:
                kind = types.METHOD_TO_TYPES[message["method"]][0]
                self.notifications[message["method"]].append(structured(message, kind).params)
            elif message["id"] is None:
                self.errors.append(message["error"])
            else:
                self._settle(message)
        except Exception as error:  # noqa: BLE001 (whatever it is, a test will look at it)
            self.unhandled.append((message, error))
        self._news.set()

    def _answer(self, message: dict[str, Any]) -> None:
        method = message["method"]
        params = structured(message, types.METHOD_TO_TYPES[method][0]).params
        self.requests[method].append(params)
        result = CONVERTER.unstructure(self.answers[method](params))
        self.send({"id": message["id"], "result": result})

    def _settle(self, message: dict[str, Any]) -> None:
        method, future = self._waiting.pop(message["id"])
        if future.done():
            return
        if "error" in message:
            error = message["error"]
            future.set_exception(ResponseError(error["code"], error["message"], error.get("data")))
            future.exception()  # looked at here, so that nobody warns of those a test drops
        else:
            assert set(message) == {"jsonrpc", "id", "result"}, message
            kind = types.METHOD_TO_TYPES.get(method, (None, None))[1]
            try:
                future.set_result(message["result"] if kind is None else structured(message, kind).result)
            except Exception as error:  # noqa: BLE001 (the test that asked gets it)
                future.set_exception(error)

    async def until(self, condition: Callable[[], Any], seconds: float = TIMEOUT) -> Any:
        """Wait until something received makes `condition` true; return what it returned."""

        async def wait() -> Any:
            while not (found := condition()):
                self._news.clear()
                await self._news.wait()
            return found

        return await asyncio.wait_for(wait(), seconds)

    async def indexed(self, what: str = "Indexing", seconds: float = TIMEOUT) -> None:
        """Wait until the server has read the workspace, or its libraries ("Reading the libraries")."""

        def done() -> bool:
            began = {item.token for item in self.progress("begin") if item.value["title"].startswith(what)}
            return bool(began & {item.token for item in self.progress("end")})

        await self.until(done, seconds)

    def progress(self, kind: str) -> list[types.ProgressParams]:
        """Return the reports of work of one kind."""
        return [item for item in self.notifications[types.PROGRESS] if item.value["kind"] == kind]

    # The end

    async def shut_down(self) -> int:
        """End the session properly; return the exit code."""
        await self.request(types.SHUTDOWN)
        self.notify(types.EXIT, None)
        return await asyncio.wait_for(self.process.wait(), TIMEOUT)

    async def close(self) -> None:
        """Make sure that nothing of the connection is left."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        await self.process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    # Documents

    def open(self, path: Path | str, text: str | None = None, language: str = "python") -> str:
        """Open a document, with the text on disk where none is given; return its URI."""
        uri = path.as_uri() if isinstance(path, Path) else path
        content = text if text is not None else Path(path).read_text(encoding="utf-8")
        item = types.TextDocumentItem(uri, language, 1, content)
        self.notify(types.TEXT_DOCUMENT_DID_OPEN, types.DidOpenTextDocumentParams(item))
        return uri

    def change(self, uri: str, version: int, *edits: tuple[types.Range, str] | str) -> None:
        """Edit a document: (range, text), or a whole new text."""
        changes: Sequence[Any] = [
            types.TextDocumentContentChangeWholeDocument(edit)
            if isinstance(edit, str)
            else types.TextDocumentContentChangePartial(*edit)
            for edit in edits
        ]
        identifier = types.VersionedTextDocumentIdentifier(version, uri)
        self.notify(types.TEXT_DOCUMENT_DID_CHANGE, types.DidChangeTextDocumentParams(identifier, changes))


@contextlib.asynccontextmanager
async def connected(*roots: Path, cache: Path, **initialization: Any) -> AsyncIterator[Client]:
    """Start a server, open a session on `roots`, and leave nothing behind."""
    client = await Client.start(cache=cache)
    try:
        await client.initialize(*roots, **initialization)
        yield client
        assert client.unhandled == []
    finally:
        await client.close()
