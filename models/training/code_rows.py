"""Source code as rows of tokens, each laid out as a prompt with its continuation, for `train exits`."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from typewright.indexer.errors import UnreadableSource
from typewright.indexer.excerpts import SimilarCode, stub
from typewright.indexer.outline import Import, Symbol, imports, symbols
from typewright.indexer.source import read_source
from typewright.indexer.syntax import parse

from ..prompt import Layout, Markers, lay_out
from ..protocol import Piece
from ..vocabulary import Vocabulary

PAD = -1
# Characters: files that are read, text above the cursor's line, stubs and excerpts that stand before it.
SMALLEST, LARGEST, ABOVE = 600, 150_000, 4_000
STUBS, EXCERPTS, EXCERPT = 700, 2, 600
# How often a row has no context, no suffix; a continuation of one line, of a block; closers left behind it.
PLAIN, OPEN, ONE_LINE, CLOSED = 0.25, 0.25, 0.65, 0.5
BLOCK = 8  # lines of a continuation at most

_CLOSERS = re.compile(r"[)\]},:]+$")


@dataclass(frozen=True, slots=True)
class Rows:
    """`tokens`: (R, T), filled up with `PAD`; `learnt`: (R, T), whether a token is to be predicted."""

    tokens: NDArray[np.int32]
    learnt: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tokens)

    def save(self, path: Path) -> None:
        """Write the rows, 16 bits a token, so that they compress well."""
        filled = np.where(self.tokens < 0, 0xFFFF, self.tokens).astype(np.uint16)
        runs = np.packbits(self.learnt, axis=1)
        np.savez(path, tokens=filled, learnt=runs)

    @classmethod
    def load(cls, path: Path) -> Rows:
        """Read what `save` has written."""
        with np.load(path) as data:
            tokens = data["tokens"].astype(np.int32)
            learnt = np.unpackbits(data["learnt"], axis=1, count=tokens.shape[1]).astype(bool)
        return cls(np.where(tokens == 0xFFFF, PAD, tokens), learnt)

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Rows:
        """All rows of several, one after the other."""
        return cls(np.concatenate([p.tokens for p in parts]), np.concatenate([p.learnt for p in parts]))


def read_rows(
    folder: Path, vocabulary: Vocabulary, markers: Markers, *, length: int, limit: int, seed: str
) -> Rows:
    """Return at most `limit` rows of `length` tokens of the package whose sources are in `folder`.

    Every file gives rows in proportion to its length, each at a random line. Deterministic by `seed`.
    """
    chance = random.Random(seed)
    package = _Package(folder)
    places = [
        (path, at)
        for path, text in package.texts.items()
        for at in range(chance.randrange(ABOVE // 2), len(text), ABOVE // 2)
    ]
    chance.shuffle(places)
    rows = [
        (layout, line)
        for path, at in places[:limit]
        if (made := package.row(path, at, vocabulary, markers, chance)) is not None
        for layout, line in [made]
    ]
    return _fill(rows, length)


def read_texts(folder: Path) -> dict[str, str]:
    """The files below `folder` that can be learnt from, by their paths in it; line ends are line feeds."""
    texts: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        try:
            text = read_source(path).replace("\r\n", "\n").replace("\r", "\n")
        except UnreadableSource:
            continue
        if SMALLEST <= len(text) <= LARGEST and not _is_generated(text):
            texts[path.relative_to(folder).as_posix()] = text
    return texts


def read_files(
    folder: Path, vocabulary: Vocabulary, markers: Markers, length: int, characters: int, seed: str
) -> Rows:
    """Whole files one behind the other, each after its path, in rows of `length`; all of it is learnt.

    Files are taken in an order given by `seed` until `characters` are reached.
    """
    texts = list(read_texts(folder).items())
    random.Random(seed).shuffle(texts)
    numbers: list[int] = []
    for path, text in texts:
        characters -= len(text)
        if characters < 0:
            break
        numbers += [markers.file, *vocabulary.encode(f"{path}\n"), *vocabulary.encode(text)]
    count = len(numbers) // length
    tokens = np.array(numbers[: count * length], np.int32).reshape(count, length)
    learnt = np.ones(tokens.shape, bool)
    learnt[:, :1] = False
    return Rows(tokens, learnt)


class _Package:
    """The files of a package, as its own modules see each other."""

    def __init__(self, folder: Path) -> None:
        self.texts = read_texts(folder)
        self._symbols: dict[str, tuple[Symbol, ...]] = {}
        self._imports: dict[str, tuple[Import, ...]] = {}
        for name, text in self.texts.items():
            syntax = parse(text)
            module = _module(name)
            self._symbols[module] = symbols(syntax, module)
            self._imports[name] = imports(syntax)
        self._similar = SimilarCode(self.texts)

    def row(
        self, path: str, at: int, vocabulary: Vocabulary, markers: Markers, chance: random.Random
    ) -> tuple[Layout, list[int]] | None:
        """Lay out the prompt at the line of offset `at`, and its continuation."""
        text = self.texts[path]
        start = text.rfind("\n", 0, at) + 1
        end = self._end(text, start, chance)
        line = text[start:end]
        if not line.strip():
            return None
        pieces = [] if chance.random() < PLAIN else self._pieces(path, text[:start])
        suffix = "" if chance.random() < OPEN else text[end:]
        above = text[max(0, start - ABOVE) : start]
        above = above if start <= ABOVE else above[above.find("\n") + 1 :]
        layout = lay_out(vocabulary, markers, pieces, path, above, suffix)
        continuation = vocabulary.encode(line)
        if layout.tail:
            continuation.append(markers.end)
        else:
            continuation += vocabulary.encode(text[end : end + ABOVE])  # goes on as the file does
        return layout, continuation

    def _end(self, text: str, start: int, chance: random.Random) -> int:
        """Where the continuation that begins at the line start `start` ends."""
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if chance.random() < ONE_LINE:
            closers = _CLOSERS.search(text[start:end])
            if closers is not None and chance.random() < CLOSED:
                return start + closers.start()
            return end
        indentation = _indentation(text[start:end])
        for _ in range(BLOCK):
            following = text.find("\n", end + 1)
            line = text[end + 1 : following if following >= 0 else len(text)]
            if not line.strip() or _indentation(line) < indentation:
                break
            end += 1 + len(line)
        return end

    def _pieces(self, path: str, above: str) -> list[Piece]:
        pieces: dict[str, str] = {}
        size = 0
        for item in self._imports[path]:
            module = _resolve(path, item)
            found = self._symbols.get(module)
            text = stub(found, f"{module}.{item.name}") if found and item.name else ""
            if text and size + len(text) <= STUBS:
                size += len(text)
                pieces[module] = pieces.get(module, "") + text
        stubs = [Piece(module.replace(".", "/") + ".py", text) for module, text in pieces.items()]
        excerpts = self._similar.nearest(above, path, limit=EXCERPTS)
        return stubs + [Piece(e.path, e.text[:EXCERPT]) for e in reversed(excerpts)]


def _fill(rows: Sequence[tuple[Layout, list[int]]], length: int) -> Rows:
    """Cut each row to `length`, at the front of the text above the line; short ones share a row."""
    tokens = np.full((len(rows), length), PAD, np.int32)
    learnt = np.zeros((len(rows), length), bool)
    row = place = 0
    for layout, line in rows:
        tail = [*layout.tail, *line][: length // 2]
        context = layout.context[-(length // 2) :]
        body = layout.body[max(0, len(layout.body) + len(context) + len(tail) - length) :]
        whole = [*context, *body, *tail]
        if place + len(whole) > length:
            row, place = row + 1, 0
        end = place + len(whole)
        tokens[row, place:end] = whole
        learnt[row, place + len(context) + 1 : end] = True
        suffix = place + len(context) + len(body)
        learnt[row, suffix : suffix + len(layout.tail)] = False
        place = end
    used = row + 1 if rows else 0
    return Rows(tokens[:used], learnt[:used])


def _module(path: str) -> str:
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _resolve(path: str, item: Import) -> str:
    """The absolute name of the module that is imported from."""
    if not item.level:
        return item.module
    parts = PurePosixPath(path).parts
    return ".".join([*parts[: max(0, len(parts) - item.level)], *([item.module] if item.module else [])])


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_generated(text: str) -> bool:
    """Whether people have not written this: tables, data, output of generators."""
    head = text[:2_000].lower()
    if "generated by" in head or "do not edit" in head or "autogenerated" in head:
        return True
    lines = text.splitlines()
    long = sum(len(line) for line in lines if len(line) > 200)
    digits = sum(character.isdigit() for character in text[:20_000])
    return long > len(text) / 4 or digits > min(len(text), 20_000) / 6
