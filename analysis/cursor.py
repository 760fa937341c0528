"""What stands at a cursor in text that is being typed, and how to make that text parse.

A tolerant scan of the text before the cursor, which no parser has to accept, finds the expression before
a dot and the brackets that are open. `mended` then completes the unfinished logical line, so that the
usual parser and the usual analysis see `foo._` where the user has typed `foo.`
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

PLACEHOLDER = "cursor_"

_TOKEN = re.compile(
    r"""(?P<space>[ \t\f\r]+|\\\r?\n)
    |(?P<newline>\n)
    |(?P<comment>\#[^\n]*)
    |(?P<string>(?:[rbfuRBFU]{1,2})?(?:
        \"\"\"[^\\"]*(?:(?:\\.|"(?!""))[^\\"]*)*(?:\"\"\"|\Z)
        |'''[^\\']*(?:(?:\\.|'(?!''))[^\\']*)*(?:'''|\Z)
        |"[^\\"\n]*(?:\\.[^\\"\n]*)*(?:"|(?=\n)|\Z)
        |'[^\\'\n]*(?:\\.[^\\'\n]*)*(?:'|(?=\n)|\Z)))
    |(?P<name>[^\W\d]\w*)
    |(?P<number>\d(?:[\w.]|(?<=[eE])[+-])*)
    |(?P<open>[(\[{])
    |(?P<close>[)\]}])
    |(?P<ellipsis>\.\.\.)
    |(?P<dot>\.)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SAFE_START = re.compile(r"^(?:def|class|async|@)\b", re.MULTILINE)
_SCANNED = 100_000
_STATEMENTS = frozenset(
    {"def", "class", "return", "import", "while", "try", "with", "raise", "del", "assert"}
)
_BLOCK = re.compile(
    r"(?:async\s+)?(?:if|elif|else|for|while|with|def|class|try|except|finally|match|case)\b", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of source text; offsets count characters."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """What stands before a cursor.

    `tokens` are those of the logical line up to the cursor, without white space; `brackets` the indices in
    it of the brackets that are open, outermost first; `word` the part of an identifier that is typed.
    `in_format`: in the braces of an f-string, whose tokens these are.
    """

    text: str
    offset: int
    line_start: int
    tokens: tuple[Token, ...]
    brackets: tuple[int, ...]
    word: str
    in_format: bool = False

    @property
    def before(self) -> tuple[Token, ...]:
        """The tokens before the typed word."""
        return self.tokens[:-1] if self.word else self.tokens

    def receiver(self) -> Token | None:
        """The expression before the dot that stands before the cursor; None where there is no dot."""
        before = self.before
        if not before or before[-1].kind != "dot":
            return None
        last = len(before) - 2
        first = _primary_start(before, last)
        if first is None:
            return None
        start, end = before[first].start, before[last].end
        return Token("expression", self.text[start:end], start, end)

    def calls(self) -> Iterator[tuple[Token, Token]]:
        """The calls around the cursor, innermost first: the callee and its opening bracket."""
        for index in reversed(self.brackets):
            bracket = self.tokens[index]
            if bracket.text != "(" or index == 0:
                continue
            first = _primary_start(self.tokens, index - 1)
            if first is None or (first > 0 and self.tokens[first - 1].text in ("def", "class")):
                continue
            start, end = self.tokens[first].start, self.tokens[index - 1].end
            yield Token("expression", self.text[start:end], start, end), bracket

    def arguments(self, bracket: Token) -> list[str]:
        """The texts of the arguments typed so far in the call that `bracket` opens; at least one."""
        depth, pieces, start = 0, [], bracket.end
        for token in self.tokens:
            if token.start <= bracket.start:
                continue
            depth += {"open": 1, "close": -1}.get(token.kind, 0)
            if token.text == "," and depth == 0:
                pieces.append(self.text[start : token.start])
                start = token.end
        return [*pieces, self.text[start : self.offset]]


def at(text: str, offset: int) -> Cursor | None:
    """What stands before `offset`; None in a comment or in a string (but not in an f-string's braces)."""
    start = 0
    if offset > _SCANNED:
        for safe in _SAFE_START.finditer(text, offset - _SCANNED, offset):
            start = safe.start()
            break
    return _scan(text, start, offset)


def _scan(text: str, start: int, offset: int) -> Cursor | None:
    line: list[Token] = []
    open_brackets: list[int] = []
    line_start = start
    for match in _TOKEN.finditer(text, start, offset):
        kind = match.lastgroup or "other"
        if kind == "newline":
            if not open_brackets:
                line, line_start = [], match.end()
            continue
        if kind in ("space", "comment"):
            if kind == "comment" and match.end() == offset:
                return None
            continue
        token = Token(kind, match[0], match.start(), match.end())
        if kind == "string" and token.end == offset and not _is_closed(token.text):
            return _in_format(text, token, line_start)
        if kind == "name" and open_brackets and _starts_statement(text, token):
            line, open_brackets = [], []  # brackets left open in a line above
            line_start = text.rfind("\n", 0, token.start) + 1
        if kind == "open":
            open_brackets.append(len(line))
        elif kind == "close" and open_brackets:
            open_brackets.pop()
        line.append(token)
    word = line[-1].text if line and line[-1].kind == "name" and line[-1].end == offset else ""
    return Cursor(text, offset, line_start, tuple(line), tuple(open_brackets), word)


def _starts_statement(text: str, token: Token) -> bool:
    """Whether a word can only begin a new statement, so that open brackets above it are a mistake."""
    return token.text in _STATEMENTS and not text[text.rfind("\n", 0, token.start) + 1 : token.start].strip()


def _is_closed(string: str) -> bool:
    body = string.lstrip("rbfuRBFU")
    quote = body[:3] if body[:3] in ('"""', "'''") else body[:1]
    return len(body) >= 2 * len(quote) and body.endswith(quote)


def _in_format(text: str, string: Token, line_start: int) -> Cursor | None:
    """The cursor in the braces of an f-string; None elsewhere in a string."""
    if "f" not in string.text[: len(string.text) - len(string.text.lstrip("rbfuRBFU"))].lower():
        return None
    brace = string.text.rfind("{")
    if brace < 0 or string.text.rfind("}") > brace or string.text[:brace].endswith("{"):
        return None
    inside = _scan(text, string.start + brace + 1, string.end)
    if inside is None:
        return None
    return Cursor(text, inside.offset, line_start, inside.tokens, inside.brackets, inside.word, True)


def _primary_start(tokens: tuple[Token, ...], last: int) -> int | None:
    """Index of the first token of the primary expression that ends with `tokens[last]`."""
    index = last
    while index >= 0:
        token = tokens[index]
        if token.kind == "close":
            depth = 0
            while index >= 0:
                depth += {"close": 1, "open": -1}.get(tokens[index].kind, 0)
                if depth == 0:
                    break
                index -= 1
            if index < 0:
                return None
            before = tokens[index - 1] if index else None
            if before is not None and _ends_primary(before) and tokens[index].text in "([":
                index -= 1
                continue
        elif not _ends_primary(token):
            return None
        if index == 0 or tokens[index - 1].kind != "dot":
            return index
        index -= 2
    return None


def _ends_primary(token: Token) -> bool:
    if token.kind == "name":
        return not keyword.iskeyword(token.text) or token.text in ("None", "True", "False")
    return token.kind in ("close", "string", "number")


@dataclass(frozen=True, slots=True)
class Mended:
    """Text that should parse, and the offset in it at which something was inserted."""

    text: str
    offset: int


def mended(cursor: Cursor, expression: Token, cut: int, insert: str) -> Iterator[Mended]:
    """Ways to complete the text around the cursor so that it parses, best first.

    `insert` goes to offset `cut`, behind `expression`, and what stands between `cut` and the cursor is
    dropped. The last way keeps nothing of the logical line but the expression.
    """
    text = cursor.text
    resume = max(cut, cursor.offset)
    end_of_line = text.find("\n", resume)
    end_of_line = len(text) if end_of_line < 0 else end_of_line
    rest, below = text[resume:end_of_line], text[end_of_line:]
    head = text[cursor.line_start : cut]
    indent = head[: len(head) - len(head.lstrip())]
    if not cursor.in_format:
        opened = [cursor.tokens[i] for i in cursor.brackets]
        closers = "".join(_CLOSING[b.text] for b in reversed(opened) if b.end < cut or insert != ")")
        yield Mended(text[:cut] + insert + rest + below, cut)
        if closers:
            yield Mended(text[:cut] + insert + ", " + rest + below, cut)
        for tail in dict.fromkeys((rest, closers, closers + rest, closers + " else None", "")):
            for ending in _endings(head, below, indent):
                if _parses(head + insert + tail + ending):
                    yield Mended(text[:cut] + insert + tail + ending + below, cut)
                    break
    alone = text[expression.start : cut]
    opening, closing = ("(", ")") if "\n" in alone else ("", "")
    if _deeper(below, indent):
        opening, closing = f"if {opening}", f"{closing}:"
    start = cursor.line_start + len(indent) + len(opening)
    line = indent + opening + alone + insert + closing
    yield Mended(text[: cursor.line_start] + line + below, start + len(alone))


def _endings(head: str, below: str, indent: str) -> tuple[str, ...]:
    if not _BLOCK.match(head.lstrip()):
        return ("",)
    return ("", ":") if _deeper(below, indent) else ("", ": pass")


def _deeper(below: str, indent: str) -> bool:
    """Whether the next line that is not empty is indented deeper than this one."""
    following = next((line for line in below.split("\n", 20) if line.strip()), "")
    return len(following) - len(following.lstrip()) > len(indent.expandtabs())


def _parses(statement: str) -> bool:
    """Whether one logical line, perhaps the head of a block, can be parsed."""
    line = statement.strip()
    if line.endswith(":"):
        line += " pass"
    before = ""
    if line.startswith(("elif", "else")):
        before = "if x: pass\n"
    elif line.startswith(("except", "finally")):
        before = "try: pass\n"
    elif line.startswith("case"):
        before, line = "match x:\n", " " + line
    elif line.startswith("@"):
        line += "\ndef f(): pass"
    elif line.startswith("try"):
        line += "\nfinally: pass"
    try:
        ast.parse(before + line)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
