"""Pieces of a repository that help to read or continue a place in it: stubs of definitions, similar code.

Syntax only: the same functions choose what a language model is trained with and what it is asked with.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

from .outline import Symbol

MEMBERS = 10  # of a class
LINE = 160  # characters of a line in a stub
# Lines that are compared, and that a window is ahead of the one before it; what is shown begins in the middle
# of the compared lines and goes on below them, where the other place was continued (Zhang et al., RepoCoder,
# 2023, section 2.2).
COMPARED, STEP, SHOWN = 12, 4, 16
COMMONEST = 0.2  # identifiers that more of the windows have say nothing

_IDENTIFIER = re.compile(r"[^\W\d]\w{2,}")


def stub(symbols: Sequence[Symbol], qualified_name: str) -> str:
    """Return the definition of a class or function among the symbols of its module in a few lines, or ''."""
    found = next((s for s in symbols if s.qualified_name == qualified_name), None)
    if found is None or found.kind not in ("class", "function"):
        return ""
    if found.kind == "function":
        return f"def {found.signature}"[:LINE] + ": ...\n"
    members = [
        member
        for member in symbols
        if member.qualified_name.rpartition(".")[0] == qualified_name
        and (not member.name.startswith("_") or member.name == "__init__")
    ]
    lines = [f"class {found.signature}"[:LINE] + (":" if members else ": ...")]
    for member in members[:MEMBERS]:
        is_method = member.kind in ("function", "method")
        lines.append(("    def " if is_method else "    ") + member.signature[:LINE] + ": ..." * is_method)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some lines of a file; `line` is the first of them, from 1; `score` is a cosine."""

    path: str
    line: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class _Window:
    path: str
    start: int  # the first compared line, from 0
    identifiers: frozenset[str]


class SimilarCode:
    """Finds lines of other files that look like those above a cursor; built once for the texts given.

    Similar means: the cosine between the sets of identifiers, the rare ones weighing more.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._lines = {path: text.splitlines() for path, text in texts.items()}
        self._windows = [window for path, lines in self._lines.items() for window in _windows(path, lines)]
        counts = Counter(name for window in self._windows for name in window.identifiers)
        total = len(self._windows) + 1
        self._weights = {
            name: log(total / count) ** 2
            for name, count in counts.items()
            if 1 < count <= max(8, COMMONEST * total)
        }
        self._postings: dict[str, list[int]] = {}
        self._norms: list[float] = []
        for number, window in enumerate(self._windows):
            known = [name for name in window.identifiers if name in self._weights]
            self._norms.append(sqrt(sum(self._weights[name] for name in known)))
            for name in known:
                self._postings.setdefault(name, []).append(number)

    def nearest(self, above: str, path: str, *, limit: int, least: float = 0.2) -> list[Excerpt]:
        """Return at most `limit` excerpts like the last lines of `above`, best first; none from `path`."""
        last = [line for line in above[-COMPARED * LINE :].splitlines() if line.strip()][-COMPARED:]
        wanted = {name for name in _identifiers(last) if name in self._weights}
        norm = sqrt(sum(self._weights[name] for name in wanted))
        scores: dict[int, float] = {}
        for name in wanted:
            for number in self._postings[name]:
                scores[number] = scores.get(number, 0.0) + self._weights[name]
        ranked = sorted(
            ((score / (norm * self._norms[number]), number) for number, score in scores.items()), reverse=True
        )
        found: list[Excerpt] = []
        for score, number in ranked:
            window = self._windows[number]
            if score < least or len(found) == limit:
                break
            line = window.start + COMPARED // 2
            near = any(e.path == window.path and abs(e.line - 1 - line) < SHOWN for e in found)
            if window.path != path and not near:
                text = "\n".join(self._lines[window.path][line : line + SHOWN]) + "\n"
                found.append(Excerpt(window.path, line + 1, text, score))
        return found


def _windows(path: str, lines: Sequence[str]) -> Iterable[_Window]:
    for start in range(0, max(1, len(lines) - COMPARED // 2), STEP):
        identifiers = _identifiers(lines[start : start + COMPARED])
        if len(identifiers) > 2:
            yield _Window(path, start, identifiers)


def _identifiers(lines: Iterable[str]) -> frozenset[str]:
    return frozenset(_IDENTIFIER.findall("\n".join(lines)))
