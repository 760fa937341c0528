"""Fits and measures the confidence of types (assist/confidence.py) on annotated packages.

    python benchmarks/annotate/confidence.py FIT_PACKAGE… [--measure PACKAGE…]

The annotations of copies are taken away and inferred again. A logistic regression on the packages to fit says
how much each source of evidence weighs; the table of the packages to measure says what became of each
confidence. Fit on packages that the type model was not trained on, measure on others still.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from typewright.assist.confidence import WITH_GUESSES, WITHOUT_GUESSES
from typewright.assist.edits import TextEdit, apply
from typewright.assist.placement import Key, Placement
from typewright.assist.session import Session, Settings
from typewright.assist.type_expressions import same_type
from typewright.assist.types import candidates_of
from typewright.indexer.source import Span, read_source
from typewright.indexer.syntax import Syntax, parse

BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0)
REGULARISATION = 0.3


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


def outcomes(package: Path, *, neural: bool) -> Iterator[Outcome]:
    """Infer the annotations of one package again."""
    with tempfile.TemporaryDirectory(prefix="typewright-confidence-") as temporary:
        root = Path(temporary).resolve() / "project"
        written: dict[Path, dict[Key, str]] = {}
        for path in sorted(package.rglob("*.py")):
            text, annotations = without_annotations(parse(read_source(path)))
            copy = root / path.relative_to(package.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, encoding="utf-8", newline="")
            if not parse(text).damage:
                written[copy] = annotations
        settings = Settings(cache=root.parent / "cache", neural=neural)
        with Session(root, settings=settings) as session:
            sites = {path: Placement(session.snapshot().syntax(path)).sites for path in written}
            for slot, candidates in candidates_of(session, list(written)):
                site = sites[slot.path].get((slot.kind, slot.line, slot.column))
                truth = written[slot.path].get(site.key, "").strip("'\"") if site else ""
                if truth and truth.rpartition(".")[2] != "Any":
                    right = tuple(same_type(candidate.text, truth) for candidate in candidates)
                    yield Outcome(tuple(candidate.features for candidate in candidates), right)


def fit(found: Sequence[Outcome], names: Sequence[str]) -> dict[str, float]:
    """Logistic regression by Newton's method, with a little L2 regularisation."""
    rows = np.array([[c.get(n, 0.0) for n in names] for o in found for c in o.candidates])
    right = np.array([value for outcome in found for value in outcome.right], dtype=float)
    weights = np.zeros(len(names))
    for _ in range(50):
        said = 1 / (1 + np.exp(-rows @ weights))
        gradient = rows.T @ (said - right) + REGULARISATION * weights
        curvature = (rows * (said * (1 - said))[:, None]).T @ rows + REGULARISATION * np.eye(len(names))
        weights -= np.linalg.solve(curvature, gradient)
    return {name: round(float(weight), 2) for name, weight in zip(names, weights, strict=True)}


def reliability(found: Sequence[Outcome], weights: Mapping[str, float]) -> str:
    """What was said and what was so, as a Markdown table over the best candidate of every slot."""
    said, right = [], []
    for outcome in found:
        if outcome.candidates:
            odds = [sum(weights.get(n, 0) * v for n, v in c.items()) for c in outcome.candidates]
            best = int(np.argmax(odds))
            said.append(1 / (1 + np.exp(-odds[best])))
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


def main() -> int:
    """Fit with and without a type model, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("fit", nargs="+", type=Path)
    parser.add_argument("--measure", nargs="*", type=Path, default=[])
    options = parser.parse_args()
    for title, names, neural in (("with", WITH_GUESSES, True), ("without", WITHOUT_GUESSES, False)):
        learned = [o for package in options.fit for o in outcomes(package.resolve(), neural=neural)]
        weights = fit(learned, list(names))
        print(f"{title} guesses: {weights}")
        measured = [o for package in options.measure for o in outcomes(package.resolve(), neural=neural)]
        if measured:
            print(f"\nnewly fitted:\n{reliability(measured, weights)}\n")
            print(f"as shipped:\n{reliability(measured, names)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
