"""The inference process: `python -m typewright.models.worker`, frames on its standard input and output.

Requests wait in two lines: completions, the newest first, for someone is typing; and all others in
order. Long work looks at its cancel token between batches, and at that moment lets a waiting completion
go first. The process ends when its input ends, that is, when the editor's side is gone.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError

from .protocol import (
    BrokenFrame,
    Completion,
    CompletionRequest,
    Frame,
    read_frame,
    read_types_request,
    write_frame,
)

MAX_THREADS = 8


class _Turn(CancelToken):
    """The token of one request; long work that checks it lets waiting completions go first."""

    __slots__ = ("_between", "expires")

    def __init__(self, deadline: float | None, between: Callable[[], None] | None) -> None:
        self.expires = None if deadline is None else time.monotonic() + deadline
        super().__init__(deadline=self.expires)
        self._between = between

    def check(self) -> None:
        super().check()
        if self._between is not None:
            self._between()

    @property
    def expired(self) -> bool:
        return self.expires is not None and time.monotonic() >= self.expires


class Worker:
    """Reads requests in one thread, answers them in the one that calls `run`."""

    def __init__(self, source: BinaryIO, target: BinaryIO, *, device: str) -> None:
        self._source = source
        self._target = target
        self._device = device
        self._writing = threading.Lock()
        self._waiting = threading.Condition()
        self._urgent: list[tuple[Frame, _Turn]] = []  # the newest last
        self._others: deque[tuple[Frame, _Turn]] = deque()
        self._turns: dict[int, _Turn] = {}
        self._models: dict[tuple[str, str], Any] = {}
        self._threads = 0

    def run(self) -> None:
        """Answer requests until the input ends."""
        threading.Thread(target=self._read, daemon=True).start()
        self._send({"id": 0, "kind": "state", "loading": ""})
        while True:
            with self._waiting:
                self._waiting.wait_for(lambda: self._urgent or self._others)
                frame, turn = self._urgent.pop() if self._urgent else self._others.popleft()
            self._answer(frame, turn)

    def _read(self) -> None:
        try:
            while frame := read_frame(self._source):
                self._receive(frame)
        except BrokenFrame:
            traceback.print_exc()
        finally:
            os._exit(0)  # also while the other thread is deep in a computation

    def _receive(self, frame: Frame) -> None:
        kind, number = frame.header.get("kind"), frame.header.get("id")
        if not isinstance(number, int):
            raise BrokenFrame("a request without a number")
        if kind == "cancel":
            if turn := self._turns.get(number):
                turn.cancel()
            return
        if kind == "status":
            self._send({"id": number, "kind": "answer", "status": self._status()})
            return
        urgent = kind == "complete"
        turn = _Turn(frame.header.get("deadline"), None if urgent else self._run_urgent)
        self._turns[number] = turn
        with self._waiting:
            (self._urgent if urgent else self._others).append((frame, turn))
            self._waiting.notify()

    def _run_urgent(self) -> None:
        while self._urgent:
            self._answer(*self._urgent.pop())

    def _answer(self, frame: Frame, turn: _Turn) -> None:
        number = frame.header["id"]
        try:
            if turn.cancelled:
                raise Cancelled
            header, body = self._work(frame, turn)
            self._send({"id": number, "kind": "answer", **header}, body)
        except Cancelled:
            error = "InferenceTimeout" if turn.expired else "Cancelled"
            self._fail(number, error, "no answer within the deadline")
        except TypewrightError as error:
            self._fail(number, "TypewrightError", str(error))
        except Exception as error:  # noqa: BLE001 - whatever a model throws costs one answer, not the process
            traceback.print_exc()
            memory = isinstance(error, MemoryError) or "memory" in str(error)
            problem = "there is not enough memory" if memory else f"{type(error).__name__}: {error}"
            self._fail(number, "InferenceFailed", problem.partition("\n")[0])
        finally:
            self._turns.pop(number, None)

    def _work(self, frame: Frame, turn: _Turn) -> tuple[dict[str, Any], bytes]:
        header = frame.header
        kind = header["kind"]
        folder = header.get("folder", "")
        if kind == "embed":
            vectors = self._model("embeddings", folder).embed(header["texts"], turn)
            return {"shape": vectors.shape}, vectors.tobytes()
        if kind == "complete":
            model = self._model("language_model", folder)
            completion: Completion = model.complete(CompletionRequest.read(header["request"]), turn)
            return {"completion": asdict(completion)}, b""
        if kind == "predict_types":
            functions, candidates = read_types_request(header)
            ranked = self._model("type_model", folder).predict(functions, candidates, cancel=turn)
            types = [[[(each.type, each.probability) for each in slot] for slot in slots] for slots in ranked]
            return {"types": types}, b""
        raise TypewrightError(f"the inference process knows no request {kind!r}")

    def _model(self, role: str, folder: str) -> Any:  # noqa: ANN401 (one of three classes)
        model = self._models.get((role, folder))
        if model is None:
            self._send({"id": 0, "kind": "state", "loading": folder})
            try:
                model = self._models[role, folder] = self._load(role, Path(folder))
            finally:
                self._send({"id": 0, "kind": "state", "loading": ""})
        return model

    def _load(self, role: str, folder: Path) -> Any:  # noqa: ANN401 (one of three classes)
        if role == "type_model":
            from .type_model import TypeModel

            return TypeModel.load()
        import torch
        from transformers.utils.logging import disable_progress_bar

        if not self._threads:
            self._threads = _threads()
            torch.set_num_threads(self._threads)
            disable_progress_bar()  # type: ignore[no-untyped-call]
        if self._device == "auto":
            self._device = "cuda" if torch.cuda.is_available() else "cpu"
        if role == "embeddings":
            from .embeddings import SentenceEmbeddings

            return SentenceEmbeddings.load(folder, device=self._device)
        from .language_model import LanguageModel

        return LanguageModel.load(folder, device=self._device)

    def _status(self) -> dict[str, object]:
        return {
            "device": self._device,
            "loaded": [folder for _, folder in self._models],
            "threads": self._threads,
            "memory": _memory(),
            "requests": len(self._turns),
            "waiting": len(self._urgent) + len(self._others),
        }

    def _fail(self, number: int, error: str, message: str) -> None:
        self._send({"id": number, "kind": "error", "error": error, "message": message})

    def _send(self, header: dict[str, Any], body: bytes = b"") -> None:
        try:
            with self._writing:
                write_frame(self._target, Frame(header, body))
        except OSError:
            os._exit(0)  # nobody listens any more


def _threads() -> int:
    """How many threads to compute with: one processor is left to the editor where there are more than two."""
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    if chosen.isdecimal():
        return int(chosen)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MAX_THREADS, usable - (usable > 2)))


def _memory() -> int:
    """Bytes of this process in memory."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Keep the real input and output for frames; whatever else is printed goes to the log."""
    parser = argparse.ArgumentParser(description="The inference process of Typewright; started by it.")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    source = os.fdopen(os.dup(0), "rb")
    target = os.fdopen(os.dup(1), "wb", buffering=0)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started this process
    if hasattr(os, "nice"):
        os.nice(5)
    Worker(source, target, device=arguments.device).run()


if __name__ == "__main__":
    main()
