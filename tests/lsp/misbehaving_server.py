"""The real server with methods that misbehave, for what must hold whatever a feature does."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import time
from typing import Any

from lsprotocol import types
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import TypewrightError
from typewright.lsp.server import Server, create_server, serve_and_exit
from typewright.lsp.transport import standard_streams


def polite(cancel: CancelToken) -> str:
    """Work for a minute, but stop when asked."""
    for _ in range(6000):
        cancel.check()
        time.sleep(0.01)
    return "done"


def sleep(ls: Server, _params: object) -> asyncio.Future[str]:
    """Work on a thread."""
    return ls.work(polite)


def stubborn(ls: Server, _params: object) -> asyncio.Future[None]:
    """Work that never looks at its token."""
    return ls.work(lambda _cancel: time.sleep(60))


def stray(ls: Server, _params: object) -> str:  # noqa: ARG001
    """Write to what was the protocol's stream, and read from it."""
    print("a print")
    os.write(1, b"Content-Length: 2\r\n\r\n[]")
    subprocess.run("echo from a child; cat", shell=True, check=True)
    return "done"


def fail(ls: Server, params: Any) -> Any:
    """Fail as told."""
    if params == "expected":
        raise TypewrightError("no such thing")
    if params == "unwritable":
        return object()
    if params == "on a thread":
        return ls.work(lambda _cancel: 1 // 0)
    raise KeyError("unexpected")


async def fail_later(ls: Server, _params: object) -> None:  # noqa: ARG001
    """Fail in a notification."""
    raise KeyError("unexpected")


def flood(ls: Server, _params: object) -> None:
    """Send much."""
    for number in range(2000):
        ls.window_log_message(types.LogMessageParams(types.MessageType.Log, f"{number} " + "x" * 1000))


def main() -> None:
    """Serve on the standard streams."""
    streams = standard_streams()
    server = create_server()
    for method, handler in {
        "test/sleep": sleep,
        "test/stubborn": stubborn,
        "test/stray": stray,
        "test/fail": fail,
        "test/failLater": fail_later,
        "test/flood": flood,
    }.items():
        server.feature(method)(handler)
    for method in (
        types.TEXT_DOCUMENT_INLAY_HINT,
        types.TEXT_DOCUMENT_DIAGNOSTIC,
        types.TEXT_DOCUMENT_COMPLETION,
    ):
        server.protocol.fm.features[method] = functools.partial(sleep, server)
    serve_and_exit(server, streams)


if __name__ == "__main__":
    main()
