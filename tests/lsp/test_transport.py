"""Frames in a byte stream: every sound message is found, whatever stands between."""

from __future__ import annotations

import io
import json
import random
import threading
from typing import Any

import pytest
from typewright.lsp.transport import Connection, Frames, Malformed


def frame(message: object) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def fed(data: bytes, size: int = 1 << 16) -> list[Any]:
    frames = Frames()
    return [found for start in range(0, len(data), size) for found in frames.feed(data[start : start + size])]


def sound(found: list[Any]) -> list[Any]:
    return [message for message in found if not isinstance(message, Malformed)]


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 16])
def test_messages_come_out_whole_however_the_bytes_arrive(size: int) -> None:
    messages = [{"id": number, "text": "é\r\n😀" * number} for number in range(20)]
    assert fed(b"".join(map(frame, messages)), size) == messages


@pytest.mark.parametrize(
    "data",
    [
        b'Content-Length: 9\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{"id": 1}',
        b'Content-Type: x\r\ncontent-length:9\r\n\r\n{"id": 1}',
        b'Content-Length: 9\n\n{"id": 1}',
        b'\r\n\r\nContent-Length: 9\r\n\r\n{"id": 1}',
        b'noise without an endContent-Length: 9\r\n\r\n{"id": 1}',
        b'GET / HTTP/1.1\r\nHost: x\r\n\r\nContent-Length: 9\r\n\r\n{"id": 1}',
        b'Content-Length: nine\r\n\r\nContent-Length: -9\r\n\r\nContent-Length: 9\r\n\r\n{"id": 1}',
        b'Content-Length: 99999999999\r\n\r\nContent-Length: 9\r\n\r\n{"id": 1}',
        b"Content-Length: " + b"9" * 5000 + b'\r\n\r\nContent-Length: 9\r\n\r\n{"id": 1}',
        b"x" * 200_000 + b'\nContent-Length: 9\r\n\r\n{"id": 1}',
    ],
)
def test_headers_of_every_kind_and_noise_before_them(data: bytes) -> None:
    for size in (1, 1 << 16):
        assert sound(fed(data, size)) == [{"id": 1}]


@pytest.mark.parametrize("length", [0, 1, 5, 8, 10, 60, 500, 100_000])
def test_a_wrong_length_swallows_no_message_behind_it(length: int) -> None:
    data = b'Content-Length: %d\r\n\r\n{"id": 0}' % length + frame({"id": 1}) + frame({"id": 2})
    assert sound(fed(data))[-2:] == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b"[" * 100_000, b'{"a": "\n"}', b"nil"])
def test_a_body_that_is_no_json_is_said_to_be_malformed(body: bytes) -> None:
    found = fed(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) + frame({"id": 1}))
    assert isinstance(found[0], Malformed)
    assert found[1:] == [{"id": 1}]


@pytest.mark.parametrize("seed", range(5))
def test_random_noise_between_frames_loses_none(seed: int) -> None:
    chance = random.Random(seed)
    data, expected = b"", []
    for number in range(100):
        noise = bytes(chance.randrange(256) for _ in range(chance.randrange(30)))
        message = {"id": number, "noise": "x" * chance.randrange(50)}
        data += noise.replace(b"C", b"") + b"\n" + frame(message)
        expected.append(message)
    assert sound(fed(data, chance.randrange(1, 200))) == expected


class Gone(io.RawIOBase):
    """A pipe whose other end is closed."""

    def write(self, _data: object) -> int:
        raise BrokenPipeError


def test_a_client_that_is_gone_is_noticed_and_sending_stays_harmless(
    capfd: pytest.CaptureFixture[str],
) -> None:
    lost = threading.Event()
    connection = Connection(io.BytesIO(b""), Gone())  # type: ignore[arg-type]
    connection.start(lambda _: None, lost.set)
    for number in range(1000):
        connection.send({"id": number})
    connection.drain(5)
    assert lost.wait(5)
    assert capfd.readouterr() == ("", "")
