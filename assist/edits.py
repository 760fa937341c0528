"""Text edits: applied in memory, shown as a diff, written to disk without losing anything.

A file is read as bytes and written back in its own encoding, with its byte-order mark, its line ends and its
mode. Writing is atomic, and refused where the file is no longer the one that was read.
"""

from __future__ import annotations

import codecs
import contextlib
import difflib
import io
import os
import re
import stat
import tempfile
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from typewright.indexer.errors import TypewrightError
from typewright.indexer.source import Span

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace what stands in `span` (1-based, end exclusive, columns in characters) by `text`."""

    span: Span
    text: str

    @classmethod
    def insert(cls, line: int, column: int, text: str) -> TextEdit:
        """Return the edit that puts `text` before the character at (`line`, `column`)."""
        return cls(Span(line, column, line, column), text)


class FileChanged(TypewrightError):  # noqa: N818 - read as a state of the file
    """The file on disk is not the one that was read."""


class CannotWrite(TypewrightError):  # noqa: N818 - read as a state of the file
    """The file cannot be written: permissions, disk, or a character its encoding lacks."""


def split_lines(text: str) -> list[str]:
    """Split at the line ends Python knows (LF, CRLF, CR), keeping them; form feeds do not end a line."""
    lines = _LINE.findall(text)
    return lines[:-1] if lines and not lines[-1] else lines


def newline_of(text: str) -> str:
    """Return the line end that stands most often in `text` (LF where there is none)."""
    windows = text.count("\r\n")
    counts = {"\n": text.count("\n") - windows, "\r\n": windows, "\r": text.count("\r") - windows}
    return max(counts, key=lambda newline: counts[newline])


def apply(text: str, edits: Iterable[TextEdit]) -> str:
    """Return `text` with all `edits` made; several insertions at one place keep their order.

    Line feeds in an edit become the line end of `text`. Raises ValueError where edits overlap or lie outside.
    """
    starts = [0]
    lines = split_lines(text)
    for line in lines:
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        if line == len(lines) + 1 and column == 1:
            return len(text)
        if not 1 <= line <= len(lines):
            raise ValueError(f"line {line} is outside the text")
        width = len(lines[line - 1].rstrip("\r\n"))
        if not 1 <= column <= width + 1:
            raise ValueError(f"column {column} is outside line {line}")
        return starts[line - 1] + column - 1

    newline = newline_of(text)
    located = [
        (
            offset(edit.span.line, edit.span.column),
            offset(edit.span.end_line, edit.span.end_column),
            edit.text.replace("\n", newline) if newline != "\n" else edit.text,
        )
        for edit in edits
    ]
    located.sort(key=lambda item: (item[0], item[1]))
    pieces: list[str] = []
    position = 0
    for start, end, replacement in located:
        if start < position or end < start:
            raise ValueError("edits overlap")
        pieces += (text[position:start], replacement)
        position = end
    return "".join([*pieces, text[position:]])


def unified_diff(before: str, after: str, name: str) -> str:
    """Return the difference as `git apply` and `patch -p1` read it, '' where there is none."""
    if before == after:
        return ""
    lines: list[str] = []
    for line in difflib.unified_diff(
        split_lines(before), split_lines(after), f"a/{name}", f"b/{name}", lineterm="\n"
    ):
        if line.endswith(("\n", "\r")):
            lines.append(line)
        else:
            lines.append(f"{line}\n\\ No newline at end of file\n")
    return "".join(lines)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python file as it was read: `text` with its own line ends, and what is needed to write it back."""

    path: Path
    text: str
    encoding: str
    bom: bool
    content: bytes

    @classmethod
    def read(cls, path: Path) -> SourceFile:
        """Read `path` with the encoding it declares (PEP 263); raises TypewrightError where it cannot."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise TypewrightError(f"cannot read {path}: {error.strerror or error}") from error
        bom = content.startswith(codecs.BOM_UTF8)
        try:
            encoding = tokenize.detect_encoding(io.BytesIO(content).readline)[0]
            encoding = "utf-8" if bom else encoding
            text = content[len(codecs.BOM_UTF8) if bom else 0 :].decode(encoding)
        except (SyntaxError, UnicodeDecodeError, LookupError) as error:
            raise TypewrightError(f"cannot read {path}: {error}") from error
        return cls(path, text, encoding, bom, content)

    def holding(self, text: str) -> SourceFile:
        """Return the file as it is once `text` was written to it."""
        return replace(self, text=text, content=self._encoded(text))

    def _encoded(self, text: str) -> bytes:
        return (codecs.BOM_UTF8 if self.bom else b"") + text.encode(self.encoding)

    def write(self, text: str) -> None:
        """Replace the file by `text` in one step.

        Raises FileChanged where the file is no longer as it was read, CannotWrite where it cannot be written;
        in both cases (and on an interrupt) the file on disk stays whole.
        """
        try:
            content = self._encoded(text)
        except UnicodeEncodeError as error:
            raise CannotWrite(
                f"{self.path}: {self.encoding} cannot hold {error.object[error.start]!r}"
            ) from error
        target = self.path.resolve()  # a link stays a link
        try:
            if target.read_bytes() != self.content:
                raise FileChanged(f"{self.path} changed since it was read; nothing was written to it")
            if not os.access(target, os.W_OK):
                raise CannotWrite(f"{self.path} is read-only")
            replace_file(target, content)
        except OSError as error:
            raise CannotWrite(f"cannot write {self.path}: {error.strerror or error}") from error


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, then rename it over `path`, keeping mode and owner. Raises OSError."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            status = path.stat()
            temporary.chmod(stat.S_IMODE(status.st_mode))
            if hasattr(os, "chown"):  # not on Windows
                with contextlib.suppress(PermissionError):
                    os.chown(temporary, status.st_uid, status.st_gid)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
