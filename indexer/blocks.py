"""Fits mended statements together into blocks that Python accepts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from .mending import Statement

_FOLLOWS: Final = {
    "elif": frozenset({"if", "elif"}),
    "else": frozenset({"if", "elif", "for", "while", "except"}),
    "except": frozenset({"try", "except"}),
    "finally": frozenset({"try", "except", "try else"}),
}
_DECORATED: Final = frozenset({"def", "class", "@"})


@dataclass(slots=True)
class _Suite:
    """What is true of a run of statements at one indentation."""

    owner: Statement | None
    opener: Statement | None = None
    state: str = ""
    """The clause of `opener` that came last, `try else` for the else of a try."""
    decorators: list[Statement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Level:
    """An indentation as it was written, and the one that its statements get."""

    width: int
    indent: str
    suite: _Suite


def fit(statements: Sequence[Statement]) -> None:
    """Change statements in place so that, together and in order, they parse.

    Heads without a body get `pass`; a statement deeper than its block joins the block; clauses and
    decorators that belong to nothing are given up; a `try` without handlers becomes `if 1`.
    """
    levels = [_Level(0, "", _Suite(None))]
    previous: Statement | None = None
    for place, statement in enumerate(statements):
        if not statement.text:
            continue
        depth = _depth(statements, place, levels)
        if previous is not None and previous.is_head:
            if depth > levels[-1].width:
                indent = statement.line.indent
                deeper = indent.startswith(previous.indent) and len(indent) > len(previous.indent)
                levels.append(_Level(depth, indent if deeper else previous.indent + " ", _Suite(previous)))
            else:
                _give_body(previous)
        while len(levels) > 1 and depth < levels[-1].width:
            closed = levels.pop()
            if closed.suite is not levels[-1].suite:
                _end(closed.suite)
        if depth != levels[-1].width:
            levels.append(_Level(depth, levels[-1].indent, levels[-1].suite))
        statement.indent = levels[-1].indent
        statement.shift += len(statement.line.indent) - len(statement.indent)
        if statement.indent != statement.line.indent:
            statement.damage.append((0, 0))
        if _join(statement, levels[-1].suite):
            previous = statement
    if previous is not None and previous.is_head:
        _give_body(previous)
    for suite in {id(level.suite): level.suite for level in levels}.values():
        _end(suite)


def _depth(statements: Sequence[Statement], place: int, levels: Sequence[_Level]) -> int:
    """Return the width that a statement was meant to stand at.

    That is its own, unless it is no clause, steps back to where no block begins and a later statement goes
    on at the level that it left: then it slipped.
    """
    own = statements[place].line.width
    left = [level.width for level in levels if level.width > own]
    stays = statements[place].word in _FOLLOWS or any(level.width == own for level in levels)
    if stays or not left:
        return own
    for later in statements[place + 1 :]:
        if later.line.width == left[0]:
            return left[0]
        if later.line.width <= own:
            break
    return own


def _give_body(head: Statement) -> None:
    if head.word == "match":
        head.text = "if   " + head.text[5:]
    if head.word == "try":
        head.text = "if 1:"
    head.text += " pass"
    head.is_head = False
    head.damage.append((len(head.line.text), len(head.line.text)))


def _join(statement: Statement, suite: _Suite) -> bool:
    """Take a statement into a suite; False if it has no place there and was given up."""
    word = statement.word
    if suite.decorators and word not in _DECORATED:
        _drop_decorators(suite)
    if (word == "case" and statement.is_head) != (suite.owner is not None and suite.owner.word == "match"):
        statement.give_up()
        return False
    if word in _FOLLOWS:
        if suite.state not in _FOLLOWS[word]:
            statement.give_up()
            return False
        suite.state = "try else" if word == "else" and suite.state == "except" else word
        return True
    _end_opener(suite)
    if word == "@":
        suite.decorators.append(statement)
    else:
        suite.decorators.clear()
        suite.opener, suite.state = statement, word
    return True


def _end(suite: _Suite) -> None:
    _drop_decorators(suite)
    _end_opener(suite)


def _drop_decorators(suite: _Suite) -> None:
    for decorator in suite.decorators:
        decorator.give_up()
    suite.decorators.clear()


def _end_opener(suite: _Suite) -> None:
    """End the compound statement that clauses could have continued."""
    if suite.opener is not None and suite.state == "try" and suite.opener.text.startswith("try"):
        body = (
            suite.opener.text[4:]
            if suite.opener.text.startswith("try:")
            else suite.opener.text.partition(":")[2]
        )
        suite.opener.text = "if 1:" + body.removeprefix(" ")
        suite.opener.damage.append((0, 3))
    suite.opener, suite.state = None, ""
