"""What the language model is told of the repository: what the file imports from it, and similar code.

The pieces stand before the file's text and depend on what is above the cursor's line alone: so the beginning
of the prompt stays the same while someone types in a line, and what the model computed for it is used again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.imports import absolute_module
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import UnreadableSource
from typewright.indexer.excerpts import SimilarCode, stub
from typewright.indexer.source import read_source
from typewright.models.protocol import Piece

if TYPE_CHECKING:
    from typewright.indexer.outline import Import
    from typewright.indexer.snapshot import Snapshot

# As in training (models/training/code_rows.py): characters of definitions, excerpts and characters of each.
BUDGET, EXCERPTS, EXCERPT = 700, 2, 600
SEARCHED = 1_500_000  # bytes of the workspace's files that are searched, the nearest ones

_WORD = re.compile(r"[^\W\d]\w*")


def repository_context(snapshot: Snapshot, path: Path, prefix: str, cancel: CancelToken) -> tuple[Piece, ...]:
    """Return definitions of imported workspace symbols, by file, then lines like those above the cursor's.

    Of definitions at most `BUDGET` characters; where there are more, those that the current function has used
    above its last line. The file `path` itself, as it lies on disk, is not looked at.
    """
    above = prefix[: prefix.rfind("\n") + 1]
    return (*_definitions(snapshot, path, prefix, cancel), *_similar(snapshot, path, above, cancel))


def module_path(module: str) -> str:
    """The path by which the model knows a module: that of its file below the source root, roughly."""
    return module.replace(".", "/") + ".py"


def _similar(snapshot: Snapshot, path: Path, above: str, cancel: CancelToken) -> Iterator[Piece]:
    found = _search(_nearest_files(snapshot.files(), path))
    cancel.check()
    for excerpt in reversed(found.nearest(above, str(path), limit=EXCERPTS)):
        module = snapshot.module_name(Path(excerpt.path))
        yield Piece(module_path(module), excerpt.text[:EXCERPT])


@lru_cache(maxsize=2)
def _search(files: tuple[tuple[str, int, int], ...]) -> SimilarCode:
    """A search over files, given as (path, time of change, size), so that a change makes another."""
    texts: dict[str, str] = {}
    for path, _, _ in files:
        try:
            texts[path] = read_source(Path(path))
        except UnreadableSource:
            continue
    return SimilarCode(texts)


def _nearest_files(files: Sequence[Path], path: Path) -> tuple[tuple[str, int, int], ...]:
    """Files of the workspace, those that share most of their folders with `path` first, up to `SEARCHED`."""
    parts = path.parts

    def distance(other: Path) -> int:
        shared = sum(
            1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(parts, other.parts, strict=False))
        )
        return len(other.parts) - 2 * shared

    chosen: list[tuple[str, int, int]] = []
    left = SEARCHED
    for file in sorted(files, key=lambda other: (distance(other), other)):
        if file == path:
            continue
        try:
            state = file.stat()
        except OSError:
            continue
        left -= state.st_size
        if left < 0:
            break
        chosen.append((str(file), state.st_mtime_ns, state.st_size))
    return tuple(chosen)


def _definitions(snapshot: Snapshot, path: Path, prefix: str, cancel: CancelToken) -> Iterator[Piece]:
    described: list[tuple[str, Piece]] = []
    for item in snapshot.outline(path).imports:
        cancel.check()
        piece = _describe(snapshot, path, item)
        if piece is not None:
            described.append((item.alias or item.name or "", piece))
    if sum(len(piece.text) for _, piece in described) > BUDGET:
        used = set(_WORD.findall(_current_function(prefix)))
        described = [(name, piece) for name, piece in described if name in used]
    texts: dict[str, str] = {}
    size = 0
    for _, piece in described:
        if piece.text not in texts.get(piece.path, "") and size + len(piece.text) <= BUDGET:
            size += len(piece.text)
            texts[piece.path] = texts.get(piece.path, "") + piece.text
    yield from (Piece(path, text) for path, text in texts.items())


def _current_function(prefix: str) -> str:
    """The text from the last `def` or `class` to the end of the line above the cursor."""
    above = prefix[: prefix.rfind("\n") + 1]
    start = max(above.rfind("\ndef "), above.rfind("\nclass "), above.rfind(" def "))
    return above[max(start, 0) :]


def _describe(snapshot: Snapshot, path: Path, item: Import) -> Piece | None:
    if item.name is None or item.name == "*":
        return None
    module = absolute_module(snapshot, path, item.module, item.level)
    found = snapshot.find_module(module)
    if found is None or found.origin != "workspace" or found.kind == "namespace":
        return None
    try:
        text = stub(snapshot.outline(found.path).symbols, f"{module}.{item.name}")
    except UnreadableSource:
        return None
    return Piece(module_path(module), text) if text else None
