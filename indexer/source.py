"""Source text: reading it as Python would, where things stand in it, and what it hashes to."""

import codecs
import hashlib
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import UnreadableSource

MAX_SOURCE_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of text: 1-based lines, 1-based columns counted in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def contains(self, line: int, column: int) -> bool:
        """Whether a cursor at (line, column) touches the span; both of its ends count."""
        return (self.line, self.column) <= (line, column) <= (self.end_line, self.end_column)


def read_source(path: Path, *, max_bytes: int = MAX_SOURCE_BYTES) -> str:
    """Read a Python file as text: PEP 263 coding cookie, BOM dropped, line ends as they are.

    Bytes that the encoding does not know become U+FFFD, and an unknown encoding is read as UTF-8, so that
    one bad byte does not hide a file. Raises `UnreadableSource` if the file is missing, no regular file,
    larger than `max_bytes` or binary.
    """
    try:
        if not path.is_file():
            raise UnreadableSource(f"{path}: {'not a regular file' if path.exists() else 'no such file'}.")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableSource(f"{path}: {reason}.") from error
    if len(data) > max_bytes:
        raise UnreadableSource(f"{path}: larger than {max_bytes:,} bytes.")
    if b"\0" in data:
        raise UnreadableSource(f"{path}: binary, not Python source.")
    return decode_source(data)


def decode_source(data: bytes) -> str:
    """Decode Python source as CPython would, but never fail."""
    if data.startswith(codecs.BOM_UTF8):
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding, errors="replace")
    except (SyntaxError, LookupError, ValueError):
        return data.decode("utf-8", errors="replace")


def content_hash(text: str) -> str:
    """Return a short hexadecimal digest that equal texts, and only they, share."""
    return hashlib.blake2b(text.encode("utf-8", errors="surrogatepass"), digest_size=16).hexdigest()
