"""Where a completion ends: with its line, statement or block, and before text that stands there already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .protocol import Stop

OPENERS, CLOSERS = "([{", ")]}"
LOOK_BACK = 20_000  # characters of the prefix that are looked at for open brackets and strings
# A line that begins a statement at the top level: nothing is open before it.
_TOP_LEVEL = re.compile(r"^(?:(?:def|class|async|import|from|if|for|while|with|try)\b|@)", re.MULTILINE)
_TOKEN = re.compile(r"'''|\"\"\"|['\"#()\[\]{}\n]|\\[\s\S]")
_CONTINUES = re.compile(r"(?:else|elif|except|finally|case)\b")


class _State:
    """What is open at a place in a text: how many brackets, and the quote of a string ('#': a comment)."""

    __slots__ = ("depth", "quote")

    def __init__(self, depth: int = 0, quote: str = "") -> None:
        self.depth = depth
        self.quote = quote

    def feed(self, text: str) -> Iterator[tuple[int, str]]:
        """Go over `text`; yield (offset, character) for brackets and line ends in code, each counted in."""
        for match in _TOKEN.finditer(text):
            token = match.group()
            if self.quote:
                ends_line = token.endswith("\n") and (
                    self.quote == "#" or (len(self.quote) == 1 and token == "\n")
                )
                if ends_line or token.startswith(self.quote):
                    self.quote = ""
                if ends_line:
                    yield match.start(), "\n"
            elif token in OPENERS:
                self.depth += 1
                yield match.start(), token
            elif token in CLOSERS:
                self.depth = max(0, self.depth - 1)
                yield match.start(), token
            elif token == "\n":
                yield match.start(), token
            elif not token.startswith("\\"):
                self.quote = token


class End:
    """Finds the end of what is generated between `prefix` and `suffix`."""

    def __init__(self, stop: Stop, prefix: str, suffix: str = "") -> None:
        self._stop = stop
        self._line = prefix.rpartition("\n")[2]
        self._rest = suffix.partition("\n")[0].strip()
        tail = prefix[-LOOK_BACK:]
        starts = [match.start() for match in _TOP_LEVEL.finditer(tail)]
        state = _State()
        for _ in state.feed(tail[starts[-1] :] if starts else tail):
            pass
        self._depth, self._quote = state.depth, state.quote

    def find(self, text: str) -> int | None:
        """Return the length of the part of `text` that is the completion; None while it has not ended."""
        if self._stop == "line" and (end := text.find("\n")) >= 0:
            closer = self._closer(text[:end])
            return end if closer is None else closer
        closer = self._closer(text)
        if closer is not None or self._stop == "line":
            return closer
        state = _State(self._depth, self._quote)
        for offset, character in state.feed(text):
            if character == "\n" and state.depth == 0 and self._ends_at(text, offset):
                return len(text[:offset].rstrip())
        return None

    def _closer(self, text: str) -> int | None:
        """The place of a closing bracket that stands behind the cursor already."""
        if not self._rest or self._rest[0] not in CLOSERS:
            return None
        level = 0
        for offset, character in _State(self._depth, self._quote).feed(text):
            level += (character in OPENERS) - (character in CLOSERS)
            if level < 0:
                return offset if character == self._rest[0] else None
        return None

    def _ends_at(self, text: str, offset: int) -> bool:
        """Whether the statement or block ends with the line that ends at `offset`; no bracket is open."""
        done, following = text[:offset], text[offset + 1 :]
        if self._stop == "statement":
            return bool(done.strip())
        code = following.lstrip(" \t")
        if not code:
            return False
        if code[0] == "\n":
            return done.endswith("\n") and bool(done.strip())  # two empty lines
        first = (self._line + text).partition("\n")[0]
        base, indentation = _indentation(first), _indentation(following)
        if first.rstrip().endswith(":") and indentation == base:
            return not code.isidentifier() and not _CONTINUES.match(code)  # "el" may yet become "else"
        return indentation < base


def _indentation(text: str) -> int:
    line = text.partition("\n")[0].expandtabs()
    return len(line) - len(line.lstrip())
