"""What a file defines, imports and uses."""

import pytest
from typewright.indexer.outline import Import, outline
from typewright.indexer.source import Span
from typewright.indexer.syntax import parse

TEXT = '''"""Module."""
import os.path
import numpy as np
from . import sibling
from ..package.module import name as other
from star import *

LIMIT: int = 3
first, (second, *rest) = LIMIT, (1, 2)

@decorator
class Thing(Base, metaclass=Meta):
    """A thing.

    More.
    """

    count: int
    table = {"a": 1}

    def __init__(self, size: int, /, name="x", *others: str, key: bool = True, **more):
        self.size = size
        self.pair: tuple[int, int] = (1, 2)
        with open(name) as self.file:
            local = 1

    @property
    def area(self) -> int:
        """The area."""
        return self.size

    @area.setter
    def area(self, value): ...

    @overload
    def get(self, a: int) -> int: ...
    @overload
    def get(self, a: str) -> str: ...
    def get(self, a): return a

    @staticmethod
    def make(thing): thing.unrelated = 1

if LIMIT:
    async def helper(*, a):
        def inner(): pass
        global_free = 2
else:
    helper = None
'''


def symbols(text: str, module: str = "m") -> dict[str, tuple[str, str]]:
    return {each.qualified_name: (each.kind, each.signature) for each in outline(parse(text), module).symbols}


def test_definitions_of_every_kind() -> None:
    assert symbols(TEXT) == {
        "m.LIMIT": ("variable", "LIMIT: int = 3"),
        "m.first": ("variable", "first"),
        "m.second": ("variable", "second"),
        "m.rest": ("variable", "rest"),
        "m.Thing": ("class", "Thing(Base, metaclass=Meta)"),
        "m.Thing.count": ("variable", "count: int"),
        "m.Thing.table": ("variable", 'table = {"a": 1}'),
        "m.Thing.__init__": (
            "method",
            '__init__(self, size: int, /, name="x", *others: str, key: bool = True, **more)',
        ),
        "m.Thing.size": ("attribute", "size = size"),
        "m.Thing.pair": ("attribute", "pair: tuple[int, int] = (1, 2)"),
        "m.Thing.file": ("attribute", "file"),
        "m.Thing.area": ("property", "area(self) -> int"),
        "m.Thing.get": ("method", "get(self, a)"),
        "m.Thing.make": ("method", "make(thing)"),
        "m.helper": ("function", "helper(*, a)"),
        "m.helper.inner": ("function", "inner()"),
    }


def test_docstrings_and_spans() -> None:
    found = {each.name: each for each in outline(parse(TEXT), "m").symbols}
    assert found["Thing"].docstring == "A thing.\n\nMore."
    assert found["area"].docstring == "The area."
    assert found["Thing"].name_span == Span(12, 7, 12, 12)
    assert (found["Thing"].span.line, found["Thing"].span.end_line) == (12, 42)
    assert found["LIMIT"].span == Span(8, 1, 8, 15)
    assert found["size"].name_span == Span(22, 14, 22, 18)


def test_imports() -> None:
    assert outline(parse(TEXT), "m").imports == (
        Import("os.path", None, "", 0, Span(2, 8, 2, 15)),
        Import("numpy", None, "np", 0, Span(3, 8, 3, 19)),
        Import("", "sibling", "", 1, Span(4, 15, 4, 22)),
        Import("package.module", "name", "other", 2, Span(5, 30, 5, 43)),
        Import("star", "*", "", 0, Span(6, 18, 6, 19)),
    )


def test_usages() -> None:
    found = outline(parse("a.b(c, d=e.f)\ng[0].h()()\n"), "m").usages
    assert [(each.name, each.kind, each.receiver) for each in found] == [
        ("a", "name", ""),
        ("b", "call", "a"),
        ("c", "name", ""),
        ("d", "keyword", "a.b"),
        ("e", "name", ""),
        ("f", "attribute", "e"),
        ("g", "name", ""),
        ("h", "call", "g[0]"),
    ]
    assert found[3].span == Span(1, 8, 1, 9)


def test_overloads_stand_for_themselves_where_nothing_implements_them() -> None:
    stub = (
        "class A:\n    @overload\n    def f(self, a: int): ...\n    @overload\n    def f(self, a: str): ...\n"
    )
    assert symbols(stub)["m.A.f"] == ("method", "f(self, a: int)")


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n    def f(self, x=\n    y = 1\n",
        "class A:\n    def f(self):\n        self.z = self.\n    y = 1\n",
    ],
)
def test_broken_code_is_outlined(text: str) -> None:
    assert {"m.A", "m.A.f", "m.A.y"} <= set(symbols(text))


def test_long_chains_and_deep_nesting() -> None:
    chain = "x = a" + ".b(c)" * 200
    found = outline(parse(chain), "m").usages
    assert sum(each.name == "b" for each in found) == 200
    assert all(len(each.receiver) <= 200 for each in found)
