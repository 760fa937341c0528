"""Definitions, references, completions and signatures; ^ marks the cursor in each source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from workspaces import analysed

LIBRARY = {
    "package/__init__.py": "from .shapes import Circle as Circle, area\nVERSION = '1'\n",
    "package/shapes.py": '''
"""Shapes."""
PI = 3


class Shape:
    """Something with an area."""

    sides: int = 0

    def __init__(self, name, scale=1.0):
        self.name = name
        self.scale = scale

    def area(self) -> float:
        """How much it covers."""
        return 0.0

    @property
    def label(self) -> str:
        return self.name


class Circle(Shape):
    def __init__(self, radius: float, *, name: str = "circle"):
        super().__init__(name)
        self.radius = radius


def area(shape: Shape, factor: int = 1, *others: Shape, unit: str = "cm") -> float:
    """The area of all."""
    return shape.area() * factor
'''.lstrip(),
}

DEFINITIONS = {
    "a local": ("def f():\n    value = 1\n    return ^value\n", ["main.py:2:5"]),
    "a parameter": ("def f(value):\n    return va^lue\n", ["main.py:1:7"]),
    "a function before it is defined": ("^f()\ndef f(): ...\n", ["main.py:2:5"]),
    "both branches": ("if x:\n    y = 1\nelse:\n    y = 2\n^y\n", ["main.py:2:5", "main.py:4:5"]),
    "an imported function": ("from package import area\n^area\n", ["package/shapes.py:29:5"]),
    "the name in the import itself": ("from package import ar^ea\n", ["package/shapes.py:29:5"]),
    "an alias": ("from package import area as a\n^a(1)\n", ["package/shapes.py:29:5"]),
    "a module": ("import package.shapes\npackage.^shapes\n", ["package/shapes.py:1:1"]),
    "a module in an import": ("import package.sha^pes\n", ["package/shapes.py:1:1"]),
    "its package": ("import pack^age.shapes\n", ["package/__init__.py:1:1"]),
    "the module of a from import": ("from package.sha^pes import PI\n", ["package/shapes.py:1:1"]),
    "a member of a module": ("import package.shapes as s\ns.^PI\n", ["package/shapes.py:2:1"]),
    "through a star import": ("from package.shapes import *\n^PI\n", ["package/shapes.py:2:1"]),
    "a method": ("from package import Circle\nCircle(1).^area()\n", ["package/shapes.py:14:9"]),
    "an attribute set in a method": (
        "from package import Circle\nCircle(1).ra^dius\n",
        ["package/shapes.py:26:14"],
    ),
    "an inherited attribute": (
        "from package import Circle\nc = Circle(1)\nc.^scale\n",
        ["package/shapes.py:12:14"],
    ),
    "a class variable": ("from package import Circle\nCircle.^sides\n", ["package/shapes.py:8:5"]),
    "a property": ("from package import Circle\nCircle(1).^label\n", ["package/shapes.py:19:9"]),
    "a keyword argument": ("from package import area\narea(1, ^unit='m')\n", ["package/shapes.py:29:57"]),
    "a keyword of a constructor": (
        "from package import Circle\nCircle(1, na^me='a')\n",
        ["package/shapes.py:24:42"],
    ),
    "a keyword of a method": ("class C:\n    def f(self, a): ...\nC().f(^a=1)\n", ["main.py:2:17"]),
    "a dataclass's field": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int\nC(^a=1)\n",
        ["main.py:4:5"],
    ),
    "self": ("class C:\n    def f(self):\n        return ^self\n", ["main.py:2:11"]),
    "an attribute of self": (
        "class C:\n    def __init__(self):\n        self.a = 1\n    def f(self):\n        self.^a\n",
        ["main.py:3:14"],
    ),
    "a comprehension's variable": ("[^x for x in 'ab']\n", ["main.py:1:8"]),
    "an exception": ("try: ...\nexcept ValueError as error:\n    ^error\n", ["main.py:2:22"]),
    "a match capture": ("match 1:\n    case [first, *rest]:\n        re^st\n", ["main.py:2:19"]),
    "a global statement": ("x = 1\ndef f():\n    global ^x\n    x = 2\n", ["main.py:1:1", "main.py:4:5"]),
    "a definition is its own": ("def f^oo(): ...\n", ["main.py:1:5"]),
    "a string is nothing": ("'fo^o'\n", []),
    "an unknown name": ("^nothing\n", []),
}


def shown(root: Path, locations) -> list[str]:
    return [f"{at.path.relative_to(root).as_posix()}:{at.span.line}:{at.span.column}" for at in locations]


@pytest.mark.parametrize(("source", "expected"), DEFINITIONS.values(), ids=DEFINITIONS)
def test_definition(source: str, expected: list[str]) -> None:
    marked = analysed({**LIBRARY, "main.py": source})
    assert shown(marked.root, marked.analysis.definition(*marked.cursor)) == expected


def test_definition_in_the_standard_library() -> None:
    marked = analysed("import json\njson.^dumps\n")
    (location,) = marked.analysis.definition(*marked.cursor)
    assert location.path.name == "__init__.pyi"
    assert location.path.parent.name == "json"
    assert location.name == "dumps"


REFERENCES: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "a local, and no other of its name": (
        {"main.py": "def f():\n    ^x = 1\n    return x\ndef g():\n    x = 2\n    return x\n"},
        ["main.py:2:5", "main.py:3:12"],
    ),
    "a function across files": (
        {
            "main.py": "from tools import ^run\nrun()\n",
            "tools.py": "def run(): ...\n",
            "other.py": "import tools\ntools.run()\nclass C:\n    def run(self): ...\nC().run()\n",
        },
        ["main.py:1:19", "main.py:2:1", "other.py:2:7", "tools.py:1:5"],
    ),
    "a method, by the receiver's type": (
        {
            "main.py": "class A:\n    def ^go(self): ...\nclass B:\n    def go(self): ...\n"
            "A().go()\nB().go()\n",
        },
        ["main.py:2:9", "main.py:5:5"],
    ),
    "a parameter and its keyword arguments": (
        {"tools.py": "def f(^key):\n    return key\n", "main.py": "from tools import f\nf(key=1)\nkey = 2\n"},
        ["main.py:2:3", "tools.py:1:7", "tools.py:2:12"],
    ),
    "an attribute": (
        {
            "main.py": "class A:\n    def __init__(self):\n        self.^size = 1\n    def f(self):\n"
            "        return self.size\ndef g(size): ...\nA().size\n",
        },
        ["main.py:3:14", "main.py:5:21", "main.py:7:5"],
    ),
    "through an alias": (
        {"main.py": "from tools import run as start\nstart()\n", "tools.py": "def ^run(): ...\n"},
        ["main.py:1:19", "main.py:1:26", "main.py:2:1", "tools.py:1:5"],
    ),
}


@pytest.mark.parametrize(("files", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_references(files: Mapping[str, str], expected: list[str]) -> None:
    marked = analysed(files)
    assert shown(marked.root, marked.analysis.references(*marked.cursor)) == expected


def test_references_can_be_cancelled() -> None:
    from typewright.indexer.cancellation import Cancelled, CancelToken

    marked = analysed("def ^f(): ...\nf()\n")
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        marked.analysis.references(*marked.cursor, cancel=cancel)


MEMBERS = {
    "nothing typed": (
        "from package import Circle\nc = Circle(1)\nc.^\n",
        {"radius", "area", "label", "sides"},
    ),
    "a part typed": ("from package import Circle\nCircle(1).ra^\n", {"radius"}),
    "in an unfinished call": ("from package import Circle\nprint(Circle(1).^\nx = 1\n", {"radius"}),
    "in an unfinished condition": (
        "from package import Circle\ndef f(c: Circle):\n    if c.^\n        pass\n    return c\n",
        {"radius"},
    ),
    "self": (
        "class C:\n    def __init__(self):\n        self.a = 1\n    def f(self):\n        self.^\n",
        {"a", "f"},
    ),
    "a call": ("from package import area\narea(1).^\n", {"is_integer"}),
    "an element": ("x = ['a']\nx[0].^\n", {"upper"}),
    "a module": ("import package\npackage.^\n", {"Circle", "VERSION", "shapes"}),
    "a class": ("from package import Circle\nCircle.^\n", {"sides", "area"}),
    "a literal": ("'a'.^\n", {"upper"}),
    "an f-string": ("name = 'a'\nf'{name.^}'\n", {"upper"}),
    "names to import": ("from package import ^\n", {"Circle", "area"}),
    "modules to import": ("import package.^\n", {"shapes"}),
    "modules to import from": ("from package.^\n", {"shapes"}),
    "names to import, relative": ("from .package import ^\n", {"Circle"}),
}


@pytest.mark.parametrize(("source", "expected"), MEMBERS.values(), ids=MEMBERS)
def test_members(source: str, expected: set[str]) -> None:
    marked = analysed({**LIBRARY, "main.py": source})
    members = marked.analysis.members_at(*marked.cursor)
    assert members is not None
    assert expected <= {member.name for member in members.members}


def test_a_member_says_what_it_is() -> None:
    marked = analysed({**LIBRARY, "main.py": "from package import Circle\nCircle(1).^\n"})
    members = marked.analysis.members_at(*marked.cursor)
    assert members is not None
    assert members.complete
    by_name = {member.name: member for member in members.members}
    area = by_name["area"]
    assert (area.kind, area.documentation) == ("method", "How much it covers.")
    assert "float" in area.detail
    assert area.owner.endswith("Shape")
    assert by_name["label"].kind == "property"
    assert by_name["radius"].detail == "float"


@pytest.mark.parametrize(
    "source",
    ["class C(missing.Base):\n    a = 1\nC().^\n", "class C:\n    def __getattr__(self, name): ...\nC().^\n"],
)
def test_members_that_are_not_all(source: str) -> None:
    marked = analysed(source)
    members = marked.analysis.members_at(*marked.cursor)
    assert members is not None
    assert not members.complete


@pytest.mark.parametrize("source", ["x = 1\n^\n", "'a.^'\n", "# a.^\n", "1.^\n"])
def test_no_members(source: str) -> None:
    marked = analysed(source)
    assert marked.analysis.members_at(*marked.cursor) is None


def test_names_come_from_the_inside_out() -> None:
    source = """
    import os
    GLOBAL = 1

    def outer(a):
        '''Outermost.'''
        b = 2
        def inner(c):
            d = 3
            ^
        e = 4

    class C:
        hidden = 1
    """
    marked = analysed(source)
    names = [member.name for member in marked.analysis.names_at(*marked.cursor)]
    for group, following in [
        ("cd", "abe"),
        ("abe", ["os", "GLOBAL", "outer"]),
        (["GLOBAL", "C"], ["len", "int"]),
    ]:
        assert max(names.index(name) for name in group) < min(names.index(name) for name in following)
    assert "hidden" not in names
    by_name = {member.name: member for member in marked.analysis.names_at(*marked.cursor)}
    assert by_name["outer"].kind == "function"
    assert by_name["outer"].documentation == "Outermost."
    assert by_name["os"].kind == "module"
    assert by_name["len"].owner == "builtins"


@pytest.mark.parametrize(
    ("source", "inside"),
    [
        ("def f():\n    local = 1\n    ^", True),
        ("def f():\n    local = 1\n^", False),
        ("def f():\n    local = 1\n\n\n    ^\n\nx = 1\n", True),
        ("def f():\n    local = 1\nif x:\n    ^\n", False),
        ("def f():\n    local = 1\n    return (lo^\n", True),
    ],
)
def test_indentation_decides_the_scope(source: str, inside: bool) -> None:
    marked = analysed(source)
    names = [member.name for member in marked.analysis.names_at(*marked.cursor)]
    assert ("local" in names) is inside


CALLS = {
    "nothing typed": ("area(^)", "area", "shape"),
    "unfinished": ("area(^", "area", "shape"),
    "the second": ("x = area(1, ^\ny = 1", "area", "factor"),
    "a keyword": ("area(1, unit=^)", "area", "unit"),
    "variadic": ("area(1, 2, 3, 4, ^)", "area", "*others"),
    "behind *args": ("area(*a, ^", "area", "factor"),
    "across lines": ("area(\n    1,\n    ^\n)", "area", "factor"),
    "a nested call that is closed": ("area(Circle(1), ^", "area", "factor"),
    "the inner call": ("area(Circle(^", "Circle", "radius"),
    "a list inside": ("area([1, ^", "area", "shape"),
    "a method": ("Circle(1).area(^)", "area", None),
    "a keyword that is no parameter": ("area(1, nothing=^)", "area", None),
    "an inherited constructor": ("class C(Shape): ...\nC(^", "C", "name"),
}


@pytest.mark.parametrize(("source", "name", "parameter"), CALLS.values(), ids=CALLS)
def test_call(source: str, name: str, parameter: str | None) -> None:
    text = f"from package import *\nfrom package.shapes import Shape\n{source}\n"
    marked = analysed({**LIBRARY, "main.py": text})
    call = marked.analysis.call_at(*marked.cursor)
    assert call is not None
    signature = call.signatures[call.active_signature]
    assert signature.name.rpartition(".")[2] in (name, "__init__")
    active = signature.parameters[call.active_parameter] if call.active_parameter >= 0 else None
    if parameter is None:
        assert active is None
    else:
        assert active is not None
        assert active.partition(":")[0].partition("=")[0].strip() == parameter


def test_overloads_are_chosen_by_their_arguments() -> None:
    source = """
    from typing import overload
    @overload
    def f(a: int) -> int: ...
    @overload
    def f(a: str, key: str) -> str: ...
    def f(a, key=None): return a
    f(1, ^
    """
    marked = analysed(source)
    call = marked.analysis.call_at(*marked.cursor)
    assert call is not None
    assert len(call.signatures) == 2
    assert call.active_signature == 1
    assert call.signatures[1].parameters[call.active_parameter].startswith("key")


@pytest.mark.parametrize("source", ["def f(^", "x = 1\n^", "unknown(^", "(1, ^", "class C(^"])
def test_no_call(source: str) -> None:
    marked = analysed(source)
    assert marked.analysis.call_at(*marked.cursor) is None
