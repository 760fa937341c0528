"""What goes between the client and the inference process: requests, answers, and the frames they travel in.

A frame is four bytes (length of the header, big-endian), four bytes (length of the body), the header in
JSON and the body in raw bytes (an array). Kinds of headers:

    to the worker:   {"id", "kind": "embed" | "complete" | "predict_types" | "status", "deadline", ...}
                     {"id", "kind": "cancel"}
    from the worker: {"id", "kind": "answer", ...}
                     {"id", "kind": "error", "error": name, "message": sentence}
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO, Literal

from typewright.indexer.errors import TypewrightError
from typewright.indexer.slices import FunctionSlice, SlotSlice

Mode = Literal["exact", "dynamic"]
Stop = Literal["line", "statement", "block"]
Origin = Literal["class", "alias", "import", "elsewhere", "annotation"]

LENGTHS = struct.Struct(">II")
MAX_FRAME = 1 << 30


class InferenceFailed(TypewrightError):  # noqa: N818 - read as an outcome
    """The inference process died or answered with an error; the next request starts it anew."""


class InferenceTimeout(TypewrightError):  # noqa: N818 - read as an outcome
    """No answer within the deadline."""


class BrokenFrame(Exception):  # noqa: N818 - read as a state
    """Bytes that are no frame: the other end is not what it should be."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A text of the repository that helps to complete another, and where it comes from (a relative path)."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """What to complete: the text between `prefix` and `suffix` in the file `path` (relative to the root).

    `pieces` are texts of other files. `stop` says where to end: with the line, the statement (brackets
    closed) or the block (indentation).
    """

    prefix: str
    suffix: str = ""
    mode: Mode = "exact"
    max_tokens: int = 64
    stop: Stop = "line"
    path: str = ""
    pieces: tuple[Piece, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> CompletionRequest:
        """The inverse of `dataclasses.asdict`."""
        return cls(**{**data, "pieces": tuple(Piece(**piece) for piece in data["pieces"])})


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model says, and how sure it is.

    `confidence` is an estimate of the probability that all of `text` is right. `tokens` were generated
    (`token_ids`), going through `layers_run` layers each on average. Times in milliseconds from the
    start of work.
    """

    text: str
    confidence: float
    tokens: int
    layers_run: float
    first_token_ms: float
    total_ms: float
    token_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type that a slot may have, beyond those that the type model knows by heart.

    `origin` says where the asking module sees it: among its own classes or aliases, imported (for what only
    annotations use: "annotation"), or elsewhere in the workspace. `importers` and `subclasses` count the
    modules of the workspace that import it and the classes that derive from it.
    """

    name: str
    qualified_name: str
    members: tuple[str, ...] = ()
    documentation: str = ""
    bases: tuple[str, ...] = ()
    origin: Origin = "import"
    importers: int = 0
    subclasses: int = 0


@dataclass(frozen=True, slots=True)
class RankedType:
    """A type as an annotation with qualified names (`collections.abc.Sequence[pathlib.Path] | None`).

    `probability` is that of the type without its top-level None, calibrated on held-out packages.
    """

    type: str
    probability: float


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    header: Mapping[str, Any]
    body: bytes = b""


def types_request(functions: Sequence[FunctionSlice], candidates: Sequence[Candidate]) -> dict[str, Any]:
    """The part of a header that asks for types. The functions are those of one module."""
    module = functions[0].module if functions else ()
    return {
        "module": module,
        "functions": [asdict(replace(function, module=())) for function in functions],
        "candidates": [asdict(candidate) for candidate in candidates],
    }


def read_types_request(header: Mapping[str, Any]) -> tuple[list[FunctionSlice], list[Candidate]]:
    """The inverse of `types_request`."""
    shared = tuple(header["module"])
    functions = [
        FunctionSlice(
            **{
                **function,
                "slots": tuple(SlotSlice(**_tuples(slot)) for slot in function["slots"]),
                "module": shared,
            }
        )
        for function in header["functions"]
    ]
    return functions, [Candidate(**_tuples(candidate)) for candidate in header["candidates"]]


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}


def write_frame(stream: BinaryIO, frame: Frame) -> None:
    """Write `frame` and flush; raises OSError where the other end is gone."""
    header = json.dumps(frame.header, ensure_ascii=True).encode()
    stream.write(LENGTHS.pack(len(header), len(frame.body)) + header + frame.body)
    stream.flush()


def read_frame(stream: BinaryIO) -> Frame | None:
    """Read one frame; None at the end of the stream. Raises `BrokenFrame`."""
    lengths = _read(stream, LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < LENGTHS.size:
        raise BrokenFrame("the stream ends within a frame")
    header_length, body_length = LENGTHS.unpack(lengths)
    if header_length + body_length > MAX_FRAME:
        raise BrokenFrame(f"a frame of {header_length + body_length} bytes")
    header, body = _read(stream, header_length), _read(stream, body_length)
    if len(header) < header_length or len(body) < body_length:
        raise BrokenFrame("the stream ends within a frame")
    try:
        data = json.loads(header)
    except ValueError as error:
        raise BrokenFrame(f"a header that is no JSON ({error})") from error
    if not isinstance(data, dict):
        raise BrokenFrame("a header that is no object")
    return Frame(data, body)


def _read(stream: BinaryIO, count: int) -> bytes:
    parts = []
    while count:
        part = stream.read(count)
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
