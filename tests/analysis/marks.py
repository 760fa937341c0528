"""Facts written into sources: `#: name: type ;; name: type` ends a line, `->` is a function's result."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from typewright.analysis.fixpoint import Budget
from typewright.analysis.queries import Analysis
from typewright.analysis.types import render
from typewright.indexer.environment import Environment, discover
from typewright.indexer.modules import ModuleFile, ModuleFinder
from typewright.indexer.syntax import Syntax, parse

ROOT = Path("/workspace")
_MARK = re.compile(r"#: (.*)$")
_environment = discover(Path(__file__).parent)
_finder = ModuleFinder([], _environment)
_shared: list[Analysis] = []


class Texts:
    """A workspace that exists only in memory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.texts = {ROOT / name: textwrap.dedent(text) for name, text in files.items()}
        self.root = ROOT
        self.environment: Environment = _environment

    def files(self) -> Sequence[Path]:
        return list(self.texts)

    def text(self, path: Path) -> str:
        return self.texts[path]

    def syntax(self, path: Path) -> Syntax:
        return parse(self.texts[path])

    def module_name(self, path: Path) -> str:
        return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    def find_module(self, name: str) -> ModuleFile | None:
        for path in self.texts:
            if self.module_name(path) == name:
                return ModuleFile(name, path, "source", "workspace", path.stem == "__init__", "")
        return _finder.find(name)

    def submodules(self, name: str) -> Sequence[str]:
        names = [self.module_name(path) for path in self.texts]
        return [n.rpartition(".")[2] for n in names if n.rpartition(".")[0] == name]

    def files_using(self, name: str) -> Sequence[Path]:
        return [path for path, text in self.texts.items() if re.search(rf"\b{name}\b", text)]


def analysed(files: Mapping[str, str] | str) -> Analysis:
    """The analysis of texts (one alone is main.py). What libraries say is read once for all tests."""
    texts = Texts({"main.py": files} if isinstance(files, str) else files)
    analysis = Analysis(texts, *_shared, budget=Budget(seconds=3600))
    _shared[:] = [analysis]
    return analysis


def facts(analysis: Analysis, path: str = "main.py") -> dict[tuple[int, str], str]:
    """What the slots of a file say, by line and name."""
    found = {}
    for slot in analysis.slots(ROOT / path):
        name = "->" if slot.kind == "return" else slot.name
        found[slot.line, name] = render(slot.inferred.type)
    return found


def expected(text: str) -> dict[tuple[int, str], str]:
    """The facts that a source claims."""
    claimed = {}
    for number, line in enumerate(textwrap.dedent(text).split("\n"), 1):
        mark = _MARK.search(line)
        for fact in mark[1].split(" ;; ") if mark else ():
            name, _, claim = fact.partition(": ")
            claimed[number, name.strip()] = claim.strip()
    return claimed


def check(files: Mapping[str, str] | str) -> None:
    """Compares every claim with what the analysis says."""
    if isinstance(files, str):
        files = {"main.py": files}
    analysis = analysed(files)
    wrong = []
    for file, text in files.items():
        actual = facts(analysis, file)
        for place, claim in expected(text).items():
            if actual.get(place) != claim:
                wrong.append(f"{file}:{place}: expected {claim}, not {actual.get(place)}")
    assert not wrong, "\n".join(wrong)
