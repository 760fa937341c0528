"""How a prompt is laid out for a language model that was trained with `typewright train exits`.

    <file> path ⏎ excerpt   (as many as there are)
    <file> path ⏎ the text above the cursor's line
    <suffix> the text behind the cursor
    <middle> the cursor's line up to the cursor, and what is generated, to <end>

What changes least stands first, so that its keys and values are used again: while someone types in a line
only the last part grows, although the suffix is read. Without a suffix the line follows the text above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .protocol import Piece
from .vocabulary import Vocabulary

SUFFIX_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Markers:
    """The numbers of the tokens that divide a prompt; tokens that code never has."""

    file: int
    suffix: int
    middle: int
    end: int

    @classmethod
    def of(cls, vocabulary: Vocabulary, names: Sequence[str]) -> Markers | None:
        """Find the four tokens by their names; None where the vocabulary lacks one."""
        numbers = [vocabulary.find(name) for name in names]
        found = [number for number in numbers if number is not None]
        return cls(*found) if len(found) == 4 else None


@dataclass(frozen=True, slots=True)
class Layout:
    """A prompt in tokens: context, the text above, and suffix with markers (or nothing)."""

    context: tuple[int, ...]
    body: tuple[int, ...]
    tail: tuple[int, ...]


def lay_out(
    vocabulary: Vocabulary, markers: Markers, pieces: Sequence[Piece], path: str, above: str, suffix: str
) -> Layout:
    """Lay a prompt out up to the cursor's line, which is to be put behind it."""
    context: list[int] = []
    for piece in pieces:
        context += [markers.file, *vocabulary.encode(f"{piece.path}\n{piece.text}")]
    context += [markers.file, *vocabulary.encode(f"{path}\n")]
    tail: list[int] = []
    if suffix.strip():
        tail = [markers.suffix, *vocabulary.encode(first_lines(suffix)), markers.middle]
    return Layout(tuple(context), tuple(vocabulary.encode(above)), tuple(tail))


def first_lines(suffix: str) -> str:
    """The beginning of what stands behind the cursor, to the end of a line where there is one."""
    cut = suffix[:SUFFIX_CHARACTERS]
    return cut[: cut.rfind("\n") + 1] or cut


def as_comments(pieces: Sequence[Piece]) -> str:
    """Pieces as comments in front of a file, for models that were not trained with `Markers`."""
    lines = [line for piece in pieces for line in (f"from {piece.path}:", *piece.text.splitlines())]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)
