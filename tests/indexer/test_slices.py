from pathlib import Path
from textwrap import dedent

import pytest
import typewright.indexer
from typewright.indexer.slices import FunctionSlice, SlotSlice, slices
from typewright.indexer.syntax import parse


def slices_of(code: str) -> dict[str, FunctionSlice]:
    return {found.function: found for found in slices(parse(dedent(code)))}


def slot(code: str, function: str, name: str, kind: str = "") -> SlotSlice:
    matches = [s for s in slices_of(code)[function].slots if s.name == name and kind in ("", s.kind)]
    assert len(matches) == 1
    return matches[0]


def test_every_kind_of_slot_is_found_with_its_position() -> None:
    code = """
    class Reader:
        limit = 3
        async def read(self, path, *rest, size=10, **options):
            self.count = 0
            with open(path) as stream:
                for row in stream:
                    text = row.strip()
            return text
    """
    read = slices_of(code)["Reader.read"]
    assert read.class_name == "Reader"
    assert [(s.kind, s.name, s.line, s.column) for s in read.slots] == [
        ("return", "read", 4, 15),
        ("param", "path", 4, 26),
        ("param", "rest", 4, 33),
        ("param", "size", 4, 39),
        ("param", "options", 4, 50),
        ("variable", "self.count", 5, 9),
        ("variable", "stream", 6, 28),
        ("variable", "row", 7, 17),
        ("variable", "text", 8, 17),
    ]


def test_uses_become_features_and_members() -> None:
    found = slot(
        """
        def save(target, data=None):
            if isinstance(data, bytes) and not data:
                raise ValueError(f"{data!r}")
            target.parent.mkdir()
            path.join(target, "x")
            json.dump(data, target, indent=2)
            return target[0] + 1
        """,
        "save",
        "target",
    )
    assert set(found.features) >= {
        "name:target",
        "default:absent",
        "member:parent",
        "path:parent.mkdir",
        "passed:path.join#0",
        "passed:json.dump#1",
        "subscript:int",
        "sibling:data",
        "function-word:save",
    }
    assert found.members == ("parent",)


@pytest.mark.parametrize(
    ("statement", "feature"),
    [
        ("for a, b in x: pass", "iterated:unpack2"),
        ("async with x: pass", "async-with"),
        ("await x", "awaited"),
        ("x += 'a'", "augmented:Add:str"),
        ("x < 3", "compared:Lt:int"),
        ("f(key=x)", "keyword:key"),
        ("f(**x)", "double-star-passed"),
        ("x(1, 2)", "called:2"),
        ("x.append(1)", "method:append#1"),
        ("while not x: pass", "truth"),
        ("d[x]", "index-of:d"),
        ("{'size': x}", "dict-value:size"),
        ("x or []", "or:list"),
        ("lambda: x.name", "member:name"),
        ("[y for y in x]", "iterated:as:y"),
        ("self.kept = x\n    self.kept.close()", "attribute-member:close"),
    ],
)
def test_statement_gives_feature(statement: str, feature: str) -> None:
    code = f"class C:\n  async def f(self, x):\n    {statement}\n"
    assert feature in slot(code, "C.f", "x", "param").features


def test_returns_say_what_is_returned_and_how_the_result_is_used() -> None:
    code = """
    def names(n):
        result = []
        return result
    for name in names(1): pass
    def each():
        yield "a"
    """
    returned = slot(code, "names", "names")
    assert {"returns:name:result", "returned-assigned:list:empty", "result-iterated"} <= set(
        returned.features
    )
    assert {"generator", "yields:str"} <= set(slot(code, "each", "each").features)


@pytest.mark.parametrize(
    "docstring",
    [
        "Args:\n        limit (int): how many rows",
        ":param int limit: how many rows",
        ":param limit: how many rows\n    :type limit: int",
        "Parameters\n    ----------\n    limit : int\n        how many rows",
    ],
)
def test_docstring_styles(docstring: str) -> None:
    features = slot(f'def f(limit):\n    """Do.\n\n    {docstring}\n    """\n', "f", "limit").features
    assert {"document-type:int", "document:rows"} <= set(features)


@pytest.mark.parametrize(
    ("docstring", "name"),
    [
        ("Parameters\n    ----------\n    low, high : int, optional\n        limits", "high"),
        ("Args:\n        *high (int, default 3): limits", "high"),
        (":rtype: int", "f"),
        ("Returns:\n        int: limits", "f"),
    ],
)
def test_docstring_types_are_found_without_what_stands_beside_them(docstring: str, name: str) -> None:
    code = f'def f(low, high=3):\n    """Do.\n\n    {docstring}\n    """\n'
    assert "document-type:int" in slot(code, "f", name).features


def test_call_sites_of_the_module_lend_what_they_pass() -> None:
    code = """
    def area(width, height): ...
    class Box:
        def __init__(self, label): ...
    area(3, height=2.5)
    Box("lid")
    """
    assert "argument:int" in slot(code, "area", "width").features
    assert "argument:float" in slot(code, "area", "height").features
    assert "argument:str" in slot(code, "Box.__init__", "label").features


FLOW = """
from typing import Sequence
import json as j
class Desk(Board):
    def __init__(self, user, rows=()):
        self.user = user
    def run(self):
        query = make(self.user)
        query.go()
        return finish(query)
def make(person):
    return Query(person.name)
def finish(asked):
    return asked["answer"]
def main():
    someone = User()
    make(someone)
"""


@pytest.mark.parametrize(
    ("function", "name", "feature"),
    [
        ("make", "person", "argument-assigned:call:User"),  # where the argument comes from
        ("main", "someone", "becomes:person"),  # what the function called does with it
        ("main", "someone", "becomes-member:name"),
        ("make", "make", "result-member:go"),  # what callers do with the result, under a name
        ("Desk.run", "query", "from-returns:call:Query"),
        ("Desk.run", "run", "via-returns:subscript"),
        ("Desk.__init__", "user", "attribute-becomes:person"),
        ("Desk.__init__", "self.user", "copy-default:absent"),
        ("finish", "asked", "subscript-key:answer"),
        ("Desk.__init__", "rows", "overrides:Board.__init__.rows"),
        ("Desk.run", "run", "overrides:Board.run"),
        ("Desk.__init__", "rows", "last-word-default:tuple:rows"),
    ],
)
def test_names_lend_each_other_across_calls(function: str, name: str, feature: str) -> None:
    assert feature in slot(FLOW, function, name).features


def test_functions_share_what_the_module_imports() -> None:
    found = slices_of(FLOW + "j.loads('')\n")["main"].module
    assert found == ("only:import:typing", "only:from:typing.Sequence", "module:json")


def test_names_that_many_functions_have_lend_nothing() -> None:
    code = "".join(f"class C{i}:\n  def put(self, x): return {i}\n" for i in range(3))
    features = slot(code + "def f(a):\n  b = a.put(1)\n  return b\n", "f", "b").features
    assert not any(feature.startswith("from-") for feature in features)


def test_annotations_are_labels_and_never_features() -> None:
    plain = "class C:\n  def f(self, a, b=None):\n    x = a\n    self.y = b\n    return x\n"
    typed = (
        "class C:\n  def f(self, a: Alpha, b: 'Beta | None' = None) -> Gamma:\n"
        "    x: Delta = a\n    self.y: Epsilon = b\n    return x\n"
    )
    bare, labelled = slices_of(plain)["C.f"].slots, slices_of(typed)["C.f"].slots
    assert [s.features for s in bare] == [s.features for s in labelled]
    assert {s.name: s.annotation for s in labelled} == {
        "f": "Gamma",
        "a": "Alpha",
        "b": "'Beta | None'",
        "x": "Delta",
        "self.y": "Epsilon",
    }


def test_attribute_is_one_slot_with_the_uses_of_all_methods() -> None:
    code = """
    class C:
        def __init__(self): self.rows = []
        def add(self, row): self.rows.append(row)
        def clear(self): self.rows = []
    """
    found = [s for f in slices(parse(dedent(code))) for s in f.slots if s.name == "self.rows"]
    assert len(found) == 1
    assert found[0].members == ("append",)


@pytest.mark.parametrize(
    "code", ["", "def f(:\n  x = \n", "class\n", "x = (" * 50, "def é(ü): return ü.größe\n"]
)
def test_damaged_and_odd_text_gives_a_partial_answer(code: str) -> None:
    for function in slices(parse(code)):
        for found in function.slots:
            assert found.line >= 1
            assert found.column >= 1


def test_depth_beyond_the_stack_does_not_lose_the_rest() -> None:
    code = "def before(a): return a\nx = " + "1+" * 600 + "1\ndef after(b): return b\n"
    assert {"before", "after"} <= slices_of(code).keys()


def test_own_package_is_sliced() -> None:
    for path in Path(typewright.indexer.__path__[0]).glob("*.py"):
        found = slices(parse(path.read_text(encoding="utf-8")))
        assert all(len(set(s.features)) == len(s.features) for f in found for s in f.slots)
