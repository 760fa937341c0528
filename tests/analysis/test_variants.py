"""What else people would write for a type, and the results that are left to others."""

from __future__ import annotations

import pytest
from marks import ROOT, analysed
from typewright.analysis.types import render

MAIN = ROOT / "main.py"


def returned(source: str, function: str) -> str:
    found = {slot.function: slot for slot in analysed(source).slots(MAIN) if slot.kind == "return"}
    return render(found[function].inferred.type)


def variants(source: str) -> dict[str, tuple[str, ...]]:
    """The ways to write what `f` returns, with their steps."""
    analysis = analysed(source)
    slot = next(s for s in analysis.slots(MAIN) if s.kind == "return" and s.function == "f")
    found: dict[str, tuple[str, ...]] = {}
    for variant in analysis.variants(slot.inferred.type, MAIN):
        found.setdefault(variant.annotation.text, variant.steps)
    return found


@pytest.mark.parametrize(
    ("body", "written", "steps"),
    [
        ("yield 1", "Iterator[int]", ("Generator>Iterator",)),
        ("return [1]", "Sequence[int]", ("list>Sequence",)),
        ("return {'a': 1}", "Mapping[str, int]", ("dict>Mapping",)),
        ("return 'a', 'b', 'c'", "tuple[str, ...]", ("any length",)),
        ("return (1, 'a') if x else (None, 'b')", "tuple[int | None, str]", ("joined",)),
        ("return [1] if x else (2, 3)", "Sequence[int]", ("containers>Sequence",)),
        ("return functools.partial(int, 'a')", "Callable[..., Any]", ("any callable",)),
    ],
)
def test_abstractions(body: str, written: str, steps: tuple[str, ...]) -> None:
    assert variants(f"import functools\ndef f(x):\n    {body}\n")[written] == steps


FAMILY = """
class Base: pass
class One(Base): pass
class Two(Base): pass
"""


def test_bases() -> None:
    assert variants(FAMILY + "def f(x): return One()\n") == {"Base": ("base",)}
    assert variants(FAMILY + "def f(x): return One() if x else Two()\n")["Base"] == ("base inside",)
    assert variants(FAMILY + "def f(x): return [One(), Two()]\n")["list[Base]"] == ("base inside",)


@pytest.mark.parametrize(
    ("alias", "body", "written", "steps"),
    [
        ("Data = str | bytes", "return 'a' if x else b'a'", "Data", ("alias",)),
        ("Data = Union[str, bytes]", "return ['a', b'a']", "list[Data]", ("alias",)),
        ("Data = str | bytes", "return None if x else 'a' if x else b'a'", "Data | None", ("alias",)),
        ("Data = str | bytes", "return 'a'", "Data", ("alias above",)),
        ("Pairs = dict[str, int]", "return [{'a': 1}]", "list[Pairs]", ("alias",)),
        ("Word = Literal['a', 'b']", "return 'a'", "Word", ("plain alias above",)),
    ],
)
def test_aliases(alias: str, body: str, written: str, steps: tuple[str, ...]) -> None:
    source = f"from typing import Literal, Union\n{alias}\ndef f(x):\n    {body}\n"
    assert variants(source)[written] == steps


def test_an_alias_of_literals_is_not_what_every_string_is() -> None:
    source = "from typing import Literal\nWord = Literal['a', 'b']\ndef f(x):\n    return ['c']\n"
    assert not any("Word" in text for text in variants(source))


def test_a_subclass_beside_its_base_is_not_told_apart() -> None:
    source = FAMILY + "def f(x): return [One(), Base()]\ndef g(x): return True if x else 1\n"
    assert returned(source, "f") == "list[Base]"
    assert returned(source, "g") == "bool | int"


LEFT_OPEN = """
from abc import abstractmethod
from typing import Protocol

class Shape:
    def area(self): raise NotImplementedError
    @abstractmethod
    def name(self): '''The name.'''
    def hook(self): '''Nothing to do.'''
    @abstractmethod
    async def load(self): ...

class Square(Shape):
    def area(self): return 1.5
    def name(self): return "square"
    async def load(self): return b""

class Sized(Protocol):
    def size(self): '''How large.'''

def total(shape: Shape): return shape.area()
"""


def test_results_are_left_to_those_who_implement_a_method() -> None:
    assert returned(LEFT_OPEN, "Shape.area") == "float"
    assert returned(LEFT_OPEN, "Shape.name") == "str"
    assert returned(LEFT_OPEN, "Shape.load") == "bytes"
    assert returned(LEFT_OPEN, "Shape.hook") == "None"
    assert returned(LEFT_OPEN, "Sized.size") == "Unknown"
    assert returned(LEFT_OPEN, "total") == "float"


def test_what_python_itself_takes_is_not_returned() -> None:
    source = "class A:\n    def __eq__(self, b):\n        return b is self if b else NotImplemented\n"
    assert returned(source, "A.__eq__") == "bool"


def test_a_setter_takes_what_its_property_gives() -> None:
    source = """
class Box:
    def __init__(self): self._width = 1
    @property
    def width(self): return self._width
    @width.setter
    def width(self, value): self._width = value
"""
    value = next(s for s in analysed(source).slots(MAIN) if s.kind == "param" and s.name == "value")
    assert render(value.inferred.type) == "int"


def test_an_ellipsis_as_default_says_nothing() -> None:
    source = "def f(x=...): return x\n"
    slot = next(s for s in analysed(source).slots(MAIN) if s.kind == "param")
    assert render(slot.inferred.type) == "Unknown"
