"""The micro-suite as data: the roots that tools are run on, and the facts about them."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slots import Place
from tools import Answers
from type_text import parse

FOLDER = Path(__file__).parent / "micro"


@dataclass(frozen=True, slots=True)
class Fact:
    """The true type of one slot."""

    group: str
    place: Place
    function: str
    name: str
    type: str

    def says(self, answer: str) -> bool:
        """Whether an answer is the truth; `Self` is the class around."""
        owner = self.function.rpartition(".")[0]
        return parse(re.sub(r"\bSelf\b(?!@)", owner, answer) if owner else answer) == parse(self.type)


@dataclass(frozen=True, slots=True)
class Root:
    """A project: the snippets of a group that are one file each, or one snippet of several modules."""

    name: str
    source: Path
    facts: tuple[Fact, ...]

    def copy(self, target: Path) -> Path:
        """The code without the truth, so that nothing can be read off."""
        folder = target / self.name
        shutil.rmtree(folder, ignore_errors=True)
        for file in sorted({fact.place.file for fact in self.facts} | self._silent()):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.source / file, folder / file)
        return folder

    def _silent(self) -> set[str]:
        """The modules of a snippet of several about which there is no fact."""
        if self.source.with_name(f"{self.source.name}.facts.toml").is_file():
            return {path.relative_to(self.source).as_posix() for path in self.source.rglob("*.py")}
        return set()


def roots() -> Iterator[Root]:
    """Every root of the suite, in order."""
    single: defaultdict[str, list[Fact]] = defaultdict(list)
    for truth in sorted(FOLDER.rglob("*.facts.toml")):
        group = truth.parent.name
        snippet = truth.name.removesuffix(".facts.toml")
        facts = [
            Fact(
                group,
                Place(row["file"], row["line"], row["column"], row["kind"]),
                row["function"],
                row["name"],
                row["type"],
            )
            for row in tomllib.loads(truth.read_text(encoding="utf-8"))["facts"]
        ]
        folder = truth.with_name(snippet)
        if folder.is_dir():
            yield Root(f"{group}/{snippet}", folder, tuple(facts))
        else:
            single[group] += facts
    for group, facts in single.items():
        yield Root(group, FOLDER / group, tuple(facts))


@dataclass(frozen=True, slots=True)
class Score:
    """How a tool did on one fact."""

    root: str
    fact: Fact
    answer: str
    right: bool


def scores(root: Root, answers: Answers) -> Iterator[Score]:
    """Exact or not; what has no answer is not right."""
    for fact in root.facts:
        answer = answers.get(fact.place)
        right = answer is not None and fact.says(answer.type)
        yield Score(root.name, fact, answer.type if answer else "", right)
