"""Bytes in and out: the frames of the base protocol, and a thread for each direction.

Threads and not asyncio streams, because they behave the same over pipes and sockets on every system, and
because a client that does not read or write for a while must never stop the server's loop.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import queue
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from typewright.indexer.errors import TypewrightError

logger = logging.getLogger(__name__)

MAX_BODY: Final = 256 * 1024 * 1024  # bytes
CHUNK: Final = 64 * 1024  # bytes
FIELD: Final = 64  # bytes that hold any header field we read

# Searched, not matched: what a broken frame left behind may stand before the field on its line.
_LENGTH_FIELD = re.compile(rb"content-length:[ \t]*(\d{1,12})[ \t]*\r?\n", re.IGNORECASE)
_OTHER_FIELD = re.compile(rb"[A-Za-z-]+:[^\n]*\n")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A frame whose body was no JSON; `reason` says why."""

    reason: str


class Frames:
    """Cuts a byte stream into JSON messages, and finds the next one after anything that is none.

    A header inside a body is proof that the frame around it was broken: neither a JSON string nor the space
    between tokens can hold `Content-Length: 1` and a line end. Reading goes on at that header, so a wrong
    length swallows no message behind it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._announced: int | None = None  # the length in the header that is being read
        self._length: int | None = None  # the length of the body that is being read; None = in a header
        self._scanned = 0  # bytes of the body known to hold no header

    def feed(self, data: bytes) -> Iterator[Any]:
        """Take `data` in; yield each message that is complete now as JSON values, or as `Malformed`."""
        self._buffer += data
        while self._length is not None or self._read_header():
            if (message := self._read_body()) is None:
                return
            yield message[0]

    def _read_header(self) -> bool:
        """Consume header lines; return whether a body begins."""
        while (end := self._buffer.find(b"\n") + 1) > 0:
            line = bytes(self._buffer[:end])
            del self._buffer[:end]
            if field := _LENGTH_FIELD.search(line):
                self._announced = int(field[1])
            elif not line.strip() and self._announced is not None:
                self._length, self._announced, self._scanned = self._announced, None, 0
                if self._length <= MAX_BODY:
                    return True
                logger.warning("skipped a message of %d bytes", self._length)
                self._length = None
            elif line.strip() and not _OTHER_FIELD.fullmatch(line):
                logger.debug("skipped %d bytes that are no header", len(line))
                self._announced = None
        if len(self._buffer) > CHUNK:  # no line end in sight: keep what may be the start of a header
            del self._buffer[:-FIELD]
        return False

    def _read_body(self) -> tuple[Any] | None:
        """Consume a body; return its message, None where bytes are missing."""
        assert self._length is not None
        length = self._length
        if inner := _LENGTH_FIELD.search(self._buffer, self._scanned, length):
            del self._buffer[: inner.start()]
            self._length = None
            return (Malformed("the length in the header does not fit the body"),)
        if len(self._buffer) < length:
            self._scanned = max(0, len(self._buffer) - FIELD)
            return None
        body = bytes(self._buffer[:length])
        self._length = None
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            del self._buffer[: max(0, length - FIELD)]  # the rest may be the first half of a header
            return (Malformed(f"not JSON: {error}"),)
        del self._buffer[:length]
        return (message,)


class Connection:
    """Both directions of one client; `send` never blocks and never raises."""

    def __init__(self, reader: io.RawIOBase, writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._outgoing: queue.SimpleQueue[bytes | threading.Event] = queue.SimpleQueue()
        self._broken = threading.Event()

    def start(self, receive: Callable[[Any], None], lost: Callable[[], None]) -> None:
        """Begin: each message is given to `receive`, the end of the stream to `lost`; both on own threads."""

        def read() -> None:
            frames = Frames()
            with contextlib.suppress(OSError, ValueError):
                while data := self._reader.read(CHUNK):
                    for message in frames.feed(data):
                        receive(message)
            lost()

        def write() -> None:
            while True:
                item = self._outgoing.get()
                if isinstance(item, threading.Event):
                    item.set()
                elif not self._broken.is_set():
                    try:
                        self._writer.write(item)
                        self._writer.flush()
                    except (OSError, ValueError):
                        # Nothing is said about it, not even in the log: that may be the same closed pipe.
                        self._broken.set()
                        lost()

        threading.Thread(target=read, name="reader", daemon=True).start()
        threading.Thread(target=write, name="writer", daemon=True).start()

    def send(self, message: object) -> None:
        """Queue a message of JSON values. Raises TypeError or ValueError where it is none."""
        body = json.dumps(message, separators=(",", ":")).encode()
        self._outgoing.put(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def drain(self, seconds: float) -> None:
        """Wait until everything queued is written, at most `seconds`."""
        written = threading.Event()
        self._outgoing.put(written)
        written.wait(0 if self._broken.is_set() else seconds)


def standard_streams() -> Connection:
    """Return the connection over stdin and stdout, and take both away from everything else in this process.

    Whatever prints, prints to stderr from now on, and whatever reads, reads nothing: a stray `print` of a
    library or a child process would break the protocol.
    """
    reader = os.fdopen(os.dup(0), "rb", buffering=0)
    writer = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    with contextlib.suppress(OSError):  # stderr may be closed
        os.dup2(2, 1)
    sys.stdout = sys.stderr
    return Connection(reader, writer)


def accept(host: str, port: int) -> Connection:
    """Listen on `host` and `port` (0 = any free one) and return the connection of the first client.

    The address is printed to stderr. Raises TypewrightError where the address cannot be bound.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise TypewrightError(f"cannot listen on {host}:{port}: {error}") from error
    with listener:
        print(f"listening on {host}:{listener.getsockname()[1]}", file=sys.stderr, flush=True)  # noqa: T201
        client, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(client.makefile("rb", buffering=0), client.makefile("wb"))
