"""Fits and measures the confidence of types (assist/confidence.py) on annotated packages.

    python benchmarks/annotate/confidence.py FIT_PACKAGE… [--measure PACKAGE…] [--keep FOLDER] [--write]

The annotations of copies are taken away and inferred again. A conditional logit on the packages to fit says
how much each source of evidence weighs; the table of the packages to measure says what became of each
confidence. Fit on packages that the type model was not trained on, measure on others still.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from typewright.analysis.types import is_complete, render, widen_literals
from typewright.assist.confidence import WEIGHTS, probabilities
from typewright.assist.edits import TextEdit, apply
from typewright.assist.placement import Key, Placement
from typewright.assist.session import Session, Settings
from typewright.assist.sight import sight
from typewright.assist.type_expressions import same_type
from typewright.assist.types import candidates_of
from typewright.indexer.source import Span, read_source
from typewright.indexer.syntax import Syntax, parse

BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0)
REGULARISATION = 3.0
SAMPLE = 3  # one variable of so many is learned from
STEPS = 500
RATE = 0.03


Place = tuple[Path, str, str]  # file, function, name


@dataclass(frozen=True, slots=True)
class Outcome:
    """One slot: for each candidate its features, and whether it is what the author wrote."""

    candidates: tuple[Mapping[str, float], ...]
    right: tuple[bool, ...]


def without_annotations(syntax: Syntax) -> tuple[str, dict[Key, str]]:
    """Return the text without the annotations of parameters and returns, and what they were."""
    edits: list[TextEdit] = []
    written: dict[Key, str] = {}
    for site in Placement(syntax).by_key.values():
        node = site.node
        if isinstance(node, ast.arg) and node.annotation is not None:
            annotation, name = syntax.span(node.annotation), syntax.name_span(node)
            start = (name.end_line, name.end_column)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            annotation = syntax.span(node.returns)
            end = syntax.offset(annotation.line, annotation.column)
            start = syntax.position(syntax.text.rindex("->", 0, end))
        else:
            continue
        edits.append(TextEdit(Span(*start, annotation.end_line, annotation.end_column), ""))
        written[site.key] = syntax.text[
            syntax.offset(annotation.line, annotation.column) : syntax.offset(
                annotation.end_line, annotation.end_column
            )
        ]
    return apply(syntax.text, edits), written


def without_waiting_imports(text: str, *, is_package: bool) -> str:
    """Return the text without the imports that nothing uses once the annotations are gone.

    Where nobody has annotated, they are not there either.
    """
    syntax = parse(text)
    waiting = sight(syntax, is_package=is_package).silent
    edits: list[TextEdit] = []
    for node in ast.walk(syntax.tree):
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            left = [alias for alias in node.names if (alias.asname or alias.name) not in waiting]
            if len(left) < len(node.names):
                kept = ast.unparse(ast.ImportFrom(node.module, left, node.level)) if left else "pass"
                edits.append(TextEdit(syntax.span(node), kept))
    return apply(text, edits)


def variables(package: Path, folder: Path) -> dict[tuple[Path, str, str, int], str]:
    """What the annotated package makes known of its variables: their truth, as nobody annotates them all.

    By file, function, name, and how many slots of this name come before. A sample, so that they do not
    outweigh parameters and returns.
    """
    root = folder / "annotated"
    shutil.copytree(package, root / package.name)
    found: dict[tuple[Path, str, str, int], str] = {}
    seen: Counter[Place] = Counter()
    with Session(root, settings=Settings(cache=folder / "cache", neural=False)) as session:
        analysis = session.analysis()
        for path in session.files([root]):
            for slot in analysis.slots(path):
                if slot.kind == "variable":
                    place = (path.relative_to(root), slot.function, slot.name)
                    seen[place] += 1
                    assigned = widen_literals(slot.inferred.type)
                    if is_complete(assigned) and sum(seen.values()) % SAMPLE == 0:
                        found[(*place, seen[place] - 1)] = render(assigned)
    return found


def outcomes(package: Path, *, neural: bool) -> Iterator[Outcome]:
    """Infer the annotations of one package again; every other module without the imports for them."""
    with tempfile.TemporaryDirectory(prefix="typewright-confidence-") as temporary:
        root = Path(temporary).resolve() / "project"
        written: dict[Path, dict[Key, str]] = {}
        for number, path in enumerate(sorted(package.rglob("*.py"))):
            text, annotations = without_annotations(parse(read_source(path)))
            if number % 2:
                text = without_waiting_imports(text, is_package=path.stem == "__init__")
            copy = root / path.relative_to(package.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, encoding="utf-8", newline="")
            if not parse(text).damage:
                written[copy] = annotations
        truths = variables(package, root.parent)
        settings = Settings(cache=root.parent / "cache", neural=neural)
        with Session(root, settings=settings) as session:
            sites = {path: Placement(session.snapshot().syntax(path)).sites for path in written}
            seen: Counter[Place] = Counter()
            for slot, candidates in candidates_of(session, list(written)):
                site = sites[slot.path].get((slot.kind, slot.line, slot.column))
                truth = written[slot.path].get(site.key, "").strip("'\"") if site else ""
                if slot.kind == "variable":
                    place = (slot.path.relative_to(root), slot.function, slot.name)
                    truth = truths.get((*place, seen[place]), "")
                    seen[place] += 1
                if truth and truth.rpartition(".")[2] != "Any":
                    right = tuple(same_type(candidate.text, truth) for candidate in candidates)
                    yield Outcome(tuple(candidate.features for candidate in candidates), right)


def fit(found: Sequence[Outcome]) -> dict[str, float]:
    """A conditional logit, by Adam: the likelihood of the right candidates, of "none" where none is right."""
    names = sorted({name for outcome in found for candidate in outcome.candidates for name in candidate})
    column = {name: index for index, name in enumerate(names)}
    asked = [outcome for outcome in found if outcome.candidates]
    rows = np.zeros((sum(len(o.candidates) for o in asked), len(names)), dtype=np.float32)
    slot = np.repeat(np.arange(len(asked)), [len(o.candidates) for o in asked])
    right = np.array([value for outcome in asked for value in outcome.right], dtype=bool)
    for row, candidate in enumerate(c for outcome in asked for c in outcome.candidates):
        for name, value in candidate.items():
            rows[row, column[name]] = value
    hit = np.bincount(slot, right, len(asked)) > 0
    weights = np.zeros(len(names))
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        scores = np.exp(np.clip(rows @ weights.astype(np.float32), -30, 30))
        whole = 1 + np.bincount(slot, scores, len(asked))
        wanted = np.where(hit, np.bincount(slot, scores * right, len(asked)), 1.0)
        # the gradient of log(wanted / whole)
        pull = scores * (np.where(right & hit[slot], 1 / wanted[slot], 0.0) - 1 / whole[slot])
        gradient = rows.T @ pull.astype(np.float32) - REGULARISATION * weights
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        rate = RATE * min(1.0, 2 - 2 * step / STEPS)
        weights += rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)}


def reliability(found: Sequence[Outcome], weights: Mapping[str, float]) -> str:
    """What was said and what was so, as a Markdown table over the best candidate of every slot."""
    said, right = [], []
    for outcome in found:
        if outcome.candidates:
            shares = probabilities(outcome.candidates, weights)
            best = int(np.argmax(shares))
            said.append(shares[best])
            right.append(outcome.right[best])
    confidence, correct = np.array(said), np.array(right, dtype=float)
    lines = ["| confidence | slots | said | right |", "| --- | --- | --- | --- |"]
    for low, high in pairwise(BINS):
        inside = (confidence >= low) & ((confidence < high) | (high == 1.0))
        if inside.any():
            lines.append(
                f"| {low:.2f} to {high:.2f} | {inside.sum()} | {confidence[inside].mean():.3f} "
                f"| {correct[inside].mean():.3f} |"
            )
    precision = np.cumsum(correct[np.argsort(-confidence)]) / np.arange(1, len(correct) + 1)
    sure = np.flatnonzero(precision >= 0.95)
    share = (sure[-1] + 1) / len(found) if len(sure) else 0.0
    lines.append(
        f"\n{len(found)} slots, {correct.sum() / len(found):.1%} right, {share:.1%} at 95% precision"
    )
    return "\n".join(lines)


def kept(package: Path, folder: Path | None, *, neural: bool) -> list[Outcome]:
    """The outcomes of a package, from the file in `folder` that an earlier run has left there, if any."""
    if folder is None:
        return list(outcomes(package.resolve(), neural=neural))
    file = folder / f"{package.name}-{'with' if neural else 'without'}.json"
    if not file.exists():
        found = list(outcomes(package.resolve(), neural=neural))
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([[o.candidates, o.right] for o in found]), encoding="utf-8")
    return [Outcome(tuple(c), tuple(r)) for c, r in json.loads(file.read_text(encoding="utf-8"))]


def main() -> int:
    """Fit with and without a type model, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("fit", nargs="+", type=Path)
    parser.add_argument("--measure", nargs="*", type=Path, default=[])
    parser.add_argument("--keep", type=Path, help="a folder for what was inferred, so that it is not again")
    parser.add_argument("--write", action="store_true", help="write the weights that the package ships")
    options = parser.parse_args()
    fitted = {}
    for title, neural in (("with guesses", True), ("without guesses", False)):
        weights = fit([o for package in options.fit for o in kept(package, options.keep, neural=neural)])
        fitted[title] = weights
        measured = [o for package in options.measure for o in kept(package, options.keep, neural=neural)]
        if measured:
            print(f"{title}:\n{reliability(measured, weights)}\n")
    if options.write:
        WEIGHTS.write_text(json.dumps(fitted, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
