from __future__ import annotations

import io
import json
import os
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typewright.indexer.slices import FunctionSlice, SlotSlice
from typewright.models.protocol import (
    MAX_FRAME,
    BrokenFrame,
    Candidate,
    Frame,
    read_frame,
    read_types_request,
    types_request,
    write_frame,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(st.lists(st.tuples(st.dictionaries(st.text(), VALUES), st.binary())))
def test_frames_survive_the_journey(messages: list[tuple[dict[str, object], bytes]]) -> None:
    stream = io.BytesIO()
    for header, body in messages:
        write_frame(stream, Frame(header, body))
    stream.seek(0)
    for header, body in messages:
        frame = read_frame(stream)
        assert frame == Frame(json.loads(json.dumps(header)), body)
    assert read_frame(stream) is None


def test_frames_over_a_pipe_that_delivers_in_pieces() -> None:
    reading, writing = os.pipe()
    stream = io.BytesIO()
    write_frame(stream, Frame({"id": 1, "text": "é" * 1000}, bytes(3000)))
    data = stream.getvalue()
    for start in range(0, len(data), 997):
        os.write(writing, data[start : start + 997])
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as source:
        assert read_frame(source) == Frame({"id": 1, "text": "é" * 1000}, bytes(3000))
        assert read_frame(source) is None


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"Hel", "ends within a frame"),
        (b"Hello, world: this is no frame", "a frame of"),
        (struct.pack(">II", MAX_FRAME, 1), "a frame of"),
        (struct.pack(">II", 100, 0) + b"{}", "ends within a frame"),
        (struct.pack(">II", 2, 9) + b"{}", "ends within a frame"),
        (struct.pack(">II", 2, 0) + b"{!", "no JSON"),
        (struct.pack(">II", 2, 0) + b"\xff\xfe", "no JSON"),
        (struct.pack(">II", 2, 0) + b"[]", "no object"),
    ],
)
def test_what_is_no_frame_is_said(data: bytes, problem: str) -> None:
    with pytest.raises(BrokenFrame, match=problem):
        read_frame(io.BytesIO(data))


def test_questions_for_types_survive_the_journey() -> None:
    slot = SlotSlice("param", "path", 3, 7, "", ("member:exists", "name:path"), ("exists",))
    functions = [FunctionSlice("C.f", "C", "Do it.", (slot, slot)), FunctionSlice("", "", "", ())]
    candidates = [Candidate("Path", "pathlib.Path", ("exists", "open"), "A path.")]
    header = json.loads(json.dumps(types_request(functions, candidates)))
    assert read_types_request(header) == (functions, candidates)
