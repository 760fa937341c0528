"""Annotations: what written ones mean, and how types are written."""

import pytest
from marks import ROOT, analysed, check
from typewright.analysis.queries import Annotation

MEANINGS = {
    "builtins and typing": """
        from typing import Optional, Union, List, Dict, Callable, Literal, Tuple, Type, Annotated
        import typing as t
        import collections.abc as cabc
        def f(a: int, b: Optional[str], c: Union[int, str], d: List[int], e: Dict[str, int], g: "list[str]",
              h: Literal["x", "y"], i: Tuple[int, ...], j: Type[int], k: Annotated[int, "m"],
              l: t.Mapping[str, int],
              m: int | None, n: Callable[[int], str], o: tuple[int, str], p: cabc.Sequence[str]):
            xa = a  #: xa: int
            xb = b  #: xb: str | None
            xc = c  #: xc: int | str
            xd = d  #: xd: list[int]
            xe = e["a"]  #: xe: int
            xg = g[0]  #: xg: str
            xh = h  #: xh: str
            xi = i[0]  #: xi: int
            xj = j()  #: xj: int
            xk = k  #: xk: int
            xl = l["q"]  #: xl: int
            xm = m  #: xm: int | None
            xn = n(1)  #: xn: str
            xo = o[1]  #: xo: str
            xp = p[0]  #: xp: str
    """,
    "aliases": """
        from typing import TypeAlias, Union, NewType
        Number = Union[int, float]
        Pair: TypeAlias = "tuple[int, str]"
        Names = list[str]
        Key = int | str
        UserId = NewType("UserId", int)
        def f(a: Number, b: Pair, c: Names, d: Key, e: UserId):
            xa = a  #: xa: int | float
            xb = b[1]  #: xb: str
            xc = c[0]  #: xc: str
            xd = d  #: xd: int | str
            xe = e  #: xe: UserId
    """,
    "type variables": """
        from typing import TypeVar, ParamSpec, Callable, Sequence
        T = TypeVar("T")
        P = ParamSpec("P")
        def first(x: Sequence[T]) -> T: ...
        def same(x: T, y: T) -> T: ...
        def wrap(f: Callable[P, T]) -> Callable[P, list[T]]: ...
        a = first([1])  #: a: int
        b = same(1, "a")  #: b: int | str
        @wrap
        def g(x: int) -> str: ...
        c = g(1)  #: c: list[str]
        def apply(f: Callable[[int], T]) -> T: ...
        d = apply(lambda v: [v])  #: d: list[int]
    """,
    "overloads": """
        from typing import overload
        @overload
        def f(x: int) -> str: ...
        @overload
        def f(x: str, y: int = 1) -> int: ...
        def f(x, y=1):
            return x
        a = f(1)  #: a: str
        b = f("a")  #: b: int
        c = f("a", 2)  #: c: int
    """,
    "guards": """
        from typing import TypeGuard
        def is_text(x: object) -> TypeGuard[str]: ...
        def f(v):
            if is_text(v):
                w = v  #: w: str
            return v
        f(1)
    """,
    "names that are only imported for checking": """
        from __future__ import annotations
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from decimal import Decimal
        def f(x: Decimal):
            y = x  #: y: Decimal
            z = x + 1  #: z: Decimal
    """,
    "declared variables": """
        from typing import Final, ClassVar
        LIMIT: Final = 10
        class A:
            x: int
            y: ClassVar[str] = "a"
            z: "A | None" = None
        l = LIMIT  #: l: int
        x = A().x  #: x: int
        y = A.y  #: y: str
        z = A().z  #: z: A | None
        items: list[str] = []
        first = items[0]  #: first: str
    """,
}


@pytest.mark.parametrize("source", MEANINGS.values(), ids=MEANINGS)
def test_meaning(source: str) -> None:
    check(source)


SPOKEN = {
    "[1]": ("list[int]", ()),
    "{'a': [None, 1.5]}": ("dict[str, list[float | None]]", ()),
    "(1, 'a')": ("tuple[int, str]", ()),
    "Path('a')": ("Path", (("pathlib", "Path"),)),
    "iter([1])": ("Iterator[int]", (("collections.abc", "Iterator"),)),
    "(n for n in [1])": ("Generator[int, None, None]", (("collections.abc", "Generator"),)),
    "OrderedDict(a=1)": ("OrderedDict[str, int]", (("collections", "OrderedDict"),)),
    "re.compile('a')": ("Pattern[str]", (("re", "Pattern"),)),
    "os": ("ModuleType", (("types", "ModuleType"),)),
    "len": ("Callable[..., Any]", (("collections.abc", "Callable"), ("typing", "Any"))),
    "int": ("type[int]", ()),
    "Own()": ("Own", ()),
    "Own.Inner()": ("Own.Inner", ()),
    "other.Thing()": ("Thing", (("other", "Thing"),)),
    "datetime.datetime.now()": ("datetime.datetime", ()),
    "open('f')": ("TextIOWrapper", (("io", "TextIOWrapper"),)),
    "threading.Lock()": ("Lock", (("threading", "Lock"),)),
    "None": ("None", ()),
    "unknown": None,
    "[unknown]": ("list", ()),
    "{'a': unknown}": ("dict[str, Any]", (("typing", "Any"),)),
    "local()": None,
    "Own() if unknown else None": ("Own | None", ()),
    "set()": ("builtins.set", (("builtins", ""),)),
    "collections.deque([1])": ("deque[int]", (("collections", "deque"),)),
}
_SETTING = """
import os, re, datetime, threading, collections, builtins
import other
from nowhere import unknown
from collections import OrderedDict as OD
import collections.abc
from pathlib import PurePath
def Path(x):
    import pathlib
    return pathlib.Path(x)
def OrderedDict(**k):
    return OD(**k)
class Own:
    class Inner: pass
    def set(self): pass
def local():
    class Hidden: pass
    return Hidden()
"""


@pytest.mark.parametrize(("expression", "spoken"), SPOKEN.items(), ids=SPOKEN)
def test_spelling(expression: str, spoken: tuple[str, tuple[tuple[str, str], ...]] | None) -> None:
    setting = _SETTING.replace("def Path(x)", "def make_path(x)").replace(
        "def OrderedDict(", "def make_ordered("
    )
    setting += "set_ = set\n" if expression != "set()" else "import builtins as b\nfrom other import set\n"
    text = expression.replace("Path(", "make_path(").replace("OrderedDict(", "make_ordered(")
    text = text if expression != "set()" else "b.set()"
    files = {"main.py": f"{setting}value = {text}\n", "other.py": "class Thing: pass\nset = 1\n"}
    analysis = analysed(files)
    path = ROOT / "main.py"
    slot = next(slot for slot in analysis.slots(path) if slot.name == "value")
    annotation = analysis.annotation(slot.inferred.type, path)
    assert annotation == (Annotation(*spoken) if spoken is not None else None)
