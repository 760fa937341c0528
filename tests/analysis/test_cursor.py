"""What stands at a cursor in unfinished text, and whether the text can be completed around it."""

from __future__ import annotations

import ast

import pytest
from typewright.analysis import cursor
from typewright.indexer.syntax import parse


def cursor_in(source: str) -> cursor.Cursor | None:
    before, _, after = source.partition("|")
    return cursor.at(before + after, len(before))


RECEIVERS = {
    "foo.|": ("foo", ""),
    "foo.ba|": ("foo", "ba"),
    "x = [foo(a)[0].bar.|": ("foo(a)[0].bar", ""),
    "(a or b).|": ("(a or b)", ""),
    "not (a).|": ("(a)", ""),
    "await foo().|": ("foo()", ""),
    "'a b'.|": ("'a b'", ""),
    "[1, 2].|": ("[1, 2]", ""),
    "f(a, b.c|": ("b", "c"),
    "(foo\n  .bar\n  .|\n)": ("foo\n  .bar", ""),
    "f'{foo.|}'": ("foo", ""),
    "f'{a}{foo.b|": ("foo", "b"),
    "foo(\ndef g(): x.|": ("x", ""),
    "x = '''\na.b(\n'''\nx.|": ("x", ""),
}


@pytest.mark.parametrize(("source", "expected"), RECEIVERS.items())
def test_receiver(source: str, expected: tuple[str, str]) -> None:
    found = cursor_in(source)
    assert found is not None
    receiver = found.receiver()
    assert receiver is not None
    assert (receiver.text, found.word) == expected


@pytest.mark.parametrize("source", ["x = 'a.|'", "# foo.|", "'''\nfoo.|", "f'{a} foo.|'", "f'{{foo.|}}'"])
def test_strings_and_comments_hold_no_code(source: str) -> None:
    assert cursor_in(source) is None


@pytest.mark.parametrize("source", ["foo|", "...|", "x = .|", "return|", "|", "1.|"])
def test_no_receiver(source: str) -> None:
    found = cursor_in(source)
    assert found is not None
    assert found.receiver() is None


CALLS = {
    "foo(|": [("foo", [""])],
    "foo(a, |)": [("foo", ["a", " "])],
    "foo(a, b=[1, 2], |": [("foo", ["a", " b=[1, 2]", " "])],
    "foo([1, |": [("foo", ["[1, "])],
    "foo(bar(1, |": [("bar", ["1", " "]), ("foo", ["bar(1, "])],
    "foo(bar(1), |": [("foo", ["bar(1)", " "])],
    "a.b(x)(1, *z, |": [("a.b(x)", ["1", " *z", " "])],
    "def f(|": [],
    "class C(|": [],
    "def f(a=g(|": [("g", [""])],
    "if (a, |": [],
}


@pytest.mark.parametrize(("source", "expected"), CALLS.items())
def test_calls(source: str, expected: list[tuple[str, list[str]]]) -> None:
    found = cursor_in(source)
    assert found is not None
    assert [(callee.text, found.arguments(bracket)) for callee, bracket in found.calls()] == expected


UNFINISHED = [
    "foo.|",
    "x = [foo.|",
    "if foo.|\n    bar\n",
    "if foo.|\ny = 1",
    "elif foo.|:\n    pass",
    "for x in foo.|:\n    pass",
    "with foo.| as x:\n    pass",
    "f(foo.|\n  b=1)\n",
    "f(foo.|, b)",
    "f'{foo.|}'",
    "f'{foo.|",
    "class A:\n  def f(self):\n    foo.|\n    x = 1\n  def g(self): pass\n",
    "x if foo.|",
    "lambda: foo.|",
    "@foo.|\ndef f(): pass\n",
    "@foo.|\n",
    "def f(a=foo.|",
    "x = {'a': foo.|",
    "x = [y for y in foo.|",
    "(foo\n  .|\n)",
    "g(\ndef f(): foo.|",
    "y = 2 * (3 +\nz = foo.|\n",
]


@pytest.mark.parametrize("source", UNFINISHED)
def test_unfinished_text_is_mended_until_it_parses(source: str) -> None:
    found = cursor_in(source)
    assert found is not None
    receiver = found.receiver()
    assert receiver is not None
    for attempt in cursor.mended(found, receiver, found.offset, cursor.PLACEHOLDER):
        syntax = parse(attempt.text)
        end = attempt.offset + len(cursor.PLACEHOLDER)
        for node in ast.walk(syntax.tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == f"foo.{cursor.PLACEHOLDER}":
                span = syntax.span(node)
                if "f'" not in source:  # before Python 3.12 nodes in f-strings have other positions
                    assert syntax.offset(span.end_line, span.end_column) == end
                return
    raise AssertionError("no attempt shows the receiver")


def test_what_stands_around_the_unfinished_line_survives() -> None:
    found = cursor_in("def a(): ...\nx = foo(1, bar.|\ndef b(): ...\n")
    assert found is not None
    receiver = found.receiver()
    assert receiver is not None
    trees = [parse(m.text) for m in cursor.mended(found, receiver, found.offset, "c")]
    whole = next(syntax for syntax in trees if not syntax.damage)
    assert [type(node).__name__ for node in whole.tree.body] == ["FunctionDef", "Assign", "FunctionDef"]
