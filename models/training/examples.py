"""Examples for the type model, out of a package's sources: slots with their labels, and candidates."""

from __future__ import annotations

import ast
import hashlib
import os
import pickle
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError
from typewright.indexer.slices import FunctionSlice, SlotSlice, slices
from typewright.indexer.source import read_source
from typewright.indexer.syntax import Syntax, parse
from typewright.indexer.visible_types import Survey, VisibleType, outside_annotations, visible_types

from ..protocol import Candidate
from ..type_features import ORIGINS, Candidates, Slots, encode_candidates, encode_slots
from ..type_sight import Sight, encode_sight
from .labels import Label, label

_VENDORED = frozenset({"_vendor", "vendor", "_vendored", "vendored", "third_party", "node_modules"})
_LARGEST_FILE = 400_000
_MOST_FILES = 500
_MOST_FILES_WITHOUT_LABELS = 100  # when there are labels enough: for the classes that they define


@dataclass(slots=True)
class FileExamples:
    """A module: its slots, the label of each (None: not annotated), and the candidates that it sees.

    `candidates` are rows of the package's table, `origins` how the module sees each, `sight` what it imports.
    `digests` identify the functions (`slots.functions`), so that near-duplicates can be found across
    packages.
    """

    path: str
    slots: Slots
    labels: list[Label | None]
    names: list[str]
    digests: list[bytes]
    candidates: np.ndarray
    origins: np.ndarray
    sight: Sight


@dataclass(slots=True)
class PackageExamples:
    """A package: its modules, the table of all candidates, and where the names in annotations come from.

    `own` marks the candidates that the package defines; `spoken_counts` are the counts in the table as they
    would be without what only annotations import.
    """

    name: str
    files: list[FileExamples]
    candidates: Candidates
    candidate_names: list[str]
    own: np.ndarray
    spoken_counts: np.ndarray
    qualified: Counter[tuple[str, str]]


def read_package(
    name: str,
    folder: Path,
    *,
    maximum_labels: int,
    seed: int = 0,
    cancel: CancelToken = NEVER,
) -> PackageExamples:
    """Read the Python files under `folder`, vendored ones aside, and every function once.

    Stops at `maximum_labels`, having taken files in a random order that `seed` fixes.
    """
    paths = [
        p for p in sorted(folder.rglob("*.py")) if not _VENDORED.intersection(p.relative_to(folder).parts)
    ]
    random.Random(seed).shuffle(paths)
    modules: list[tuple[VisibleType, ...]] = []
    read: list[tuple[str, Syntax, list[FunctionSlice], tuple[VisibleType, ...]]] = []
    functions: set[bytes] = set()
    qualified: Counter[tuple[str, str]] = Counter()
    count = 0
    spare = _MOST_FILES_WITHOUT_LABELS
    for path in paths[:_MOST_FILES]:
        cancel.check()
        if count >= maximum_labels:
            spare -= 1
            if spare < 0:
                break
        try:
            syntax = parse(read_source(path)) if path.stat().st_size < _LARGEST_FILE else None
        except TypewrightError:
            continue
        if syntax is None or syntax.damage:
            continue
        visible = visible_types(syntax)
        modules.append(visible)
        if count >= maximum_labels or not _annotated(syntax.tree):
            continue
        kept = []
        for function in slices(syntax):
            digest = _digest(function)
            if any(slot.annotation for slot in function.slots) and digest not in functions:
                functions.add(digest)
                kept.append(function)
                count += sum(bool(slot.annotation) for slot in function.slots)
        if kept:
            read.append((str(path.relative_to(folder)), syntax, kept, visible))
    survey = Survey(modules)
    spoken = Survey(modules, spoken_only=True)
    table = _CandidateTable(survey)
    files = [_file(*row, table, qualified) for row in read]
    counted = [spoken.complete(visible) for visible in table.seen]
    return PackageExamples(
        name,
        files,
        encode_candidates(table.rows),
        table.names,
        np.isin(np.arange(len(table.rows)), table.elsewhere),
        np.array([(v.importers, v.subclasses) for v in counted], dtype=np.float32).reshape(-1, 2),
        qualified,
    )


def store_package(job: tuple[str, Path, int, Path]) -> Path:
    """Read a package (name, sources, `maximum_labels`) into a folder, unless it is there; return the file."""
    name, source, maximum, folder = job
    path = folder / f"{name}-{maximum}.pickle"
    if not path.exists():
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(pickle.dumps(read_package(name, source, maximum_labels=maximum)))
        scratch.replace(path)
    return path


def wanted(slot: SlotSlice) -> bool:
    """Slots worth encoding in training: labelled ones, and the parameters and returns beside them."""
    return bool(slot.annotation) or slot.kind != "variable"


class _CandidateTable:
    """The distinct candidates of a package."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._numbers: dict[tuple[str, str], int] = {}
        self.rows: list[Candidate] = []
        self.names: list[str] = []
        self.seen: list[VisibleType] = []
        self.elsewhere = [self.number(visible) for visible in survey.definitions.values()]

    def number(self, visible: VisibleType) -> int:
        """The row of a candidate; a name that the package defines is that definition, wherever it is seen."""
        known = self._survey.definition(visible)
        identity = (visible.name, "" if known else visible.module)
        if identity not in self._numbers:
            self._numbers[identity] = len(self.rows)
            source = self._survey.complete(visible)
            self.rows.append(
                Candidate(
                    visible.name,
                    visible.name if known else f"{visible.module}.{visible.imported_name}",
                    source.members,
                    source.documentation,
                    source.bases,
                    importers=source.importers,
                    subclasses=source.subclasses,
                )
            )
            self.names.append(visible.name)
            self.seen.append(visible)
        return self._numbers[identity]


def _file(
    path: str,
    syntax: Syntax,
    functions: Sequence[FunctionSlice],
    visible: Iterable[VisibleType],
    table: _CandidateTable,
    qualified: Counter[tuple[str, str]],
) -> FileExamples:
    rows = [slot for function in functions for slot in function.slots if wanted(slot)]
    labels = [label(slot.annotation) if slot.annotation else None for slot in rows]
    imports = _imports(syntax.tree)
    for found in labels:
        for name in found.names if found else ():
            root, _, rest = name.partition(".")
            origin = imports.get(root, "")
            whole = ".".join(filter(None, (origin, rest))) if origin else ""
            qualified[name.rpartition(".")[2], whole] += 1
    seen = {table.number(v): v.origin if v.spoken else "annotation" for v in visible}
    elsewhere = [number for number in table.elsewhere if number not in seen]
    origins = [*seen.values(), *["elsewhere"] * len(elsewhere)]
    return FileExamples(
        path,
        encode_slots(functions, wanted),
        labels,
        [slot.name for slot in rows],
        [_digest(function) for function in functions],
        np.array([*seen, *elsewhere], dtype=np.int64),
        np.array([ORIGINS.index(origin) for origin in origins], dtype=np.uint8),
        encode_sight(functions[0].module),
    )


def _imports(tree: ast.Module) -> dict[str, str]:
    """Local name -> what it stands for, for absolute imports."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            prefix = "." if node.level else f"{node.module}."
            for alias in node.names:
                found[alias.asname or alias.name] = prefix + alias.name
    return found


def _annotated(tree: ast.Module) -> bool:
    """Whether there is an annotation at all: much is not annotated, and slices take their time."""
    for node in outside_annotations(tree):
        match node:
            case (
                ast.AnnAssign()
                | ast.FunctionDef(returns=ast.expr())
                | ast.AsyncFunctionDef(returns=ast.expr())
            ):
                return True
            case ast.arg(annotation=ast.expr()):
                return True
    return False


def _digest(function: FunctionSlice) -> bytes:
    """The identity of a function up to its module: what is done with its slots, and their annotations."""
    text = repr([(slot.name, slot.annotation, slot.features) for slot in function.slots])
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
