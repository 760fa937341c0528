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
from typewright.indexer.visible_types import VisibleType, visible_types

from ..protocol import Candidate
from ..type_features import ORIGINS, Candidates, Slots, encode_candidates, encode_slots
from .labels import Label, label

_VENDORED = frozenset({"_vendor", "vendor", "_vendored", "vendored", "third_party", "node_modules"})
_LARGEST_FILE = 400_000
_MOST_FILES = 1500


@dataclass(slots=True)
class FileExamples:
    """A module: its slots, the label of each (None: not annotated), and the candidates that it sees.

    `candidates` are rows of the package's table, `origins` how the module sees each, and `spoken` is False
    where the name is imported for annotations only, and so would not be in sight without them. `digests`
    identify the functions (`slots.functions`), so that near-duplicates can be found across packages.
    """

    path: str
    slots: Slots
    labels: list[Label | None]
    names: list[str]
    digests: list[bytes]
    candidates: np.ndarray
    origins: np.ndarray
    spoken: np.ndarray


@dataclass(slots=True)
class PackageExamples:
    """A package: its modules, the table of all candidates, and where the names in annotations come from."""

    name: str
    files: list[FileExamples]
    candidates: Candidates
    candidate_names: list[str]
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
    own: dict[str, VisibleType] = {}
    read: list[tuple[str, Syntax, list[FunctionSlice], tuple[VisibleType, ...]]] = []
    functions: set[bytes] = set()
    qualified: Counter[tuple[str, str]] = Counter()
    count = 0
    for path in paths[:_MOST_FILES]:
        cancel.check()
        try:
            syntax = parse(read_source(path)) if path.stat().st_size < _LARGEST_FILE else None
        except TypewrightError:
            continue
        if syntax is None or syntax.damage:
            continue
        visible = visible_types(syntax)
        own.update((v.name, v) for v in visible if v.origin != "import")
        if count >= maximum_labels:
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
    table = _CandidateTable(own)
    files = [_file(*row, table, qualified) for row in read]
    return PackageExamples(name, files, encode_candidates(table.rows), table.names, qualified)


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

    def __init__(self, own: dict[str, VisibleType]) -> None:
        self._own = own
        self._numbers: dict[tuple[str, str], int] = {}
        self.rows: list[Candidate] = []
        self.names: list[str] = []
        self.elsewhere = [self.number(visible) for visible in own.values()]

    def number(self, visible: VisibleType) -> int:
        """The row of a candidate; a name that the package defines is that definition, wherever it is seen."""
        known = self._own.get(visible.imported_name or visible.name)
        identity = (visible.name, "" if known else visible.module)
        if identity not in self._numbers:
            self._numbers[identity] = len(self.rows)
            source = known or visible
            self.rows.append(
                Candidate(
                    visible.name,
                    visible.name if known else f"{visible.module}.{visible.imported_name}",
                    source.members,
                    source.documentation,
                    source.bases,
                )
            )
            self.names.append(visible.name)
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
    seen = {table.number(v): (ORIGINS.index(v.origin), v.spoken) for v in visible}
    elsewhere = [number for number in table.elsewhere if number not in seen]
    spoken = [s for _, s in seen.values()] + [True] * len(elsewhere)
    return FileExamples(
        path,
        encode_slots(functions, wanted),
        labels,
        [slot.name for slot in rows],
        [_digest(function) for function in functions],
        np.array([*seen, *elsewhere], dtype=np.int64),
        np.array(
            [o for o, _ in seen.values()] + [ORIGINS.index("elsewhere")] * len(elsewhere), dtype=np.uint8
        ),
        np.array(spoken, dtype=bool),
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


def _digest(function: FunctionSlice) -> bytes:
    """The identity of a function up to its module: what is done with its slots, and their annotations."""
    text = repr([(slot.name, slot.annotation, slot.features) for slot in function.slots])
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
