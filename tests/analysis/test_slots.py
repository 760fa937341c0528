"""Slots: which there are, where they stand, their evidence; budgets, damage, cancellation, reuse."""

import ast
import importlib.util
from pathlib import Path

import pytest
from marks import ROOT, Texts, analysed
from typewright.analysis.fixpoint import Budget
from typewright.analysis.queries import Analysis, Slot
from typewright.analysis.types import UNKNOWN, render
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled
from typewright.indexer.index import Index

MAIN = ROOT / "main.py"
SOURCE = """
class A:
    kind = 1
    def method(self, x, *args, key=None, **rest):
        self.x, self.y["k"] = x, 2
        for i in range(3):
            with open("f") as f, open("g"):
                z = [q for q in args]
        return lambda a, b=1: a

    @staticmethod
    def plain(self): ...

    @property
    async def typed(self, n: int) -> int:
        é = "ü"; w = (v := 2)
        a, (*b, c[0]) = é, [1, 2]
        d[e] = 1
        f: int = 2
        return n
"""


def slots(analysis: Analysis, path: Path = MAIN) -> dict[tuple[str, str, str], Slot]:
    return {(slot.kind, slot.function, slot.name): slot for slot in analysis.slots(path)}


def test_every_place_without_an_annotation_is_a_slot() -> None:
    found = [(s.line, s.column, s.kind, s.function, s.name) for s in analysed(SOURCE).slots(MAIN)]
    assert found == [
        (3, 5, "variable", "", "kind"),
        (4, 9, "return", "A.method", "method"),
        (4, 22, "param", "A.method", "x"),
        (4, 26, "param", "A.method", "args"),
        (4, 32, "param", "A.method", "key"),
        (4, 44, "param", "A.method", "rest"),
        (5, 9, "variable", "A.method", "self.x"),
        (5, 17, "variable", "A.method", 'self.y["k"]'),
        (6, 13, "variable", "A.method", "i"),
        (7, 31, "variable", "A.method", "f"),
        (8, 17, "variable", "A.method", "z"),
        (8, 28, "variable", "A.method", "q"),
        (9, 23, "param", "lambda", "a"),
        (9, 26, "param", "lambda", "b"),
        (12, 9, "return", "A.plain", "plain"),
        (16, 9, "variable", "A.typed", "é"),
        (16, 18, "variable", "A.typed", "w"),
        (16, 23, "variable", "A.typed", "v"),
        (17, 9, "variable", "A.typed", "a"),
        (17, 14, "variable", "A.typed", "b"),
        (17, 17, "variable", "A.typed", "c[0]"),
    ]


def test_what_a_slot_says_about_itself() -> None:
    found = slots(analysed(SOURCE))
    key = found["param", "A.method", "key"]
    assert (key.default_none, key.class_name) == (True, "A")
    assert not found["param", "A.method", "x"].default_none


def test_evidence_names_call_sites_defaults_and_returns() -> None:
    found = slots(analysed("def f(a, b='x'):\n    return a\n\nf(1)\nf(2.5)\n"))
    a = found["param", "f", "a"].inferred
    assert {(e.kind, e.line) for e in a.evidence} == {("call site", 4), ("call site", 5)}
    b = found["param", "f", "b"].inferred
    assert [e.kind for e in b.evidence] == ["default"]
    returned = found["return", "f", "f"].inferred
    assert [(e.kind, e.line) for e in returned.evidence] == [("return", 2)]
    assert 0 < b.certainty < a.certainty <= 1


def test_what_is_not_known_is_unknown() -> None:
    found = slots(analysed("import nowhere\nx = nowhere.f()\ndef g(a, b=None):\n    return a.b\n"))
    assert {slot.inferred.type for slot in found.values()} == {UNKNOWN}
    assert {slot.inferred.certainty for slot in found.values()} == {0}


def test_a_partly_known_type_is_less_certain() -> None:
    found = slots(analysed("def f(a, c):\n    if c:\n        return 1\n    return a\n"))
    inferred = found["return", "f", "f"].inferred
    assert (render(inferred.type), inferred.certainty < 0.5) == ("int", True)


@pytest.mark.parametrize(
    "source",
    [
        "def f(:\n  x = [\nclass\n",
        "x = x\n",
        "def f(): return f\nf()()()()()\n",
        "class A(A): pass\nA().x\n",
        "class A(B): pass\nclass B(A): pass\nx = A().y\n",
        "import main\nfrom main import *\nfrom main import x\nx = main.x\n",
        "def f(x): return f([x])\ny = f(1)\n",
        "def f(x): return lambda: f(x)\ny = f(1)()()\n",
        "x = 1\nwhile x:\n    x = (x, x)\n",
        "def a(x): return b(x)\ndef b(x): return c((x,))\ndef c(x): return a([x])\na(1)\n",
        "x = " + "(" * 60 + "1" + ")" * 60 + "\n",
        "x = " + " + ".join(["1"] * 3000) + "\n",
        "x = " + "f(" * 80 + ")" * 80 + "\ndef f(*a): return a\n",
        "class M(type):\n    def __call__(cls): return cls\nclass A(metaclass=M): pass\nx = A()()\n",
        "from typing import *\nT = TypeVar('T', bound='T')\ndef f(x: T) -> T: ...\nf(f)(f)\n",
        "x: 'x' = 1\ny: 'list[y]' = []\nz = y[0][0]\n",
        "@f\ndef f(g): return g\n@f(1)(2)\ndef h(): pass\n",
        "def g():\n    yield from g()\nfor x in g(): pass\n",
        "global q\nnonlocal r\nreturn 1\nbreak\nawait x\nyield 1\n",
        "def f():\n    f.x = f\n    return f.x.x.x\nv = f()\n",
        "class A:\n    x = property(lambda self: self.x)\nA().x\n",
        "match x:\n    case A(b=[c, *d], e={'f': g, **h}) | i: pass\n",
        "d = {}\nd[d] = d\nd['a'] = d\nl = []\nl.append(l)\n",
    ],
)
def test_odd_code_gets_an_answer(source: str) -> None:
    analysis = analysed(source)
    for slot in analysis.slots(MAIN):
        assert 0 <= slot.inferred.certainty <= 1
        analysis.annotation(slot.inferred.type, MAIN)


def test_files_named_like_the_standard_library_hide_nothing_from_the_analysis(tmp_path: Path) -> None:
    names = ("builtins", "typing", "types", "enum", "collections", "functools")
    for name in names:
        (tmp_path / f"{name}.py").write_text("class Own: ...\n")
    (tmp_path / "main.py").write_text("import types\ndef f(n=1): return [types.Own(), n]\n")
    index = Index.open(tmp_path, cache=tmp_path / "cache")
    index.update()
    found = slots(Analysis(index.snapshot()), tmp_path / "main.py")
    assert render(found["return", "f", "f"].inferred.type) == "list[Own | int]"
    index.close()


def test_a_budget_ends_the_work() -> None:
    source = "\n".join(
        f"def f{n}(x): return [f{(n * 7 + 1) % 60}(x), f{(n * 3 + 2) % 60}([x])]" for n in range(60)
    )
    analysis = Analysis(
        Texts({"main.py": source + "\ny = f0(1)\n"}), budget=Budget(steps=50, call_steps=20, depth=12)
    )
    assert len(analysis.slots(MAIN)) == 121


def test_the_time_of_a_query_is_bounded() -> None:
    analysis = Analysis(Texts({"main.py": "import os\nx = os.getcwd()\n"}), budget=Budget(seconds=0))
    assert [slot.name for slot in analysis.slots(MAIN)] == ["x"]


def test_a_cancelled_query_stops() -> None:
    token = CancelToken()
    token.cancel()
    analysis = analysed("x = 1\n")
    with pytest.raises(Cancelled):
        analysis.slots(MAIN, token)
    assert len(analysis.slots(MAIN)) == 1


def test_an_edit_is_seen_and_the_rest_is_reused() -> None:
    files = {
        "main.py": "from a import f\nx = f(1)\n",
        "a.py": "import b\ndef f(v): return b.g(v)\n",
        "b.py": "def g(v): return [v]\n",
    }
    first = Analysis(Texts(files))
    assert render(slots(first)["variable", "", "x"].inferred.type) == "list[int]"
    assert render(slots(first, ROOT / "b.py")["param", "g", "v"].inferred.type) == "int"
    builtins = first.evaluator.builtins
    second = Analysis(Texts({**files, "b.py": "def g(v): return {v}\n"}), first)
    assert second.evaluator.builtins is builtins
    assert render(slots(second)["variable", "", "x"].inferred.type) == "set[int]"
    third = Analysis(Texts({**files, "main.py": "from a import f\nx = f('s')\n"}), second)
    assert render(slots(third)["variable", "", "x"].inferred.type) == "list[str]"
    assert render(slots(third, ROOT / "b.py")["param", "g", "v"].inferred.type) == "str"
    fourth = Analysis(Texts({"main.py": files["main.py"]}), third)
    assert slots(fourth)["variable", "", "x"].inferred.type == UNKNOWN


def test_a_reused_analysis_says_what_a_fresh_one_says() -> None:
    files = {
        "main.py": "from a import A\nv = A(1).x\n",
        "a.py": "class A:\n    def __init__(self, x):\n        self.x = x\n",
    }
    analysis = Analysis(Texts(files))
    slots(analysis)
    for text in ("v = A('a').x\n", "v = A(2.5).y\n", "", "v = A(1).x; A('b')\n"):
        files["main.py"] = "from a import A\n" + text
        analysis = Analysis(Texts(files), analysis)
        fresh = Analysis(Texts(files))
        for path in (MAIN, ROOT / "a.py"):
            reused = [render(s.inferred.type) for s in analysis.slots(path)]
            assert reused == [render(s.inferred.type) for s in fresh.slots(path)]


@pytest.mark.parametrize("name", ["textwrap", "heapq", "shlex"])
def test_real_modules(name: str) -> None:
    """The standard library's own sources, as if they were the user's: most returns are known."""
    specification = importlib.util.find_spec(name)
    assert specification is not None
    assert specification.origin is not None
    text = Path(specification.origin).read_text(encoding="utf-8")
    found = analysed({f"my_{name}.py": text}).slots(ROOT / f"my_{name}.py")
    tree = ast.parse(text)
    functions = sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))
    assert sum(slot.kind == "return" for slot in found) == functions
    returns = [slot for slot in found if slot.kind == "return"]
    assert sum(slot.inferred.type != UNKNOWN for slot in returns) > 0.5 * len(returns)
