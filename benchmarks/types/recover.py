"""Strip and recover: annotated packages without their annotations, and how much of them a tool says again."""

from __future__ import annotations

import ast
import builtins
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
import typing
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slots import Place, Slot, python_files, slots
from tools import CACHE, Answer, Answers
from type_text import ANNOTATION, ANY, NONE, PREDICTION, outermost, parse, without_none

PACKAGES = Path(__file__).with_name("packages.toml")


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel of an exact version and content."""

    name: str
    version: str
    sha256: str
    module: str

    def fetched(self) -> Path:
        """The folder with the package's source, fetched by name where it is not there yet."""
        target = CACHE / "packages" / f"{self.name}-{self.version}"
        if not target.is_dir():
            wheel = self._wheel()
            found = hashlib.sha256(wheel.read_bytes()).hexdigest()
            if found != self.sha256:
                raise RuntimeError(f"{wheel.name} has the hash {found}, not {self.sha256}")
            partial = target.with_suffix(".part")
            shutil.rmtree(partial, ignore_errors=True)
            with zipfile.ZipFile(wheel) as archive:
                names = [n for n in archive.namelist() if n.startswith(f"{self.module}/") and ".." not in n]
                archive.extractall(partial, names)
            partial.rename(target)
        return target

    def _wheel(self) -> Path:
        folder = CACHE / "wheels"
        pattern = f"{self.name.replace('-', '_')}-{self.version}-*.whl"
        if not list(folder.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
            subprocess.run([*command, "--only-binary", ":all:", f"{self.name}=={self.version}"], check=True)
        return next(folder.glob(pattern))


def packages(section: str) -> list[Package]:
    """The packages of one purpose: `recover` or `speed`."""
    rows = tomllib.loads(PACKAGES.read_text(encoding="utf-8"))[section]
    return [Package(row["name"], row["version"], row["sha256"], row["module"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Label:
    """An annotation that was taken away."""

    place: Place
    name: str
    type: str
    user: bool


def strip(text: str) -> str:
    """The text without annotations of parameters, returns and local variables with a value.

    Annotations in a class body or a module mean something at run time (fields of data classes) and stay, and
    so do those of attributes.
    """
    content = text.encode()
    starts = [0]
    for line in content.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    stripped = content
    for begin, end in sorted(_cuts(ast.parse(text), content, starts), reverse=True):
        stripped = stripped[:begin] + stripped[end:]
    return stripped.decode()


def _cuts(tree: ast.Module, content: bytes, starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    def begin(node: ast.expr) -> int:
        return starts[node.lineno - 1] + node.col_offset

    def end(node: ast.expr | ast.arg) -> int:
        return starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)

    def after(annotation: ast.expr, open_brackets: int) -> int:
        """The end of an annotation with the brackets around it."""
        position = end(annotation)
        for _ in range(open_brackets):
            position = content.index(b")", position) + 1
        return position

    for node, local in _annotated(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.returns is not None
            arrow = content.rindex(b"->", 0, begin(node.returns))
            brackets = content[arrow : begin(node.returns)].count(b"(")
            while content[arrow - 1 : arrow] in {b" ", b"\t"}:
                arrow -= 1
            yield arrow, after(node.returns, brackets)
        elif isinstance(node, ast.arg):
            assert node.annotation is not None
            name_end = starts[node.lineno - 1] + node.col_offset + len(node.arg.encode())
            yield name_end, after(node.annotation, content[name_end : begin(node.annotation)].count(b"("))
        elif local and node.value is not None and node.simple:
            opened = content[end(node.target) : begin(node.annotation)].count(b"(")
            yield end(node.target), after(node.annotation, opened)


def _annotated(
    tree: ast.AST, *, local: bool = False
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.arg | ast.AnnAssign, bool]]:
    for node in ast.iter_child_nodes(tree):
        inside = local
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = True
            if node.returns is not None:
                yield node, True
        elif isinstance(node, ast.ClassDef):
            inside = False
        elif (isinstance(node, ast.arg) and node.annotation is not None) or isinstance(node, ast.AnnAssign):
            yield node, local
        yield from _annotated(node, local=inside)


def prepare(package: Package) -> tuple[Path, list[Label]]:
    """The stripped package and its labels."""
    source = package.fetched()
    target = CACHE / "stripped" / source.name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    own = own_classes(source)
    labels: list[Label] = []
    for path in python_files(source):
        relative = path.relative_to(source)
        text = path.read_text(encoding="utf-8")
        stripped = strip(text)
        (target / relative).write_text(stripped, encoding="utf-8")
        labels += _labels(slots(text, relative.as_posix()), slots(stripped, relative.as_posix()), own)
    return target, labels


def _labels(before: Sequence[Slot], after: Sequence[Slot], own: set[str]) -> Iterator[Label]:
    """The n-th slot of a name was the n-th before."""
    if [slot.identity for slot in before] != [slot.identity for slot in after]:
        raise RuntimeError("stripping has changed more than annotations")
    for annotated, bare in zip(before, after, strict=True):
        if annotated.annotation and not bare.annotation and not annotated.overload:
            names = parse(annotated.annotation, ANNOTATION).names()
            yield Label(bare.place, bare.name, annotated.annotation, not names.isdisjoint(own))


def own_classes(folder: Path) -> set[str]:
    """The classes that a package defines, but for names that everybody knows."""
    found = set()
    for path in python_files(folder):
        found |= set(re.findall(r"^\s*class (\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    return found - set(dir(builtins)) - set(typing.__all__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tool did on one label."""

    kind: str
    user: bool
    answered: bool
    exact: bool
    outer: bool
    confidence: float


def outcomes(labels: Iterable[Label], answers: Answers) -> Iterator[Outcome]:
    """Labels None and Any are left out; a top-level Optional does not count on either side."""
    for label in labels:
        truth = parse(label.type, ANNOTATION)
        if truth in {NONE, ANY}:
            continue
        truth = without_none(truth)
        answer = answers.get(label.place)
        said = without_none(parse(answer.type, PREDICTION)) if answer else ANY
        answered = answer is not None and said not in {ANY, NONE}
        yield Outcome(
            label.place.kind,
            label.user,
            answered,
            answered and said == truth,
            answered and outermost(said) == outermost(truth),
            answer.confidence if answer else 0.0,
        )


def share(found: Sequence[Outcome], right: str = "exact") -> float:
    """The part of the outcomes that is as wanted."""
    return sum(getattr(outcome, right) for outcome in found) / len(found) if found else 0.0


def precision(found: Sequence[Outcome]) -> float:
    """The right part of the answers."""
    return share([outcome for outcome in found if outcome.answered])


def coverage(found: Sequence[Outcome], wanted: float) -> float:
    """The largest part of the slots that can be answered, most confident first, at a precision."""
    by_confidence: defaultdict[float, list[Outcome]] = defaultdict(list)
    for outcome in found:
        if outcome.answered:
            by_confidence[outcome.confidence].append(outcome)
    answered = right = best = 0
    for confidence in sorted(by_confidence, reverse=True):
        answered += len(by_confidence[confidence])
        right += sum(outcome.exact for outcome in by_confidence[confidence])
        if right >= wanted * answered:
            best = answered
    return best / len(found) if found else 0.0


def ensemble(parts: Sequence[Answers], places: Iterable[Place]) -> Answers:
    """For each slot the answer of the first tool that has one."""
    found: Answers = {}
    for place in places:
        for answers in parts:
            answer = answers.get(place)
            if answer is not None and without_none(parse(answer.type)) not in {ANY, NONE}:
                found[place] = answer
                break
    return found


def from_table(table: Mapping[str, str], labels: Iterable[Label]) -> Answers:
    """The commonest annotation of a kind and a name, as training has counted them."""
    keys = {label.place: f"{label.place.kind}:{label.name}" for label in labels}
    return {place: Answer(table[key]) for place, key in keys.items() if key in table}


def read_table(path: Path) -> dict[str, str]:
    """The count table that `typewright train type-model` leaves."""
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found
