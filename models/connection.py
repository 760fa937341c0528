"""One running inference process and the requests that are under way in it."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled
from typewright.indexer.store import cache_folder

from .protocol import BrokenFrame, Frame, InferenceFailed, InferenceTimeout, read_frame, write_frame

POLL_SECONDS = 0.01  # between two looks at the cancel token
GRACE_SECONDS = 10.0  # after a deadline, which the process keeps itself; then it hangs and is killed
LOADING_SECONDS = 180.0  # that loading a model may take
LOG_BYTES = 1 << 20


class _Pending:
    """A request that waits for its answer; `frame` stays None when the process ends."""

    __slots__ = ("done", "frame")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.frame: Frame | None = None


class Connection:
    """Starts the process. Once it has ended, every request fails and the owner opens another connection."""

    def __init__(self, device: str) -> None:
        self.started = time.monotonic()
        self.log = _log_file()
        self.loading = "the inference process"
        self.answered = False  # whether any request was ever answered
        self._loading_since = self.started
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._overdue: dict[int, float] = {}  # request -> when it must have been answered at last
        self._outgoing: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        with (self.log or Path(os.devnull)).open("ab") as errors:
            self.process = subprocess.Popen(
                # -P: the working directory, where a workspace may lie, is not searched for modules
                [sys.executable, "-P", "-m", "typewright.models.worker", "--device", device],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={
                    # Threads that wait sleep instead of spinning: on a busy machine a token takes a tenth.
                    "OMP_WAIT_POLICY": "PASSIVE",
                    "KMP_BLOCKTIME": "0",
                    **os.environ,
                    "HF_HUB_OFFLINE": "1",
                    "HF_HUB_DISABLE_TELEMETRY": "1",
                    "TRANSFORMERS_VERBOSITY": "error",
                    "TOKENIZERS_PARALLELISM": "false",
                },
            )
        self.ended = False
        threading.Thread(target=self._write, name="inference-writer", daemon=True).start()
        threading.Thread(target=self._read, name="inference-reader", daemon=True).start()

    def request(self, header: Mapping[str, Any], deadline: float | None, cancel: CancelToken) -> Frame:
        """Send a request and wait for its answer, an error frame included.

        Raises `InferenceFailed` when the process ends, `InferenceTimeout`, `Cancelled`.
        """
        number, pending = next(self._numbers), _Pending()
        end = None if deadline is None else time.monotonic() + deadline
        with self._lock:
            if self.ended:
                raise self._failure()
            self._pending[number] = pending
        self._outgoing.put(Frame({**header, "id": number, "deadline": deadline}))
        try:
            while not pending.done.wait(POLL_SECONDS):
                now = time.monotonic()
                self._kill_if_hung(now)
                if cancel.cancelled:
                    raise Cancelled
                if end is not None and now >= end + POLL_SECONDS:
                    if self.loading:
                        raise InferenceTimeout(f"{self.loading} is still being loaded")
                    with self._lock:
                        self._overdue[number] = end + GRACE_SECONDS
                    raise InferenceTimeout("no answer within the deadline")
        except BaseException:
            self._outgoing.put(Frame({"id": number, "kind": "cancel"}))
            raise
        finally:
            with self._lock:
                self._pending.pop(number, None)
        if pending.frame is None:
            raise self._failure()
        return pending.frame

    def close(self) -> None:
        """End the process: politely, then by force."""
        self._outgoing.put(None)
        try:
            self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _failure(self) -> InferenceFailed:
        code = self.process.wait()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return InferenceFailed(f"the inference process {how}; the next request starts it again")

    def _kill_if_hung(self, now: float) -> None:
        with self._lock:
            overdue = any(now >= end for end in self._overdue.values())
        if self.loading:
            overdue = now - self._loading_since > LOADING_SECONDS
        if overdue:
            self.process.kill()

    def _write(self) -> None:
        stream = cast("BinaryIO", self.process.stdin)
        with contextlib.suppress(OSError):  # the process is gone, which the reader notices
            while (frame := self._outgoing.get()) is not None:
                write_frame(stream, frame)
        with contextlib.suppress(OSError):
            stream.close()

    def _read(self) -> None:
        stream = cast("BinaryIO", self.process.stdout)
        try:
            while frame := read_frame(stream):
                self._receive(frame)
        except (BrokenFrame, OSError, KeyError):
            self.process.kill()
        self.process.wait()
        with self._lock:
            self.ended = True
            for pending in self._pending.values():
                pending.done.set()
        self._outgoing.put(None)
        stream.close()

    def _receive(self, frame: Frame) -> None:
        if frame.header["kind"] == "state":
            self.loading, self._loading_since = frame.header["loading"], time.monotonic()
            return
        self.answered = True
        with self._lock:
            self._overdue.pop(frame.header["id"], None)
            pending = self._pending.get(frame.header["id"])
        if pending is not None:
            pending.frame = frame
            pending.done.set()


def _log_file() -> Path | None:
    """Where the process may write what it has to say; None where nothing can be written."""
    path = cache_folder() / "inference.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".old.log"))
        path.touch()
    except OSError:
        return None
    return path
