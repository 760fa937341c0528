"""How messages are received, dispatched and answered: what pygls leaves to chance is settled here.

- Every request gets exactly one response, whatever is wrong with it. A bad notification is logged, not shown.
- A handler runs on the loop, in the order of the messages, and only looks at the state of this moment. The
  work it returns runs on a thread and is withdrawn by `$/cancelRequest`, by a newer request for the same
  cursor, by a change of its document, and by `shutdown`.
- A response nobody waits for, an unknown method, a message that is no JSON: each costs one line in the log.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cattrs
from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol, default_converter
from typewright.indexer.errors import Cancelled, TypewrightError

from .transport import Connection, Malformed

if TYPE_CHECKING:
    from .server import Server

logger = logging.getLogger(__name__)

MessageId = int | str
Handler = Callable[[Any], Any]

LATEST_ONLY: Final = frozenset({types.TEXT_DOCUMENT_COMPLETION, types.TEXT_DOCUMENT_INLINE_COMPLETION})
"""A newer request for the same document withdraws the older one: there is one cursor."""

STALE_AFTER_CHANGE: Final = frozenset(
    {
        types.TEXT_DOCUMENT_INLAY_HINT,
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL,
        types.TEXT_DOCUMENT_DIAGNOSTIC,
    }
)
"""A change of the document withdraws these: their positions would be those of the old text.

Completion is not among them: editors filter the answer by what was typed since they asked.
"""

MAX_POSITION: Final = 2**31 - 1  # of lsprotocol; the specification allows twice as much


class RequestError(JsonRpcException):
    """An error response: `code` and one sentence."""

    def __init__(
        self, code: types.LSPErrorCodes | types.ErrorCodes, message: str, data: object = None
    ) -> None:
        super().__init__(message, code.value, data)


@dataclass(slots=True)
class Running:
    """A request whose response is still owed."""

    method: str
    uri: str | None
    task: asyncio.Future[Any]
    withdrawn: RequestError | None = None

    def withdraw(self, error: RequestError) -> None:
        """Stop the work; `error` becomes the response."""
        if self.withdrawn is None:
            self.withdrawn = error
            self.task.cancel()


class HardenedProtocol(LanguageServerProtocol):
    """JSON-RPC and the life cycle of a language server, over a `Connection`.

    Keeps of pygls the registry of features, the typed messages and the capabilities; replaces how messages
    are received, dispatched and sent.
    """

    _server: Server

    def __init__(self, server: Server, converter: cattrs.Converter) -> None:
        super().__init__(server, converter)
        self.connection: Connection | None = None
        self.initialized = False
        self.position_encoding: types.PositionEncodingKind | str = types.PositionEncodingKind.Utf16
        self.running: dict[MessageId, Running] = {}
        self.fm.builtin_features.clear()  # their book-keeping raises on an unknown document
        self.fm.builtin_features.update(
            {
                types.INITIALIZE: self.on_initialize,
                types.SHUTDOWN: self.on_shutdown,
                types.EXIT: self.on_exit,
                types.CANCEL_REQUEST: self.on_cancel,
                types.SET_TRACE: lambda params: setattr(self, "trace", params.value),
                types.WORKSPACE_EXECUTE_COMMAND: self.on_execute_command,
                types.WINDOW_WORK_DONE_PROGRESS_CANCEL: self.on_progress_cancel,
            }
        )

    @property
    def shutting_down(self) -> bool:
        """Whether `shutdown` was received."""
        return self._shutdown

    # Receiving

    def receive(self, message: object) -> None:
        """Handle one message from the client; on the loop. Never raises."""
        try:
            if isinstance(message, Malformed):
                raise RequestError(types.ErrorCodes.ParseError, message.reason)
            if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
                raise RequestError(types.ErrorCodes.InvalidRequest, "this is no JSON-RPC 2.0 message")
            method, msg_id = message.get("method"), message.get("id")
            if isinstance(method, str) and "id" not in message:
                self._receive_notification(method, message)
            elif isinstance(msg_id, bool) or not isinstance(msg_id, int | str):
                raise RequestError(types.ErrorCodes.InvalidRequest, "the id must be a number or a string")
            elif isinstance(method, str):
                self._receive_request(msg_id, method, message)
            elif "result" in message or "error" in message:
                self._receive_response(msg_id, message)
            else:
                self._respond_error(
                    msg_id, RequestError(types.ErrorCodes.InvalidRequest, "the method must be a string")
                )
        except RequestError as error:
            logger.warning("bad message: %s", error)
            self._respond_error(None, error)
        except Exception:
            logger.exception("a message could not be handled")

    def _receive_notification(self, method: str, message: dict[str, Any]) -> None:
        if method != types.EXIT and (not self.initialized or self._shutdown):
            logger.warning("ignored %s outside of a session", method)
            return
        try:
            outcome = self._handler(method)(self._parameters(method, message))
            if inspect.isawaitable(outcome):
                task = asyncio.ensure_future(outcome)
                task.add_done_callback(functools.partial(_log_failure, method))
        except RequestError as error:
            if not method.startswith("$/"):  # those may be ignored without a word
                logger.warning("ignored %s: %s", method, error)
        except Exception:
            logger.exception("%s failed", method)

    def _receive_request(self, msg_id: MessageId, method: str, message: dict[str, Any]) -> None:
        try:
            if self._shutdown:
                raise RequestError(types.ErrorCodes.InvalidRequest, "the server is shutting down")
            if method == types.INITIALIZE and self.initialized:
                raise RequestError(types.ErrorCodes.InvalidRequest, "the server is initialized already")
            if method != types.INITIALIZE and not self.initialized:
                raise RequestError(types.ErrorCodes.ServerNotInitialized, "the server is not initialized")
            if msg_id in self.running:
                raise RequestError(types.ErrorCodes.InvalidRequest, f"id {msg_id!r} is in use")
            handler = self._handler(method)
            params = self._parameters(method, message)
            uri = getattr(getattr(params, "text_document", None), "uri", None)
            if method in LATEST_ONLY:
                self.withdraw(uri, frozenset({method}), "a newer request took its place")
            outcome = handler(params)  # looks at the state of this moment; work it returns runs later
            if not inspect.isawaitable(outcome):
                self._respond(msg_id, outcome)
                return
            task = asyncio.ensure_future(outcome)
            self.running[msg_id] = Running(method, uri, task)
            task.add_done_callback(functools.partial(self._finish, msg_id))
        except Exception as error:  # noqa: BLE001 (whatever it is, it is the answer)
            self._respond_error(msg_id, _as_request_error(error, method))

    def _receive_response(self, msg_id: MessageId, message: dict[str, Any]) -> None:
        future = self._request_futures.pop(msg_id, None)
        result_type = self._result_types.pop(msg_id, None)
        if future is None or not future.set_running_or_notify_cancel():
            logger.debug("a response to %r, which nobody waits for", msg_id)
            return
        try:
            if (error := message.get("error")) is not None:
                raise JsonRpcException.from_error(self._converter.structure(error, types.ResponseError))
            if result_type is None:
                future.set_result(message.get("result"))
            else:
                future.set_result(self._converter.structure(message, result_type).result)
        except Exception as error:  # noqa: BLE001 (whoever waits for the answer takes it)
            future.set_exception(error)

    def _handler(self, method: str) -> Handler:
        handler = self.fm.builtin_features.get(method) or self.fm.features.get(method)
        if handler is None:
            raise RequestError(types.ErrorCodes.MethodNotFound, f"unknown method {method}")
        return handler  # type: ignore[no-any-return]

    def _parameters(self, method: str, message: dict[str, Any]) -> Any:  # noqa: ANN401 (any type)
        """Return the typed parameters of `message`. Raises RequestError (InvalidParams)."""
        message_type = self.get_message_type(method)
        if message_type is None:
            return message.get("params")
        try:
            return self._converter.structure({"id": 0, **message}, message_type).params
        except Exception as error:
            raise RequestError(
                types.ErrorCodes.InvalidParams, f"bad parameters: {_innermost(error)}"
            ) from error

    def _finish(self, msg_id: MessageId, task: asyncio.Future[Any]) -> None:
        running = self.running.pop(msg_id)
        if task.cancelled() or running.withdrawn is not None:
            error = running.withdrawn or RequestError(
                types.LSPErrorCodes.RequestCancelled, "the work was cancelled"
            )
            self._respond_error(msg_id, error)
        elif (failure := task.exception()) is not None:
            self._respond_error(msg_id, _as_request_error(failure, running.method))
        else:
            self._respond(msg_id, task.result())

    def withdraw(self, uri: str | None, methods: frozenset[str], reason: str) -> None:
        """Answer the running requests of `methods` for the document `uri` with ContentModified.

        Diagnostics have an error of their own, which makes the client ask again.
        """
        for running in list(self.running.values()):
            if running.uri != uri or running.method not in methods:
                continue
            if running.method == types.TEXT_DOCUMENT_DIAGNOSTIC:
                again = types.DiagnosticServerCancellationData(retrigger_request=True)
                running.withdraw(RequestError(types.LSPErrorCodes.ServerCancelled, reason, again))
            else:
                running.withdraw(RequestError(types.LSPErrorCodes.ContentModified, reason))

    # Sending

    def _respond(self, msg_id: MessageId, result: object) -> None:
        try:
            self._send_json({"id": msg_id, "result": self._converter.unstructure(result)})
        except Exception:
            logger.exception("a result could not be written")
            self._respond_error(
                msg_id, RequestError(types.ErrorCodes.InternalError, "the result cannot be sent")
            )

    def _respond_error(self, msg_id: MessageId | None, error: JsonRpcException) -> None:
        content: dict[str, Any] = {"code": error.code, "message": error.message}
        if error.data is not None:
            content["data"] = self._converter.unstructure(error.data)
        self._send_json({"id": msg_id, "error": content})

    def _send_data(self, data: object) -> None:
        """Send a typed message (how pygls sends requests and notifications). Never raises."""
        try:
            self._send_json(self._converter.unstructure(data))
        except Exception:
            logger.exception("a message could not be written")

    def _send_json(self, message: dict[str, Any]) -> None:
        if self.connection is not None:
            self.connection.send({"jsonrpc": self.VERSION, **message})

    # The life cycle

    def on_initialize(self, params: types.InitializeParams) -> types.InitializeResult:
        """Settle what both sides can do; a handler of the server for `initialize` runs first."""
        self.client_capabilities = params.capabilities
        self.position_encoding = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        if (prepare := self.fm.features.get(types.INITIALIZE)) is not None:
            prepare(params)
        builder = ServerCapabilitiesBuilder(
            params.capabilities,
            {*self.fm.features, *self.fm.builtin_features},
            self.fm.feature_options,
            list(self.fm.commands),
            self._server._text_document_sync_kind,
            self._server._notebook_document_sync,
            self.position_encoding,
        )
        self.server_capabilities = builder.build()  # type: ignore[no-untyped-call]
        self.initialized = True
        return types.InitializeResult(self.server_capabilities, self.server_info)

    def on_shutdown(self, _params: None) -> None:
        """Withdraw what runs; from now on only `exit` is heard."""
        self._shutdown = True
        for running in list(self.running.values()):
            running.withdraw(
                RequestError(types.LSPErrorCodes.RequestCancelled, "the server is shutting down")
            )
        if (clean_up := self.fm.features.get(types.SHUTDOWN)) is not None:
            clean_up(None)

    def on_exit(self, _params: None) -> None:
        """End the process: 0 after `shutdown`, else 1."""
        self._server.stop()

    def on_cancel(self, params: types.CancelParams) -> None:
        """Withdraw a request; one that is answered already, or was never heard of, is no error."""
        if (running := self.running.get(params.id)) is not None:
            running.withdraw(RequestError(types.LSPErrorCodes.RequestCancelled, "cancelled by the client"))

    def on_execute_command(self, params: types.ExecuteCommandParams) -> object:
        """Call a registered command with its list of arguments."""
        if (command := self.fm.commands.get(params.command)) is None:
            raise RequestError(types.ErrorCodes.InvalidParams, f"unknown command {params.command!r}")
        return command(params.arguments or ())

    def on_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> None:
        """Cancel the work behind a progress bar."""
        if (future := self.progress.tokens.get(params.token)) is not None:
            future.cancel()


def converter() -> cattrs.Converter:
    """Return the converter of protocol types; positions that lsprotocol finds too large are clamped."""

    def position(value: Mapping[str, object], _: type) -> types.Position:
        line, character = value["line"], value["character"]
        if type(line) is not int or type(character) is not int:
            raise TypeError("a position holds two integers")
        return types.Position(min(line, MAX_POSITION), min(character, MAX_POSITION))

    made: cattrs.Converter = default_converter()  # type: ignore[no-untyped-call]
    made.register_structure_hook(types.Position, position)
    return made


def _as_request_error(error: BaseException, method: str) -> JsonRpcException:
    if isinstance(error, JsonRpcException):
        return error
    if isinstance(error, Cancelled):
        return RequestError(types.LSPErrorCodes.ServerCancelled, f"{method} took too long")
    if isinstance(error, TypewrightError):
        return RequestError(types.LSPErrorCodes.RequestFailed, str(error))
    logger.error("%s failed", method, exc_info=error)
    return RequestError(types.ErrorCodes.InternalError, f"{method} failed: {type(error).__name__}: {error}")


def _log_failure(method: str, task: asyncio.Future[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, Cancelled):
        logger.error("%s failed", method, exc_info=error)


def _innermost(error: BaseException) -> str:
    """Return the cause at the bottom of a group of structuring errors."""
    while nested := getattr(error, "exceptions", ()):
        error = nested[0]
    return f"{type(error).__name__}: {error}"
