"""What is reported as absent, and all the ways in which something may exist after all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from workspaces import analysed

PACKAGE = {
    "package/__init__.py": "from package.core import Engine, run\n",
    "package/core.py": '''
import os


class Engine:
    """Runs."""

    speed = 1

    def __init__(self, name, *, power=1):
        self.name = name

    def start(self, delay: float = 0.0) -> "Engine":
        return self


def run(engine: Engine, times=1):
    return engine.start()
'''.lstrip(),
}


def absent(files: Mapping[str, str] | str) -> list[tuple[str, str]]:
    if isinstance(files, str):
        files = {"main.py": files}
    marked = analysed({**PACKAGE, **files})
    return [(found.kind, found.name) for found in marked.analysis.absent(marked.root / "main.py")]


ABSENT = {
    "a member of a standard module": ("import json\njson.parse('')\n", ("member", "parse")),
    "a member of a compiled module": ("import math\nmath.square(2)\n", ("member", "square")),
    "a member of a submodule": ("import os\nos.path.joined('a')\n", ("member", "joined")),
    "a name of a standard module": ("from json import parse\n", ("import", "parse")),
    "a submodule": ("import json.reader\n", ("module", "reader")),
    "a module": ("import nonexistent_thing\n", ("module", "nonexistent_thing")),
    "a module to import from": ("from nonexistent_thing import x\n", ("module", "nonexistent_thing")),
    "the missing part in the middle": ("import os.paths.more\n", ("module", "paths")),
    "a name of a workspace module": ("from package.core import Motor\n", ("import", "Motor")),
    "a name of a workspace package": ("from package import Motor\n", ("import", "Motor")),
    "a member of a workspace module": ("import package.core\npackage.core.go\n", ("member", "go")),
    "a member of an instance": ("from package import Engine\nEngine('a').stop()\n", ("member", "stop")),
    "through a variable": ("from package import Engine\ne = Engine('a')\ne.stop()\n", ("member", "stop")),
    "of a class": ("from package import Engine\nEngine.create()\n", ("member", "create")),
    "of an annotated parameter": (
        "from package import Engine\ndef f(engine: Engine):\n    engine.stop()\n",
        ("member", "stop"),
    ),
    "of what a method is said to return": (
        "from package import Engine\nEngine('a').start().stop()\n",
        ("member", "stop"),
    ),
    "of self": ("class C:\n    a = 1\n    def f(self):\n        return self.b\n", ("member", "b")),
    "of a literal": ("'a'.length\n", ("member", "length")),
    "of a list": ("x = []\nx.push(1)\n", ("member", "push")),
    "of a dictionary": ("def f():\n    d = {'a': 1}\n    return d.has_key('a')\n", ("member", "has_key")),
    "of a file": ("with open('a') as file:\n    file.read_text()\n", ("member", "read_text")),
    "of an enumeration": ("import enum\nclass E(enum.Enum):\n    A = 1\nE.B\n", ("member", "B")),
    "of a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nP(1).y\n",
        ("member", "y"),
    ),
    "a keyword of a function": ("from package import run\nrun(1, count=2)\n", ("keyword", "count")),
    "of a constructor": ("from package import Engine\nEngine('a', speed=1)\n", ("keyword", "speed")),
    "of a method": ("from package import Engine\nEngine('a').start(wait=1)\n", ("keyword", "wait")),
    "of a standard function": ("import os\nos.makedirs('a', exists=True)\n", ("keyword", "exists")),
    "of an overloaded function": (
        "import subprocess\nsubprocess.Popen([], silent=1)\n",
        ("keyword", "silent"),
    ),
}


@pytest.mark.parametrize(("source", "expected"), ABSENT.values(), ids=ABSENT)
def test_absent(source: str, expected: tuple[str, str]) -> None:
    assert absent(source) == [expected]


CASES = Path(__file__).with_name("present.txt").read_text()
PRESENT = {
    title: source for title, _, source in (case.partition("\n") for case in CASES.split("=== ")) if title
}

OTHERS = {
    "lazy.py": "def __getattr__(name): ...\n",
    "filled.py": "for name in 'ab':\n    globals()[name] = 1\n",
    "conditional.py": "import sys\nif sys.platform == 'nowhere':\n    maybe = 1\n",
    "compiled_thing.so": "",
    "space/other.py": "",
}


@pytest.mark.parametrize("source", PRESENT.values(), ids=PRESENT)
def test_present_or_not_decidable(source: str) -> None:
    assert absent({"main.py": source, **OTHERS}) == []


def test_nearest_names_and_evidence() -> None:
    marked = analysed("import json, os\njson.dump_s({})\nos.makedirs('a', exists=1)\n")
    member, keyword = marked.analysis.absent(marked.path)
    assert member.candidates[0] == "dumps"
    assert (member.span.line, member.span.column, member.span.end_column) == (2, 6, 12)
    assert member.evidence.text == "json (typeshed) has no member 'dump_s'"
    assert member.evidence.path.name == "__init__.pyi"
    assert keyword.candidates[0] == "exist_ok"
    assert (keyword.span.line, keyword.span.column) == (3, 18)
    assert keyword.evidence.line > 1


def test_the_span_of_a_module_is_its_missing_part() -> None:
    marked = analysed("import os.paths\nfrom os.paths import join\nfrom   jsn import x\n")
    spans = [(f.span.line, f.span.column, f.span.end_column) for f in marked.analysis.absent(marked.path)]
    assert spans == [(1, 11, 16), (2, 9, 14), (3, 8, 11)]


def test_a_missing_module_is_less_sure_inside_a_function() -> None:
    marked = analysed("import jsom\ndef f():\n    import nowhere_\n")
    sure, unsure = marked.analysis.absent(marked.path)
    assert sure.candidates == ("json",)
    assert sure.confidence > unsure.confidence


def test_broken_code_is_checked_as_far_as_it_goes() -> None:
    assert absent("import json\njson.parse('')\ndef f(:\n") == [("member", "parse")]
