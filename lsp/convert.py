"""Positions and plain data to protocol types, and back.

Inside, a position is a 1-based line and a 1-based column in characters; the protocol counts both from 0, and
columns in the code units that client and server agreed on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path
from typewright.indexer.source import Span

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


def split_lines(text: str) -> list[str]:
    """Split at the line ends of Python and of the protocol (LF, CRLF, CR), keeping them.

    The last line has no end, and is '' where the text ends with one.
    """
    lines = _LINE.findall(text)
    if not lines or lines[-1].endswith(("\n", "\r")):
        lines.append("")
    return lines


def uri_to_path(uri: str) -> Path | None:
    """Return the path of a `file:` URI with its links resolved, None for what is no file of this machine."""
    try:
        path = to_fs_path(uri) if urlsplit(uri).scheme == "file" else None
        return Path(path).resolve() if path else None
    except (ValueError, OSError, RuntimeError):  # no URI, a null character, a loop of links
        return None


def path_to_uri(path: Path) -> str:
    """Return the `file:` URI of an absolute path."""
    return str(from_fs_path(str(path)))


def characters(line: str, units: int, encoding: Encoding) -> int:
    """Return how many characters of `line` the first `units` code units hold.

    Clamped to the line without its end; a place inside a character counts as the place before it.
    """
    width = len(line.rstrip("\r\n"))
    if encoding == "utf-32" or line.isascii():
        return min(units, width)
    if units >= 4 * width:
        return width
    return len(_encoded(line[:width], encoding)[: units * _UNIT[encoding]].decode(_CODEC[encoding], "ignore"))


def code_units(line: str, count: int, encoding: Encoding) -> int:
    """Return how many code units the first `count` characters of `line` take; clamped like `characters`."""
    count = min(count, len(line.rstrip("\r\n")))
    if encoding == "utf-32" or line.isascii():
        return count
    return len(_encoded(line[:count], encoding)) // _UNIT[encoding]


_CODEC: Final[dict[Encoding, str]] = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_UNIT: Final[dict[Encoding, int]] = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


def _encoded(text: str, encoding: Encoding) -> bytes:
    return text.encode(_CODEC[encoding], "surrogatepass")


@dataclass(frozen=True, slots=True)
class View:
    """A document at one moment, as the layers below see it: where it lies, its text, and its positions.

    A cell of a notebook is seen as a part of the notebook's one text: `text` is the whole, `lines` are the
    cell's own, and `first_line` is how many lines stand before the cell.
    """

    uri: str
    path: Path
    text: str
    lines: Sequence[str]
    encoding: Encoding
    first_line: int = 0
    version: int | None = None

    @classmethod
    def of(cls, uri: str, path: Path, text: str, encoding: Encoding) -> View:
        """Return the view of a whole text."""
        return cls(uri, path, text, split_lines(text), encoding)

    def place(self, position: types.Position) -> tuple[int, int]:
        """Return the 1-based line and column of a protocol position, clamped to the document."""
        line = min(position.line, len(self.lines) - 1)
        units = position.character if line == position.line else len(self.lines[line]) * 4
        return self.first_line + line + 1, characters(self.lines[line], units, self.encoding) + 1

    def position(self, line: int, column: int) -> types.Position:
        """Return the protocol position of a 1-based line and column, clamped to the document."""
        index = line - self.first_line - 1
        if index < 0:
            return types.Position(0, 0)
        if index >= len(self.lines):
            index, column = len(self.lines) - 1, len(self.lines[-1]) + 1
        return types.Position(index, code_units(self.lines[index], max(column - 1, 0), self.encoding))

    def range(self, span: Span) -> types.Range:
        """Return the protocol range of a span."""
        return types.Range(
            self.position(span.line, span.column), self.position(span.end_line, span.end_column)
        )

    def span(self, extent: types.Range) -> Span:
        """Return the span of a protocol range."""
        return Span(*self.place(extent.start), *self.place(extent.end))

    def holds(self, line: int) -> bool:
        """Whether a 1-based line of the text lies in this document (always, but for a notebook's cell)."""
        return 0 <= line - self.first_line - 1 < len(self.lines)
