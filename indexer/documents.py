"""Documents into sections: Markdown, reStructuredText, HTML, Sphinx inventories, solved questions.

Nothing is run.
"""

import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .cancellation import NEVER, CancelToken
from .docstrings import TEXT_CAP
from .errors import TypewrightError

if TYPE_CHECKING:
    from markdown_it.token import Token

FILE_CAP = 8 << 20  # bytes of one document
FOLDER_CAP = 20_000  # documents of one folder
SECTION_CAP = 50_000  # sections of one document
INVENTORY_CAP = 64 << 20  # bytes of an inventory, unpacked
NAME_CAP = 50  # names mentioned in one section

_SKIPPED_FOLDERS = frozenset(
    {"node_modules", "__pycache__", "_static", "_sources", "_modules", "site-packages"}
)
_ONLY_NAMED = frozenset({".jsonl"})  # read where it is given, not where it lies in a folder
_DOTTED = re.compile(r"\b[^\W\d]\w*(?:\.[^\W\d]\w*)+\b")
_CALLED = re.compile(r"\b([^\W\d]\w*)\(")
_NAME_SPAN = re.compile(r"[^\W\d][\w.]*(?:\(\))?")
_INVENTORY_LINE = re.compile(r"(.+?)\s+([\w-]+:[\w-]+)\s+(-?\d+)\s+(\S*)\s+(.*)")


@dataclass(frozen=True, slots=True)
class Section:
    """A titled piece of a document: its running text, its code examples, the names of APIs in them."""

    title: str
    text: str
    path: Path
    line: int
    anchor: str
    code: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class Draft:
    """A section while its document is being read."""

    title: str
    line: int
    anchor: str = ""
    text: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def section(self, path: Path) -> Section | None:
        """Return the finished section, None where it says nothing."""
        text = "\n".join(part.strip() for part in self.text if part.strip())[:TEXT_CAP]
        code = tuple(part.strip("\n")[:TEXT_CAP] for part in self.code if part.strip())
        if not (text or code or self.names):
            return None
        names = tuple(dict.fromkeys([*self.names, *mentioned(" ".join([text, *code]))]))[:NAME_CAP]
        return Section(self.title.strip(), text, path, self.line, self.anchor, code, names)


def read_documents(
    paths: Sequence[Path], skipped: list[tuple[Path, str]], *, cancel: CancelToken = NEVER
) -> Iterator[tuple[Path, tuple[Section, ...]]]:
    """Read files and folders of documents and yield (path, sections) a file.

    What cannot be read, is too large or is no documentation is added to `skipped` as (path, reason). Raises
    `TypewrightError` where one of `paths` does not exist, and `Cancelled`.
    """
    for path in paths:
        if not path.exists():
            raise TypewrightError(f"{path}: no such file or folder.")
    for file in _files(paths, skipped):
        cancel.check()
        try:
            sections = read_document(file)
        except TypewrightError as error:
            skipped.append((file, str(error)))
            continue
        if sections:
            yield file, sections
        else:
            skipped.append((file, "no documentation in it"))


def read_document(path: Path) -> tuple[Section, ...]:
    """Read one document by its suffix. Raises `TypewrightError` where it cannot be read."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise TypewrightError(f"{path.name} is no kind of document that can be read.")
    try:
        if path.stat().st_size > FILE_CAP:
            raise TypewrightError(f"{path.name} is larger than {FILE_CAP >> 20} MiB.")
        data = path.read_bytes()
    except OSError as error:
        raise TypewrightError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    try:
        drafts = reader(data, path)
    except (ValueError, RecursionError, zlib.error, AttributeError, IndexError, TypeError, KeyError) as error:
        # Parsers of free text break in their own ways on hostile input; a document is never worth more.
        raise TypewrightError(f"{path.name} cannot be read: {error}.") from error
    sections = (draft.section(path) for draft in drafts[:SECTION_CAP])
    return tuple(section for section in sections if section is not None)


def mentioned(text: str) -> list[str]:
    """Return what look like names of APIs in a text: dotted names and names that are called, in order."""
    found = [match[0] for match in _DOTTED.finditer(text)]
    return list(dict.fromkeys([*found, *(match[1] for match in _CALLED.finditer(text))]))


def decode(data: bytes, name: str) -> str:
    """Decode a text document: UTF-8, else Latin-1. Raises `TypewrightError` for binary data."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise TypewrightError(f"{name} is a binary file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _files(paths: Iterable[Path], skipped: list[tuple[Path, str]]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
            continue
        count = 0
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS and name[0] != ".")
            for name in sorted(names):
                file = Path(folder, name)
                if file.suffix.lower() not in _READERS.keys() - _ONLY_NAMED:
                    continue
                if not file.resolve().is_relative_to(path.resolve()):
                    skipped.append((file, "a link out of the folder"))
                elif count >= FOLDER_CAP:
                    skipped.append((file, f"more than {FOLDER_CAP:,} documents"))
                else:
                    count += 1
                    yield file


def _markdown(data: bytes, path: Path) -> list[Draft]:
    from markdown_it import MarkdownIt

    text = decode(data, path.name)
    skipped_lines = 0
    front = re.match(r"---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", text, re.DOTALL)
    if front:
        skipped_lines = front[0].count("\n")
        text = text[front.end() :]
    drafts = [Draft(path.stem, 1)]
    in_heading = False
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "heading_open":
            drafts.append(Draft("", (token.map or [0])[0] + 1 + skipped_lines))
            in_heading = True
        elif token.type == "heading_close":
            in_heading = False
        elif token.type == "inline":
            plain = _plain(token.children or ())
            if in_heading:
                drafts[-1].title = plain
                drafts[-1].anchor = _slug(plain)
            else:
                drafts[-1].text.append(plain)
            spans = [child.content for child in token.children or () if child.type == "code_inline"]
            drafts[-1].names += [span.rstrip("()") for span in spans if _NAME_SPAN.fullmatch(span)]
        elif token.type in {"fence", "code_block"}:
            drafts[-1].code.append(token.content)
        elif token.type == "html_block":
            drafts[-1].text.append(re.sub(r"<[^>]*>", " ", token.content))
    return drafts


def _plain(tokens: Iterable["Token"]) -> str:
    parts = []
    for token in tokens:
        if token.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        elif token.type == "image":
            parts.append(_plain(token.children or ()))
        elif token.type != "html_inline":
            parts.append(token.content)
    return "".join(parts)


def _slug(title: str) -> str:
    """The anchor that GitHub and MkDocs give a heading."""
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip())


def _inventory(data: bytes, path: Path) -> list[Draft]:
    """Sphinx's objects.inv, version 1 (plain) and 2 (compressed)."""
    header, _, rest = data.partition(b"\n")
    if not header.startswith(b"# Sphinx inventory version"):
        raise TypewrightError(f"{path.name} is no Sphinx inventory.")
    version = header.rstrip()[-1:]
    project, _, rest = rest.partition(b"\n")
    release, _, rest = rest.partition(b"\n")
    if version == b"2":
        _, _, packed = rest.partition(b"\n")
        unpacking = zlib.decompressobj()
        rest = unpacking.decompress(packed, INVENTORY_CAP)
        if unpacking.unconsumed_tail:
            raise TypewrightError(f"{path.name} unpacks to more than {INVENTORY_CAP >> 20} MiB.")
    title = (project.partition(b":")[2] + b" " + release.partition(b":")[2]).decode("utf-8", "replace")
    drafts = []
    for line in rest.decode("utf-8", "replace").splitlines():
        match = _INVENTORY_LINE.fullmatch(line)
        if match:
            name, role, _, location, shown = match.groups()
            location = location[:-1] + name if location.endswith("$") else location
            shown = name if shown == "-" else shown
        else:
            parts = line.split(None, 2)
            if len(parts) != 3:
                continue
            (name, role, location), shown = parts, parts[0]
        draft = Draft(shown, 1, location, [f"{shown} ({role}) in {' '.join(title.split())}"])
        if role.startswith("py:") or ":" not in role:
            draft.names.append(name)
        drafts.append(draft)
    return drafts


def _restructuredtext(data: bytes, path: Path) -> list[Draft]:
    from .restructuredtext import drafts

    return drafts(decode(data, path.name), path.stem)


def _html(data: bytes, path: Path) -> list[Draft]:
    from .webpages import drafts

    return drafts(data, path.stem)


def _solved(data: bytes, path: Path) -> list[Draft]:
    from .solved_questions import drafts

    return drafts(data, path)


_READERS: dict[str, Callable[[bytes, Path], list[Draft]]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".rst": _restructuredtext,
    ".rest": _restructuredtext,
    ".txt": _restructuredtext,
    ".html": _html,
    ".htm": _html,
    ".inv": _inventory,
    ".jsonl": _solved,
}
