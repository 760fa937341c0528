"""A server that survives everything: bad bytes, bad messages, bad order, and the end of its client."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from lsprotocol import types

from .client import STATIC, Client, ResponseError, connected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    (root / "main.py").write_text("def main():\n    return 1\n")
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@asynccontextmanager
async def started(cache: Path, *arguments: str) -> AsyncIterator[Client]:
    client = await Client.start(*arguments, cache=cache)
    try:
        yield client
    finally:
        await client.close()


async def alive(client: Client) -> bool:
    """Whether the server still answers."""
    with pytest.raises(ResponseError) as error:
        await client.request("test/alive")
    return error.value.code == types.ErrorCodes.MethodNotFound.value


async def code_of(client: Client, method: str, params: object) -> int:
    with pytest.raises(ResponseError) as error:
        await client.request(method, params)
    return error.value.code


def hover(uri: str) -> dict[str, object]:
    return {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}


async def test_requests_before_and_after_the_session_are_refused(folder: Path, cache: Path) -> None:
    async with started(cache) as client:
        uri = (folder / "main.py").as_uri()
        assert await code_of(client, types.TEXT_DOCUMENT_HOVER, hover(uri)) == -32002
        client.notify(types.INITIALIZED, {})
        await client.initialize(folder, initialization_options=STATIC)
        assert await code_of(client, types.INITIALIZE, {"capabilities": {}, "processId": None}) == -32600
        await client.request(types.SHUTDOWN)
        assert await code_of(client, types.TEXT_DOCUMENT_HOVER, hover(uri)) == -32600
        assert await code_of(client, types.SHUTDOWN, None) == -32600
        client.notify(types.EXIT, None)
        assert await client.process.wait() == 0
        assert client.unhandled == []


BAD_BYTES = [
    b"Content-Length: 3\r\n\r\n{]}",
    b"Content-Length: 5\r\n\r\n",
    b"\x00\xff\x16\x03 GET / HTTP/1.1\r\n\r\n",
    b"Content-Length: -1\r\n\r\n",
    b"Content-Length: 18446744073709551616\r\n\r\n",
    b"Content-Length: 2\r\n\r\n[]",
    b"Content-Length: 4\r\n\r\nnull",
    b"Content-Length: 13\r\n\r\n[1, 2, 3, 4, ",
    b"\r\n" * 1000,
]
BAD_MESSAGES = [
    {},
    {"id": 1.5, "method": "textDocument/hover"},
    {"id": None, "method": "textDocument/hover"},
    {"id": True, "method": "textDocument/hover"},
    {"id": [], "method": "textDocument/hover"},
    {"method": 7},
    {"id": 70, "method": 7},
    {"method": "textDocument/didOpen"},
    {"method": "textDocument/didOpen", "params": None},
    {"method": "textDocument/didOpen", "params": []},
    {
        "method": "textDocument/didChange",
        "params": {"textDocument": {"uri": "file:///x.py", "version": "one"}},
    },
    {"method": "$/cancelRequest", "params": {}},
    {"method": "$/cancelRequest", "params": {"id": "never"}},
    {"method": "$/somethingNew", "params": {}},
    {"method": "no/such/notification"},
    {"method": "window/workDoneProgress/cancel", "params": {"token": "never"}},
    {"id": 9999, "result": 1},
    {"id": "x", "error": {"code": 1, "message": "?"}},
    {"id": "y", "error": "not an object"},
    {"jsonrpc": "1.0", "id": 71, "method": "shutdown"},
]


async def test_noise_and_bad_messages_harm_nothing(folder: Path, cache: Path) -> None:
    async with connected(folder, cache=cache, initialization_options=STATIC) as client:
        for data in BAD_BYTES:
            client.send_bytes(data)
            assert await alive(client), data
        for message in BAD_MESSAGES:
            client.send(message)
            assert await alive(client), message
        assert {error["code"] for error in client.errors} <= {-32700, -32600}
        answers = [
            message for message, _ in client.unhandled
        ]  # to what the client does not know to have asked
        assert {(answer["id"], answer["error"]["code"]) for answer in answers} <= {(70, -32600), (71, -32600)}
        client.unhandled.clear()
        assert types.WINDOW_SHOW_MESSAGE not in client.notifications
        assert await client.shut_down() == 0


BAD_PARAMETERS = [
    None,
    [],
    "text",
    {},
    {"textDocument": {}},
    {"textDocument": {"uri": "file:///x.py"}, "position": None},
    {"textDocument": {"uri": "file:///x.py"}, "position": {"line": -1, "character": 0}},
    {"textDocument": {"uri": "file:///x.py"}, "position": {"line": "0", "character": 0}},
    {"textDocument": {"uri": "file:///x.py"}, "position": {"line": 0.5, "character": 0}},
]


async def test_bad_parameters_are_answered_with_invalid_params(folder: Path, cache: Path) -> None:
    async with connected(folder, cache=cache, initialization_options=STATIC) as client:
        for params in BAD_PARAMETERS:
            assert await code_of(client, types.TEXT_DOCUMENT_HOVER, params) == -32602, params
        assert await code_of(client, types.WORKSPACE_EXECUTE_COMMAND, {"command": "rm -rf"}) == -32602
        assert await code_of(client, types.COMPLETION_ITEM_RESOLVE, {"kind": 3}) == -32602


async def test_edits_of_unknown_documents_are_ignored(folder: Path, cache: Path) -> None:
    async with connected(folder, cache=cache, initialization_options=STATIC) as client:
        uri = (folder / "never.py").as_uri()
        client.change(uri, 2, "x = 1\n")
        client.notify(types.TEXT_DOCUMENT_DID_CLOSE, {"textDocument": {"uri": uri}})
        client.notify(types.TEXT_DOCUMENT_DID_SAVE, {"textDocument": {"uri": uri}})
        client.notify(
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES, {"changes": [{"uri": "nonsense:", "type": 1}]}
        )
        assert await alive(client)


# What features may do


async def misbehaving(folder: Path, cache: Path) -> AsyncIterator[Client]:
    client = await Client.start(cache=cache, command=MISBEHAVING)
    try:
        await client.initialize(folder, initialization_options=STATIC)
        yield client
    finally:
        await client.close()


misbehaving_server = asynccontextmanager(misbehaving)
MISBEHAVING = (sys.executable, str(Path(__file__).with_name("misbehaving_server.py")))


async def test_cancelled_work_stops_and_is_answered(folder: Path, cache: Path) -> None:
    async with misbehaving_server(folder, cache) as client:
        for round_number in range(3):  # more than there are threads in all
            asked = [client.ask("test/sleep", None, msg_id=f"{round_number}-{number}") for number in range(6)]
            for number, _ in asked:
                client.cancel(number)
            for _, future in asked:
                with pytest.raises(ResponseError) as error:
                    await asyncio.wait_for(future, 20)
                assert error.value.code == types.LSPErrorCodes.RequestCancelled.value
        number, future = client.ask("test/sleep", None)
        await asyncio.sleep(0.2)  # until it runs
        client.cancel(number)
        client.cancel(number)
        with pytest.raises(ResponseError):
            await asyncio.wait_for(future, 20)
        assert await alive(client)


async def test_an_edit_takes_back_what_is_computed_for_the_old_text(folder: Path, cache: Path) -> None:
    async with misbehaving_server(folder, cache) as client:
        document = types.TextDocumentIdentifier(client.open(folder / "main.py"))
        whole = types.Range(types.Position(0, 0), types.Position(9, 0))
        _, hints = client.ask(types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintParams(document, whole))
        _, report = client.ask(types.TEXT_DOCUMENT_DIAGNOSTIC, types.DocumentDiagnosticParams(document))
        _, items = client.ask(types.TEXT_DOCUMENT_COMPLETION, types.CompletionParams(document, whole.start))
        client.change(document.uri, 2, "x = 1\n")
        with pytest.raises(ResponseError) as error:
            await asyncio.wait_for(hints, 20)
        assert error.value.code == types.LSPErrorCodes.ContentModified.value
        with pytest.raises(ResponseError) as error:
            await asyncio.wait_for(report, 20)
        assert error.value.code == types.LSPErrorCodes.ServerCancelled.value
        assert error.value.data == {"retriggerRequest": True}
        assert not items.done()  # editors filter these by what was typed since
        client.ask(types.TEXT_DOCUMENT_COMPLETION, types.CompletionParams(document, whole.start))
        with pytest.raises(ResponseError) as error:
            await asyncio.wait_for(items, 20)
        assert error.value.code == types.LSPErrorCodes.ContentModified.value


async def test_an_id_in_use_is_refused(folder: Path, cache: Path) -> None:
    async with misbehaving_server(folder, cache) as client:
        _, first = client.ask("test/sleep", None, msg_id=77)
        with pytest.raises(ResponseError) as error:
            await client.ask("test/sleep", None, msg_id=77)[1]
        assert error.value.code == types.ErrorCodes.InvalidRequest.value
        assert not first.done()


async def test_stray_output_never_reaches_the_protocol(folder: Path, cache: Path) -> None:
    async with misbehaving_server(folder, cache) as client:
        assert await client.request("test/stray") == "done"
        assert await alive(client)
        assert client.unhandled == []
        assert b"a print" in client.stderr
        assert b"from a child" in client.stderr


async def test_failures_are_answered_and_logged_and_never_shown(folder: Path, cache: Path) -> None:
    async with misbehaving_server(folder, cache) as client:
        for params, code in {
            "expected": -32803,
            "unwritable": -32603,
            "on a thread": -32603,
            "": -32603,
        }.items():
            assert await code_of(client, "test/fail", params) == code
        client.notify("test/failLater", None)
        client.notify("test/fail", None)
        assert await alive(client)
        assert types.WINDOW_SHOW_MESSAGE not in client.notifications
        assert b"ZeroDivisionError" in client.stderr


async def test_a_client_that_refuses_everything_is_served(folder: Path, cache: Path) -> None:
    client = await Client.start(cache=cache)

    def refuse(_params: object) -> None:
        raise KeyError("the client fails")

    try:
        for method in client.answers:
            client.answers[method] = refuse
        await client.initialize(folder, initialization_options=STATIC)
        await client.until(lambda: client.requests[types.CLIENT_REGISTER_CAPABILITY])
        client.send({"id": "not of the server", "error": {"code": -1, "message": "refused"}})
        assert await alive(client)
        assert await client.shut_down() == 0
    finally:
        await client.close()


async def test_a_client_that_answers_nothing_is_served(folder: Path, cache: Path) -> None:
    client = await Client.start(cache=cache)
    try:
        client._answer = lambda message: client.requests[message["method"]].append(message)  # type: ignore[method-assign]
        await client.initialize(folder, initialization_options=STATIC)
        await client.until(lambda: client.requests[types.CLIENT_REGISTER_CAPABILITY])
        assert await alive(client)
        # It waits a while for each of the three, then indexes without a progress bar.
        await client.until(lambda: client.requests[types.WORKSPACE_INLAY_HINT_REFRESH], 40)
        assert client.progress("begin") == []
        assert await client.shut_down() == 0
    finally:
        await client.close()


# The end


@pytest.mark.parametrize(("method", "expected"), [("test/sleep", 1), ("test/stubborn", 1)])
async def test_exit_does_not_wait_for_running_work(
    folder: Path, cache: Path, method: str, expected: int
) -> None:
    async with misbehaving_server(folder, cache) as client:
        for _ in range(8):
            client.ask(method, None)
        await asyncio.sleep(0.2)
        client.notify(types.EXIT, None)
        assert await asyncio.wait_for(client.process.wait(), 20) == expected


async def test_shutdown_answers_what_runs_and_exit_is_clean(folder: Path, cache: Path) -> None:
    async with misbehaving_server(folder, cache) as client:
        _, future = client.ask("test/stubborn", None)
        assert await client.shut_down() == 0
        with pytest.raises(ResponseError) as error:
            await future
        assert error.value.code == types.LSPErrorCodes.RequestCancelled.value


async def test_everything_sent_before_exit_arrives(folder: Path, cache: Path) -> None:
    async with misbehaving_server(folder, cache) as client:
        client.notify("test/flood", None)
        assert await client.shut_down() == 0
        await client.until(lambda: len(client.notifications[types.WINDOW_LOG_MESSAGE]) == 2000)


async def test_the_end_of_the_stream_ends_the_server(folder: Path, cache: Path) -> None:
    async with misbehaving_server(folder, cache) as client:
        client.ask("test/stubborn", None)
        client.process.stdin.close()
        assert await asyncio.wait_for(client.process.wait(), 20) == 1


async def test_a_client_that_stops_reading_ends_the_server_quietly(cache: Path) -> None:
    """The client is killed while the server writes: no endless report of its own failing writes."""
    script = (
        "import subprocess, sys, json\n"
        f"server = subprocess.Popen({[*MISBEHAVING]!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "def send(message):\n"
        "    body = json.dumps({'jsonrpc': '2.0', **message}).encode()\n"
        "    server.stdin.write(b'Content-Length: %d\\r\\n\\r\\n%b' % (len(body), body))\n"
        "    server.stdin.flush()\n"
        "send({'id': 1, 'method': 'initialize', 'params': {'capabilities': {}, 'processId': None}})\n"
        "send({'method': 'initialized', 'params': {}})\n"
        "send({'method': 'test/flood'})\n"
        "server.stdout.close()\n"
        "print(server.wait(30))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TYPEWRIGHT_CACHE": str(cache)},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert out.strip() == b"1"
    assert len(err) < 10_000, err[:2000]


async def test_the_server_ends_with_the_editor_even_if_its_stream_stays_open(
    folder: Path, cache: Path
) -> None:
    editor = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    async with started(cache) as client:
        await client.initialize(folder, process_id=editor.pid, initialization_options=STATIC)
        assert await alive(client)
        editor.kill()  # and not waited for: a zombie is gone as well
        assert await asyncio.wait_for(client.process.wait(), 20) == 1
    editor.wait()


async def test_an_unknown_process_id_is_no_reason_to_end(folder: Path, cache: Path) -> None:
    async with started(cache) as client:
        await client.initialize(folder, process_id=2**22 + 12345)
        assert await alive(client)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_sigterm_ends_the_server(folder: Path, cache: Path) -> None:
    async with connected(folder, cache=cache, initialization_options=STATIC) as client:
        client.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(client.process.wait(), 20) == 1


async def test_tcp_listens_on_loopback(folder: Path, cache: Path) -> None:
    async with started(cache, "--tcp", "127.0.0.1:0") as client:
        assert await client.connect() == "127.0.0.1"
        await client.initialize(folder, initialization_options=STATIC)
        assert await client.shut_down() == 0


async def test_a_socket_that_closes_ends_the_server(folder: Path, cache: Path) -> None:
    async with started(cache, "--tcp", "127.0.0.1:0") as client:
        await client.connect()
        await client.initialize(folder, initialization_options=STATIC)
        client._writer.close()
        assert await asyncio.wait_for(client.process.wait(), 20) == 1


async def test_an_address_that_is_taken_is_one_clear_line(cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with started(cache, "--tcp", f"127.0.0.1:{taken.getsockname()[1]}") as client:
            assert await asyncio.wait_for(client.process.wait(), 20) == 2
            await asyncio.sleep(0.1)
            assert client.stderr.decode().count("\n") == 1
            assert b"cannot listen" in client.stderr
