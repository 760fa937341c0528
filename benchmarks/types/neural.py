"""The type model alone, on packages that it was not trained on: annotations hidden, guessed, compared.

    python benchmarks/types/neural.py PACKAGE_FOLDER... [--table FILE] [--weights FOLDER] [--predictions FILE]

Prints one row a package: exact matches (annotations None and Any aside, a top-level Optional and namespaces
ignored) of the model with the names that only annotations use in sight and out of sight, and of a count table
"(kind, name) -> commonest annotation" of the same training data; then the reliability of the probabilities.
`--predictions` writes the best type of every slot as JSON lines (for packages that have been stripped).
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from typewright.indexer.slice_imports import ONLY
from typewright.indexer.slices import FunctionSlice, SlotSlice, slices
from typewright.indexer.source import read_source
from typewright.indexer.syntax import parse
from typewright.indexer.visible_types import Survey, VisibleType, visible_types
from typewright.models.protocol import Candidate, Origin, RankedType
from typewright.models.training.evaluation import Answer, coverage, reliability
from typewright.models.training.labels import Label, label
from typewright.models.type_model import DEFAULT_FOLDER, TypeModel


@dataclass(slots=True)
class Module:
    """One file of a package under measurement."""

    path: Path
    functions: tuple[FunctionSlice, ...]
    visible: tuple[VisibleType, ...]


def read(folder: Path) -> list[Module]:
    """Every module of a package."""
    modules = []
    for path in sorted(folder.rglob("*.py")):
        if not {"_vendor", "vendor", "_vendored"}.intersection(path.parts):
            syntax = parse(read_source(path))
            modules.append(Module(path, slices(syntax), visible_types(syntax)))
    return modules


def candidates_of(module: Module, survey: Survey, *, hide: bool) -> list[Candidate]:
    """What a module could name: its own and imported types, and all others of the package."""
    found = []
    seen = set()
    for visible in module.visible:
        if hide and not visible.spoken:
            continue
        seen.add(visible.name)
        known = survey.definition(visible) is not None
        written = f"{visible.module}.{visible.imported_name}"
        origin = visible.origin if visible.spoken else "annotation"
        found.append(
            _candidate(visible.name, visible.name if known else written, survey.complete(visible), origin)
        )
    found += [
        _candidate(name, name, known, "elsewhere")
        for name, known in survey.definitions.items()
        if name not in seen
    ]
    return found


def _candidate(name: str, qualified_name: str, known: VisibleType, origin: Origin) -> Candidate:
    return Candidate(
        name,
        qualified_name,
        known.members,
        known.documentation,
        known.bases,
        origin,
        known.importers,
        known.subclasses,
    )


def guesses(
    model: TypeModel, modules: Sequence[Module], *, hide: bool
) -> Iterator[tuple[Module, FunctionSlice, SlotSlice, RankedType]]:
    """The best guess for every slot."""
    survey = Survey([module.visible for module in modules], spoken_only=hide)
    for module in modules:
        functions = module.functions
        if hide:
            spoken = (
                tuple(each for each in functions[0].module if not each.startswith(ONLY)) if functions else ()
            )
            functions = tuple(replace(function, module=spoken) for function in functions)
        ranked = model.predict(functions, candidates_of(module, survey, hide=hide), limit=1)
        for function, by_slot in zip(module.functions, ranked, strict=True):
            for slot, types in zip(function.slots, by_slot, strict=True):
                if types:
                    yield module, function, slot, types[0]


def own_types(modules: Sequence[Module]) -> set[str]:
    """The names of what the package itself defines."""
    return {v.name for module in modules for v in module.visible if v.origin != "import"}


def truth_of(function: FunctionSlice, slot: SlotSlice) -> Label | None:
    """What is to be recovered; nothing where the annotation says nothing or would not be stripped.

    Annotations in a class body or a module mean something at run time.
    """
    found = label(slot.annotation) if slot.annotation else None
    kept = slot.kind == "variable" and not function.function
    return None if found is None or found.type == "None" or kept else found


def answers(model: TypeModel, modules: Sequence[Module], *, hide: bool) -> Iterator[Answer]:
    """The best guess for every annotated slot beside its annotation."""
    own = own_types(modules)
    for _, function, slot, best in guesses(model, modules, hide=hide):
        truth = truth_of(function, slot)
        if truth is not None:
            user = any(name.rpartition(".")[2] in own for name in truth.names)
            guess = label(best.type)
            answer = guess.type if guess is not None else ""
            yield Answer(slot.kind, truth.type, answer, best.probability, "user" if user else "other")


def table_exact(table: Mapping[str, str], modules: Sequence[Module]) -> float:
    """The share that the count table has right, on the same slots."""
    hits = [
        table.get(f"{slot.kind}:{slot.name}") == truth.type
        for module in modules
        for function in module.functions
        for slot in function.slots
        if (truth := truth_of(function, slot)) is not None
    ]
    return sum(hits) / max(1, len(hits))


def share(found: Sequence[Answer], **wanted: str) -> float:
    """The share of exact matches among the answers whose fields are as wanted."""
    chosen = [a for a in found if all(getattr(a, name) == value for name, value in wanted.items())]
    return sum(a.right for a in chosen) / max(1, len(chosen))


def main() -> None:
    """Measure the packages given on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("packages", nargs="+", type=Path)
    parser.add_argument("--weights", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--predictions", type=Path)
    options = parser.parse_args()
    model = TypeModel.load(options.weights)
    table = json.loads(options.table.read_text(encoding="utf-8")) if options.table else None
    everything: defaultdict[str, list[Answer]] = defaultdict(list)
    lines = []
    row = "{:22} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8} {:>7} {:>8}".format
    print(
        row("package", "slots", "exact", "params", "returns", "locals", "user", "hidden", "table", "slots/s")
    )
    for folder in options.packages:
        modules = read(folder)
        begin = time.perf_counter()
        found = list(answers(model, modules, hide=False))
        seconds = time.perf_counter() - begin
        hidden = list(answers(model, modules, hide=True))
        everything["seen"] += found
        everything["hidden"] += hidden
        slots = sum(len(function.slots) for module in modules for function in module.functions)
        shares = [share(found), *(share(found, kind=kind) for kind in ("param", "return", "variable"))]
        shares += [share(found, group="user"), share(hidden)]
        counted = f"{table_exact(table, modules):.1%}" if table is not None else "-"
        print(row(folder.name, len(found), *(f"{s:.1%}" for s in shares), counted, f"{slots / seconds:.0f}"))
        if options.predictions:
            lines += [
                {
                    "file": str(module.path.relative_to(folder)),
                    "line": slot.line,
                    "col": slot.column,
                    "kind": slot.kind,
                    "type": best.type,
                    "confidence": best.probability,
                }
                for module, _, slot, best in guesses(model, modules, hide=False)
            ]
    for name, found in everything.items():
        user, sure = share(found, group="user"), coverage(found, 0.95)
        print(
            f"\nall packages, annotation-only imports {name}: exact {share(found):.1%} of {len(found)}, "
            f"params {share(found, kind='param'):.1%}, returns {share(found, kind='return'):.1%}, "
            f"user-defined {user:.1%}, answered at 95% precision {sure:.1%}"
        )
        print(
            "probability -> right: "
            + ", ".join(f"{p:.2f} -> {r:.2f} ({n})" for p, r, n in reliability(found))
        )
    if options.predictions:
        options.predictions.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
