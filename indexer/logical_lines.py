"""Python text cut into logical lines, where brackets may be left open and strings without an end."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_CLOSER: Final = {"(": ")", "[": "]", "{": "}"}
_TOKEN: Final = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<triple>\"{3}|'{3})
      | (?P<string>\"(?:[^\"\\\n]|\\.)*(?:\"|(?=\n)|\Z)|'(?:[^'\\\n]|\\.)*(?:'|(?=\n)|\Z))
      | (?P<open>[(\[{]) | (?P<close>[)\]}]) | (?P<join>\\\n) | (?P<newline>\n)""",
    re.VERBOSE | re.DOTALL,
)
# What begins a line and cannot stand inside brackets: there a forgotten bracket ends.
_STATEMENT: Final = re.compile(
    r"[ \t\f]*(?:(?:async[ \t]+def|def|class|import)[ \t]+\w|from[ \t]+[.\w]+[ \t]+import\b"
    r"|(?:try|finally)[ \t]*:"
    r"|(?:return|raise|assert|del|global|nonlocal|pass|break|continue|while|with|elif|except)\b"
    r"|@\w)"
)
_WORD: Final = re.compile(r"[ \t\f]*[^\W\d]")
_BLOCK: Final = re.compile(r"(?:async\s+)?(?:if|elif|else|for|while|with|def|class|except|match|case)\b")
_CODE: Final = re.compile(
    r"^[ \t]*(?:(?:async )?def \w+\(|class \w+[(:]|import [\w.]+$|from [.\w]+ import |[\w.]+ = )",
    re.MULTILINE,
)
_PROSE: Final = re.compile(r"^[ \t]*[A-Za-z`'][\w'`.]*,?(?: [\w'`.]+,?){3}", re.MULTILINE)
_MOST_BLAMED: Final = 4
_INDENT: Final = re.compile(r"[ \t\f]*")


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """A statement or the head of one, on the 0-based physical lines `first` to `last`.

    `text` is its code without the indentation and a trailing comment, `closers` what would close the brackets
    and the string that it leaves open, `strays` where in `text` closing brackets stand that close nothing.
    """

    first: int
    last: int
    indent: str
    text: str
    closers: str
    strays: tuple[int, ...]

    @property
    def width(self) -> int:
        """The column that the indentation leads to, as Python counts tabs and form feeds."""
        return width(self.indent)


def width(indent: str) -> int:
    """Return the column that an indentation leads to."""
    return len(indent.rpartition("\f")[2].expandtabs(8))


def logical_lines(text: str, *, blamed: Sequence[int] = (), eager: bool = False) -> list[LogicalLine]:
    """Cut a text (with `\\n` line ends) into logical lines; blank and comment lines belong to none.

    A bracket left open ends before a line that no bracket could hold; `eager` ends it also before a line
    that is indented no deeper than where it began. A triple quote at one of the `blamed` offsets opens
    nothing, and the rest of its line is no code.
    """
    return _Cutter(text, eager, frozenset(blamed)).cut()


def best_reading(text: str) -> tuple[list[LogicalLine], tuple[int, ...]]:
    """Cut a text into logical lines; also return the offsets of triple quotes that are one too many.

    There are none of those where code and strings are in order.
    """
    blamed: list[int] = []
    while True:
        cutter = _Cutter(text, False, frozenset(blamed))
        lines = cutter.cut()
        culprit = _culprit(text, cutter.triples, cutter.endless)
        if culprit is None or culprit in blamed or len(blamed) == _MOST_BLAMED:
            return lines, tuple(sorted(blamed))
        blamed.append(culprit)


def _culprit(text: str, triples: Sequence[tuple[int, int]], endless: bool) -> int | None:
    """Return the start of the triple quote without which most code is outside strings, and least prose.

    From the one that is too many on, what is code stands inside strings and what is text outside. None where
    the last string ends and no other reading of the quotes shows more code.
    """
    inside = [_likeness(text[start:end]) for start, end in triples]
    ends = [0, *(end for _, end in triples)]
    outside = [_likeness(text[end:start]) for end, (start, _) in zip(ends, triples, strict=False)]
    rest = _likeness(text[ends[-1] :])
    visible = sum(inside)
    best, most = None, sum(outside) + rest if not endless else -len(text)
    for index, (start, _) in enumerate(triples):
        visible += outside[index]
        if visible > most:
            best, most = start, visible
        visible -= inside[index]
    return best


def _likeness(text: str) -> int:
    """Return how much a text looks like code: lines of code less lines of prose."""
    return 3 * len(_CODE.findall(text)) - len(_PROSE.findall(text))


class _Cutter:
    def __init__(self, text: str, eager: bool, blamed: frozenset[int]) -> None:
        self.lines: list[LogicalLine] = []
        self.triples: list[tuple[int, int]] = []
        self.endless = False
        self._text = text
        self._eager = eager
        self._blamed = blamed
        self._line = 0
        self._begin(0)

    def cut(self) -> list[LogicalLine]:
        position = 0
        while match := _TOKEN.search(self._text, position):
            position = match.end()
            kind = match.lastgroup
            if kind == "newline":
                self._newline(match.start())
            elif kind == "comment":
                self._comments.append((match.start(), match.end()))
            elif kind == "triple":
                position = self._triple(match)
            else:
                if kind == "string":
                    self._string(match[0])
                elif kind == "open":
                    self._open.append(match[0])
                elif kind == "close":
                    self._close(match)
                self._line += match[0].count("\n")
        self._end(len(self._text))
        return self.lines

    def _begin(self, position: int) -> None:
        """Start a logical line at the start of a physical one."""
        indent = _INDENT.match(self._text, position)
        assert indent is not None
        self._first = self._line
        self._start = indent.end()
        self._indent = indent[0]
        self._open: list[str] = []
        self._strays: list[int] = []
        self._unended = ""
        self._comments: list[tuple[int, int]] = []

    def _end(self, position: int) -> None:
        code = self._code(position)
        if code:
            closers = self._unended + "".join(_CLOSER[each] for each in reversed(self._open))
            last = self._first + code.count("\n")
            self.lines.append(
                LogicalLine(self._first, last, self._indent, code, closers, tuple(self._strays))
            )

    def _code(self, end: int) -> str:
        """Return the text of the logical line up to `end`, comments blanked out."""
        pieces = []
        position = self._start
        for comment, comment_end in self._comments:
            pieces += [self._text[position:comment], " " * (comment_end - comment)]
            position = comment_end
        return "".join([*pieces, self._text[position:end]]).rstrip()

    def _newline(self, start: int) -> None:
        ends = not self._open or bool(self._unended) or self._ends_here(start)
        if ends:
            self._end(start)
        self._line += 1
        if ends:
            self._begin(start + 1)

    def _ends_here(self, start: int) -> bool:
        """Whether a line break inside brackets ends the statement all the same."""
        following = start + 1
        if _STATEMENT.match(self._text, following):
            return True
        if not self._eager:
            return False
        indent = _INDENT.match(self._text, following)
        assert indent is not None
        if width(indent[0]) <= width(self._indent) and _WORD.match(self._text, following):
            return True
        is_head = _BLOCK.match(self._text, self._start) is not None
        return is_head and self._code(start).endswith(":")

    def _triple(self, match: re.Match[str]) -> int:
        start, quotes = match.start(), match[0]
        if start in self._blamed:
            end = self._text.find("\n", start)
            end = end if end >= 0 else len(self._text)
            self._comments.append((start - _prefix_length(self._text, start), end))
            return end
        end = start + 3
        while True:
            end = self._text.find(quotes, end)
            if end < 0:
                self.endless = True
                self._unended = quotes
                end = len(self._text)
                break
            if not _is_escaped(self._text, end):
                end += 3
                break
            end += 1
        self.triples.append((start, end))
        self._line += self._text.count("\n", start, end)
        return end

    def _string(self, string: str) -> None:
        if len(string) < 2 or string[-1] != string[0] or _is_escaped(string, len(string) - 1):
            self._unended = string[0]

    def _close(self, match: re.Match[str]) -> None:
        if self._open and _CLOSER[self._open[-1]] == match[0]:
            self._open.pop()
        else:
            self._strays.append(match.start() - self._start)


def _is_escaped(text: str, position: int) -> bool:
    """Whether an odd number of backslashes stands before a position."""
    first = position
    while first > 0 and text[first - 1] == "\\":
        first -= 1
    return (position - first) % 2 == 1


def _prefix_length(text: str, start: int) -> int:
    found = re.search(r"\b[bBrRuUfFtT]{1,2}$", text[max(start - 2, 0) : start])
    return len(found[0]) if found else 0
