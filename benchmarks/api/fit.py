"""Fits the weights of `assist/fusion.py` on solved questions, and says how well they do on threads left out.

    python benchmarks/api/fit.py QUESTIONS.jsonl --environment ENV [--libraries NAME ...] [--cache FOLDER]
                                 [--keep FILE] [--write]

QUESTIONS.jsonl has one {"id", "query", "gold"} a line, as in `recommend.py`; questions of one thread share
the second part of their id (`conala-4263182-31`) and are never on both sides. Every third thread measures the
weights that the others give; those that are written come from all questions. The index needs vectors
(`recommend.py --embed`).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from recommend import CUTS, indexed
from typewright.assist.fusion import BY_HAND, WEIGHTS, features
from typewright.assist.recommend import search
from typewright.assist.session import Session

STEPS = 400
RATE = 0.05
REGULARISATION = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The candidates of a question, and which of them are right."""

    thread: str
    candidates: tuple[Mapping[str, float], ...]
    right: tuple[bool, ...]


def outcomes(
    session: Session, questions: Sequence[Mapping[str, object]]
) -> Iterator[tuple[Outcome, Outcome]]:
    """What each question's candidates look like with vectors, and to words alone."""
    for number, question in enumerate(questions):
        found = search(session, str(question["query"]))
        gold = question["gold"]
        assert isinstance(gold, list)
        right = {name for group in gold for name in group}
        rows = [
            (features(found.asked, api, match), features(found.asked, api, replace(match, similarity=None)),
             match.words > 0 or match.votes > 0, not right.isdisjoint((api.name, *api.aliases)))
            for api, match in ((api, found.matches[name]) for name, api in found.apis.items())
        ]  # fmt: skip
        thread = str(question["id"]).split("-")[1]
        by_words = [row for row in rows if row[2]]
        yield (
            Outcome(thread, tuple(row[0] for row in rows), tuple(row[3] for row in rows)),
            Outcome(thread, tuple(row[1] for row in by_words), tuple(row[3] for row in by_words)),
        )
        if number % 100 == 0:
            print(f"{number} of {len(questions)} questions", file=sys.stderr, flush=True)


def fit(found: Sequence[Outcome]) -> dict[str, float]:
    """A conditional logit, by Adam: the likelihood of the right candidates of the questions that have any."""
    asked = [outcome for outcome in found if any(outcome.right)]
    names = sorted(
        {name for outcome in asked for candidate in outcome.candidates for name in candidate} - set(BY_HAND)
    )
    column = {name: index for index, name in enumerate(names)}
    sizes = [len(outcome.candidates) for outcome in asked]
    starts, question = np.cumsum([0, *sizes[:-1]]), np.repeat(np.arange(len(asked)), sizes)
    right = np.array([value for outcome in asked for value in outcome.right], dtype=np.float32)
    rows = np.zeros((len(right), len(names)), dtype=np.float32)
    for row, candidate in enumerate(c for outcome in asked for c in outcome.candidates):
        for name, value in candidate.items():
            if name in column:
                rows[row, column[name]] = value
    weights = np.zeros(len(names))
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        odds = rows @ weights.astype(np.float32)
        scores = np.exp(odds - np.maximum.reduceat(odds, starts)[question])
        whole, wanted = np.add.reduceat(scores, starts), np.add.reduceat(scores * right, starts)
        pull = scores * (right / np.maximum(wanted, 1e-12)[question] - 1 / whole[question])
        gradient = rows.T @ pull - REGULARISATION * weights
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        rate = RATE * min(1.0, 2 - 2 * step / STEPS)
        weights += rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return {name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)}


def report(found: Sequence[Outcome], weights: Mapping[str, float]) -> str:
    """At which share of the questions one of the first names is right."""
    ranks = []
    for outcome in found:
        scores = [
            sum(weights.get(name, 0.0) * value for name, value in c.items()) for c in outcome.candidates
        ]
        order = sorted(range(len(scores)), key=lambda index: -scores[index])
        ranks.append(next((place for place, index in enumerate(order, 1) if outcome.right[index]), 0))
    shares = [sum(0 < rank <= cut for rank in ranks) / len(ranks) for cut in CUTS]
    return ", ".join(f"top {cut}: {share:.1%}" for cut, share in zip(CUTS, shares, strict=True))


def main() -> int:
    """Ask all questions, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--environment", type=Path, required=True)
    parser.add_argument("--libraries", nargs="*", default=["numpy", "pandas", "matplotlib"])
    parser.add_argument("--cache", type=Path, help="keep the index here between runs")
    parser.add_argument("--keep", type=Path, help="a file for what was found, so that it is not asked again")
    parser.add_argument("--write", action="store_true", help="write the weights that the package ships")
    options = parser.parse_args()
    questions = [json.loads(line) for line in options.questions.read_text("utf-8").splitlines()]
    if options.keep and options.keep.exists():
        kept = json.loads(options.keep.read_text("utf-8"))
        found = [tuple(Outcome(t, tuple(c), tuple(r)) for t, c, r in pair) for pair in kept]
    else:
        with indexed(options.environment, options.libraries, options.cache) as session:
            found = list(outcomes(session, questions))
        if options.keep:
            rows = [[[each.thread, each.candidates, each.right] for each in pair] for pair in found]
            options.keep.write_text(json.dumps(rows), encoding="utf-8")
    threads = sorted({pair[0].thread for pair in found})
    random.Random(0).shuffle(threads)
    left_out = set(threads[::3])
    fitted = {}
    for which, title in enumerate(("with vectors", "without vectors")):
        pairs = [pair[which] for pair in found]
        part = fit([outcome for outcome in pairs if outcome.thread not in left_out])
        measured = [outcome for outcome in pairs if outcome.thread in left_out]
        print(f"{title}, {len(measured)} questions left out: {report(measured, part)}")
        fitted[title] = fit(pairs)
    if options.write:
        WEIGHTS.write_text(json.dumps(fitted, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
