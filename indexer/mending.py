"""Mends one logical line: the fewest tokens are blanked out that make it parse, what is open is closed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from .grammar import error_offset, module_or_none
from .logical_lines import LogicalLine
from .newer_syntax import rewritten

_TOKEN: Final = re.compile(
    r"""[A-Za-z]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?)
      | \w+ | \*\*=?|//=?|>>=?|<<=?|->|:=|\.\.\.|[-+*/%&|^=!<>@]=|\S""",
    re.VERBOSE | re.DOTALL,
)
_WORD: Final = re.compile(r"(?:async\s+)?(\w+|@)")
_HEADS: Final = frozenset(
    {
        "if",
        "elif",
        "else",
        "for",
        "while",
        "try",
        "except",
        "finally",
        "with",
        "def",
        "class",
        "match",
        "case",
    }
)
# What must stand around a clause, and behind it, for CPython to read it alone.
_AROUND: Final = {
    "@": ("", "\ndef _(): pass"),
    "elif": ("if _: pass\n", ""),
    "else": ("if _: pass\n", ""),
    "except": ("try: pass\n", ""),
    "finally": ("try: pass\n", ""),
    "try": ("", "\nfinally: pass"),
    "case": ("match _:\n ", ""),
}
_DANGLING_DOT: Final = re.compile(r"\.(?=\s*(?:[^\w\s.]|$))(?<!\.\.)")
_FIELD_DOT: Final = re.compile(r"\.(?=\s*(?:[}!:]|\Z))")
_EMPTY_FIELD: Final = re.compile(r"(?<!\{)\{\s*\}(?!\})")
_MOST_ATTEMPTS: Final = 150
_LONGEST: Final = 20_000

Kind = Literal["whole", "head"]


@dataclass(slots=True)
class Statement:
    """A logical line and what became of it: `text` parses alone, or with a body below it if it `is_head`.

    `text` has the line breaks of the line; it is '' where nothing could be saved. `damage` are stretches of
    the line's own text. `indent` is what the text is indented with now, `shift` how many columns further
    right it stood before.
    """

    line: LogicalLine
    text: str
    is_head: bool
    damage: list[tuple[int, int]] = field(default_factory=list)
    indent: str = ""
    shift: int = 0

    @property
    def word(self) -> str:
        """The first word, `async` aside; `@` for a decorator."""
        return first_word(self.text)

    def give_up(self) -> None:
        """Blank the statement out."""
        self.text = ""
        self.is_head = False
        self.damage = [(0, len(self.line.text))]


def first_word(text: str) -> str:
    """Return the first word of a statement, `async` aside; `@` for a decorator."""
    found = _WORD.match(text)
    return found[1] if found else ""


@lru_cache(maxsize=16384)
def kind(text: str) -> Kind | None:
    """Say whether a statement parses as it stands or as a head that lacks its body; None if neither."""
    word = first_word(text)
    before, after = _AROUND.get(word, ("", ""))
    if word in _HEADS and text.endswith(":"):
        body = "\n case _: pass" if word == "match" else " pass"
        if module_or_none(f"{before}{text}{body}{after}") is not None:
            return "head"
    return "whole" if module_or_none(f"{before}{text}{after}") is not None else None


def mend(line: LogicalLine) -> Statement:
    """Return the statement that a logical line most likely was to become."""
    found = kind(line.text)
    if found:
        return Statement(line, line.text, found == "head")
    newer = rewritten(line.text, *_AROUND.get(first_word(line.text), ("", "")))
    if newer is not None and (found := kind(newer)):
        shift = len(line.text) - len(newer) if first_word(line.text) == "type" else 0
        return Statement(line, newer, found == "head", shift=shift)
    if len(line.text) <= _LONGEST:
        for attempts, (text, damage) in enumerate(_candidates(line, newer or line.text)):
            if found := kind(text):
                return Statement(line, text, found == "head", damage)
            if attempts >= _MOST_ATTEMPTS:
                break
    statement = Statement(line, "", False)
    statement.give_up()
    return statement


_Candidate = tuple[str, list[tuple[int, int]]]


def _candidates(line: LogicalLine, text: str) -> Iterator[_Candidate]:
    """Yield mended texts and what was damaged, those that lose least first."""
    damage = [(stray, stray + 1) for stray in line.strays]
    text, dots = _without_dangling(_blanked(text, damage))
    damage += dots
    closers = line.closers
    if closers.startswith(("'", '"')) and _opens_field(text):
        closers = "}" + closers
    for ending in _endings(text, closers):
        yield text + ending, [*damage, (len(text), len(text))] if ending else damage
    tokens = [match.span() for match in _TOKEN.finditer(text)]
    yield from _windows(text, tokens, closers, damage)
    yield from _prefixes(text, tokens, damage)


def _without_dangling(text: str) -> _Candidate:
    """Blank out dots that no name follows, and fields of f-strings that hold nothing."""
    damage: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "." and _DANGLING_DOT.match(text, match.start()):
            damage.append(match.span())
        elif token[-1] in "'\"" or token[0] in "fFrRtT":
            prefix = token.rstrip("'\"")[:2].lower()
            if "f" in prefix or "t" in prefix:
                for pattern in (_FIELD_DOT, _EMPTY_FIELD):
                    damage += [
                        (match.start() + each.start(), match.start() + each.end())
                        for each in pattern.finditer(token)
                        if "{" in token
                    ]
    return _blanked(text, damage), damage


def _opens_field(text: str) -> bool:
    """Whether the text ends within a field of an f-string."""
    last = text.rpartition("{")[2]
    return (
        "{" in text
        and "}" not in last
        and re.search(r"\b[rR]?[fFtT][rR]?['\"][^'\"]*\{[^'\"]*$", text) is not None
    )


def _endings(text: str, closers: str) -> Iterator[str]:
    """Yield what may lack at the end: brackets and quotes, a head's colon, an operand before it."""
    yield closers
    if first_word(text) in _HEADS:
        if text.endswith(":") and closers:  # the colon was typed before the bracket was closed
            yield closers + ":"
        yield from (f"{closers}:", f"{closers}():", f"{closers} ():", f"{closers} in ():")


def _windows(
    text: str, tokens: list[tuple[int, int]], closers: str, damage: list[tuple[int, int]]
) -> Iterator[_Candidate]:
    """Blank out up to four neighbouring tokens near where CPython complains."""
    before, after = _AROUND.get(first_word(text), ("", ""))
    ending = closers + (":" if first_word(text) in _HEADS and not (text + closers).endswith(":") else "")
    tail = " pass" if ending.endswith(":") or text.endswith(":") else ""
    offset = error_offset(f"{before}{text}{ending}{tail}{after}")
    at = (offset or 0) - len(before)
    blamed = next((index for index, (_, end) in enumerate(tokens) if end > at), len(tokens))
    for size in range(1, 5):
        for first in sorted(range(blamed - size - 1, blamed + 2), key=lambda each: abs(each + size - blamed)):
            if first >= 0 and first + size <= len(tokens):
                lost = (tokens[first][0], tokens[first + size - 1][1])
                yield _blanked(text, [lost]) + ending, [*damage, lost]


def _prefixes(
    text: str, tokens: list[tuple[int, int]], damage: list[tuple[int, int]]
) -> Iterator[_Candidate]:
    """Cut off ever more at the end, at shorter steps first."""
    is_head = first_word(text) in _HEADS
    count = len(tokens) - 1
    step = 1
    while count > 0:
        end = tokens[count - 1][1]
        kept = text[:end]
        ending = _closers(kept)
        lost = [*damage, (end, len(text))]
        breaks = "".join(letter if letter == "\n" else " " for letter in text[end:])
        yield kept + ending + breaks.rstrip(" "), lost
        if is_head:
            yield kept + ending + ":" + breaks.rstrip(" "), lost
        if count < len(tokens) - 40:
            step += 1
        count -= step


def _closers(text: str) -> str:
    closing = {"(": ")", "[": "]", "{": "}"}
    stack: list[str] = []
    for match in _TOKEN.finditer(text):
        if match[0] in closing:
            stack.append(closing[match[0]])
        elif stack and match[0] == stack[-1]:
            stack.pop()
    return "".join(reversed(stack))


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    letters = list(text)
    for start, end in spans:
        for index in range(start, min(end, len(letters))):
            if letters[index] != "\n":
                letters[index] = " "
    return "".join(letters)
