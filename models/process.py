"""`Inference`: the client of the inference process, which it starts, watches and restarts."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError

from . import catalogue
from .connection import Connection
from .protocol import (
    Candidate,
    Completion,
    CompletionRequest,
    Frame,
    InferenceFailed,
    InferenceTimeout,
    RankedType,
    types_request,
)
from .pull import locate

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from typewright.indexer.slices import FunctionSlice

EMBED_CHUNK = 512  # texts in one frame
LONGEST_PAUSE = 60.0  # seconds between two starts of a process that ends at once


class Inference:
    """The models, in a process of their own.

    Starts at the first request that needs a model; thread-safe; restarts after a crash. Requests raise
    `WeightsMissing`, `InferenceFailed` (the process died or the model cannot be used), `InferenceTimeout` and
    `Cancelled`.
    """

    def __init__(self, *, device: str = "auto", language_model: str | None = None) -> None:
        self.device = device
        self.language_model = language_model or catalogue.default("language-model").name
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._failures = 0  # starts in a row that came to nothing
        self._next_start = 0.0

    def embed(
        self, texts: Sequence[str], *, deadline: float | None = None, cancel: CancelToken = NEVER
    ) -> NDArray[numpy.float32]:
        """Return unit vectors, shape (len(texts), 384). `deadline` is in seconds from now."""
        import numpy

        folder = str(locate(catalogue.default("embeddings").name))
        end = None if deadline is None else time.monotonic() + deadline
        parts = [numpy.zeros((0, 384), dtype=numpy.float32)]
        for start in range(0, len(texts), EMBED_CHUNK):
            left = None if end is None else max(0.0, end - time.monotonic())
            header = {"kind": "embed", "folder": folder, "texts": list(texts[start : start + EMBED_CHUNK])}
            answer = self._request(header, left, cancel)
            parts.append(numpy.frombuffer(answer.body, dtype=numpy.float32).reshape(answer.header["shape"]))
        return numpy.concatenate(parts)

    def complete(
        self, request: CompletionRequest, *, deadline: float | None = None, cancel: CancelToken = NEVER
    ) -> Completion:
        """Complete code. `deadline` is in seconds from now."""
        header = {"kind": "complete", "folder": str(locate(self.language_model)), "request": asdict(request)}
        data = self._request(header, deadline, cancel).header["completion"]
        return Completion(**{**data, "token_ids": tuple(data["token_ids"])})

    def predict_types(
        self,
        functions: Sequence[FunctionSlice],
        candidates: Sequence[Candidate] = (),
        *,
        deadline: float | None = None,
        cancel: CancelToken = NEVER,
    ) -> Sequence[Sequence[Sequence[RankedType]]]:
        """Return, for each function and each of its slots, types with probabilities, the best first."""
        header = {"kind": "predict_types", **types_request(functions, candidates)}
        types = self._request(header, deadline, cancel).header["types"]
        return [[[RankedType(*each) for each in slot] for slot in slots] for slots in types]

    def status(self) -> Mapping[str, object]:
        """Say what is running, without starting it: process, device, models, threads, memory (bytes),
        and the requests that are not answered yet, of which some are `waiting`.
        """
        connection = self._connection
        status: dict[str, object] = {"running": False, "device": self.device}
        status["language_model"] = self.language_model
        if connection is None or connection.ended:
            return status
        status |= {"running": True, "pid": connection.process.pid, "loading": connection.loading}
        try:
            status |= self._request({"kind": "status"}, 1.0, NEVER).header["status"]
        except (InferenceFailed, InferenceTimeout):
            status["running"] = not connection.ended
        return status

    def close(self) -> None:
        """End the process; the next request would start it again."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> Inference:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _request(self, header: Mapping[str, Any], deadline: float | None, cancel: CancelToken) -> Frame:
        cancel.check()
        connection = self._connect()
        answer = connection.request(header, deadline, cancel)
        if answer.header["kind"] == "answer":
            return answer
        error, message = answer.header["error"], answer.header["message"]
        if error == "Cancelled":
            raise Cancelled
        if error == "InferenceTimeout":
            raise InferenceTimeout(message)
        if error == "TypewrightError":
            raise TypewrightError(message)
        raise InferenceFailed(f"the inference process could not answer: {message}")

    def _connect(self) -> Connection:
        with self._lock:
            connection = self._connection
            if connection is not None and connection.ended:
                self._failures = 0 if connection.answered else self._failures + 1
                if self._failures > 1:
                    self._next_start = connection.started + min(LONGEST_PAUSE, 2.0**self._failures)
                connection = self._connection = None
            if connection is None:
                if time.monotonic() < self._next_start:
                    raise InferenceFailed(
                        "the inference process ended at each start; it is tried again later"
                    )
                connection = self._connection = Connection(self.device)
            return connection
