"""Long work with a progress bar in the editor, which the user may cancel."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Final, TypeVar

from lsprotocol import types
from typewright.indexer.cancellation import CancelToken, Progress
from typewright.indexer.errors import Cancelled

from .server import Server

Result = TypeVar("Result")

REPORT_SECONDS: Final = 0.1  # between two reports of one bar


async def with_progress(
    server: Server, title: str, function: Callable[[CancelToken, Progress], Result]
) -> Result:
    """Run background work behind a progress bar; return its result. Raises Cancelled if the user cancels."""
    bar = await _create(server)
    last = 0.0

    def report(stage: str, done: int, total: int) -> None:  # called on the thread of the work
        nonlocal last
        if bar is not None and (time.monotonic() - last > REPORT_SECONDS or done == total):
            last = time.monotonic()
            percentage = min(100, 100 * done // total) if total > 0 else None
            value = types.WorkDoneProgressReport(
                message=f"{stage} {done:,}/{total:,}", percentage=percentage, cancellable=True
            )
            server.call(lambda: server.work_done_progress.report(bar, value))

    if bar is not None:
        server.work_done_progress.begin(
            bar, types.WorkDoneProgressBegin(title, cancellable=True, percentage=0)
        )
    work = server.work(lambda cancel: function(cancel, report), background=True)
    if bar is not None:
        # `window/workDoneProgress/cancel` cancels the future that pygls keeps for the token.
        server.work_done_progress.tokens[bar].add_done_callback(lambda _: work.cancel())
    message = "failed"
    try:
        result = await work
        message = "done"
        return result
    except asyncio.CancelledError:
        message = "cancelled"
        if work.cancelled() and (task := asyncio.current_task()) is not None and not task.cancelling():
            raise Cancelled from None  # by the user, and not because our own task is
        raise
    finally:
        work.cancel()
        if bar is not None:
            server.work_done_progress.tokens.pop(bar, None)
            server.work_done_progress.end(bar, types.WorkDoneProgressEnd(message=message))


async def _create(server: Server) -> str | None:
    """Return the token of a new progress bar, None where the client shows none."""
    window = server.client_capabilities.window
    if window is None or not window.work_done_progress:
        return None
    token = f"typewright-{uuid.uuid4()}"
    await server.ask(server.work_done_progress.create_async(token))
    return token if token in server.work_done_progress.tokens else None
