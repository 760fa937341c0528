"""One thread for the analysis of a workspace, which takes the most urgent work first.

Analysis keeps what it knows between questions and is asked one at a time; with more threads, they would
only wait for the interpreter's lock instead. What an edit makes useless is cancelled and leaves the lane at
its next look at the token, so that the typist's own requests never stand behind it for long.
"""

from __future__ import annotations

import enum
import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class Urgency(enum.IntEnum):
    """What comes first; equally urgent work keeps its order."""

    TYPING = 0  # completion, signatures: somebody waits at this very letter
    ASKED = 1  # hover, definition, a chosen action: somebody waits
    SHOWN = 2  # hints, actions on offer: the editor keeps them up to date
    CHECKED = 3  # diagnostics
    CLOSING = 4


class Lane:
    """Runs one piece of work at a time; the thread starts with the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: queue.PriorityQueue[tuple[Urgency, int, Future[Any], Callable[[], Any]]] = (
            queue.PriorityQueue()
        )
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def submit(self, function: Callable[[], Result], urgency: Urgency) -> Future[Result]:
        """Queue `function`; a future that is cancelled before its turn never runs. On the loop only."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"lane {self._name}", daemon=True)
            self._thread.start()
        future: Future[Result] = Future()
        self._queue.put((urgency, next(self._numbers), future, function))
        return future

    def _run(self) -> None:
        while True:
            urgency, _, future, function = self._queue.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001 (whoever waits for the answer takes it)
                    future.set_exception(error)
            if urgency == Urgency.CLOSING:
                return
