"""How good the type model is: exact matches by kind, calibration, and the count table as a baseline."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..type_features import KINDS
from ..type_model import OTHER, PLACEHOLDER, best_columns
from ..type_sight import names_in
from .dataset import Batch, Dataset, Vocabulary
from .examples import PackageExamples
from .network import Together, joint_logits


@dataclass(frozen=True, slots=True)
class Answer:
    """The best type of one slot, its probability, and whether it is the label (both without top-level None).

    `group` says what the label is made of: "common" names, those of the "vocabulary", or "unseen" ones.
    """

    kind: str
    label: str
    answer: str
    probability: float
    group: str

    @property
    def right(self) -> bool:
        """Whether the answer is the label."""
        return self.answer == self.label


_COMMON = frozenset({"builtins", "typing", "collections"})


@torch.no_grad()
def answers(network: Together, data: Dataset, vocabulary: Vocabulary, size: int, hide: float) -> list[Answer]:
    """The answers of the network on every labelled slot of `data` but those labelled None."""
    network.eval()
    found: list[Answer] = []
    for batch in data.batches(size, hide=hide):
        found += _answer_batch(network, batch, vocabulary)
    return found


def _answer_batch(network: Together, batch: Batch, vocabulary: Vocabulary) -> Iterator[Answer]:
    types, templates, pairs, _ = (each.cpu() for each in network(batch))
    total = joint_logits(types, templates, pairs, torch.from_numpy(batch.pair_rows)).numpy()
    type_logits, template_logits = types.numpy(), templates.numpy()
    best_types, best_templates = best_columns(type_logits, 8), best_columns(template_logits, 4)
    starts = np.searchsorted(batch.pair_rows, np.arange(len(total) + 1))
    for row, text in enumerate(batch.labels):
        if text == "None":
            continue
        scores: defaultdict[str, float] = defaultdict(float)
        for number in best_types[row]:
            scores[vocabulary.types[number]] += float(np.exp(type_logits[row, number] - total[row]))
        scores.pop(OTHER, None)
        own = slice(starts[row], starts[row + 1])
        values, columns = pairs[own].numpy(), batch.pair_candidates[own]
        for pair in np.argsort(-values)[:6]:
            for template in best_templates[row]:
                answer = vocabulary.templates[template].replace(
                    PLACEHOLDER, batch.candidate_names[columns[pair]]
                )
                scores[answer] += float(np.exp(template_logits[row, template] + values[pair] - total[row]))
        best = max(scores, key=lambda each: scores[each], default="")
        kind = KINDS[batch.slots.kinds[batch.labelled[row]]]
        yield Answer(kind, text, best, scores.get(best, 0.0), _group(text, vocabulary))


def _group(text: str, vocabulary: Vocabulary) -> str:
    origins = [vocabulary.qualified.get(name) for name in names_in(text)]
    if None in origins:
        return "unseen"
    known = all("." not in str(o) or str(o).partition(".")[0] in _COMMON for o in origins)
    return "common" if known else "library"


def count_table(packages: Iterable[PackageExamples]) -> dict[str, str]:
    """The commonest label of every "kind:name": what a table without any model knows."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for package in packages:
        for file in package.files:
            for kind, name, found in zip(file.slots.kinds.tolist(), file.names, file.labels, strict=True):
                if found is not None and found.type != "None":
                    counts[f"{KINDS[kind]}:{name}"][found.type] += 1
    return {key: counter.most_common(1)[0][0] for key, counter in counts.items()}


def table_answers(
    table: Mapping[str, str], packages: Iterable[PackageExamples], vocabulary: Vocabulary
) -> list[Answer]:
    """What the count table answers on the same slots."""
    return [
        Answer(kind, found.type, table.get(f"{kind}:{name}", ""), 0.5, _group(found.type, vocabulary))
        for package in packages
        for file in package.files
        for kind, name, found in zip(
            (KINDS[number] for number in file.slots.kinds), file.names, file.labels, strict=True
        )
        if found is not None and found.type != "None"
    ]


def summary(found: Sequence[Answer]) -> dict[str, float]:
    """Shares of exact matches, all in all, by kind and by group; the share answered at 95% precision."""
    result = {"slots": float(len(found)), "exact": _share(found)}
    for kind in KINDS:
        result[f"exact, {kind}"] = _share([a for a in found if a.kind == kind])
    for group in ("common", "library", "unseen"):
        chosen = [a for a in found if a.group == group]
        result[f"share of {group}"] = len(chosen) / max(1, len(found))
        result[f"exact, {group}"] = _share(chosen)
    result["outermost exact"] = sum(_outer(a.answer) == _outer(a.label) for a in found) / max(1, len(found))
    result["answered at 95% precision"] = coverage(found, 0.95)
    return {name: round(value, 4) for name, value in result.items()}


def _share(found: Sequence[Answer]) -> float:
    return sum(a.right for a in found) / max(1, len(found))


def _outer(text: str) -> str:
    return text if " | " in text.partition("[")[0] else text.partition("[")[0]


def coverage(found: Sequence[Answer], precision: float) -> float:
    """The largest share of slots, the surest first, of which `precision` are right."""
    right = np.cumsum([a.right for a in sorted(found, key=lambda a: -a.probability)])
    counts = np.arange(1, len(right) + 1)
    good = np.flatnonzero(right / counts >= precision)
    return float(good[-1] + 1) / len(found) if len(good) else 0.0


def isotonic(found: Sequence[Answer], knots: int = 24) -> list[list[float]]:
    """Knots of the monotone map from probability to the share that is right (pool adjacent violators)."""
    ordered = sorted(found, key=lambda a: a.probability)
    blocks: list[list[float]] = []  # sum of probabilities, right ones, count
    size = max(1, len(ordered) // knots)
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        blocks.append([sum(a.probability for a in part), float(sum(a.right for a in part)), float(len(part))])
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    points = [(0.0, 0.0), *((p / n, right / n) for p, right, n in blocks), (1.0, 0.995)]
    return [[round(x, 5) for x, _ in points], [round(min(y, 0.995), 5) for _, y in points]]


def calibrate(found: Sequence[Answer], curves: Mapping[str, list[list[float]]]) -> list[Answer]:
    """The same answers with calibrated probabilities."""
    return [
        Answer(a.kind, a.label, a.answer, float(np.interp(a.probability, x, y)), a.group)
        for a in found
        for x, y in [curves[a.kind]]
    ]


def reliability(found: Sequence[Answer], bins: int = 10) -> list[tuple[float, float, int]]:
    """Rows of the reliability table: mean probability, share that is right, number of slots."""
    probabilities = np.array([a.probability for a in found])
    right: NDArray[np.float64] = np.array([a.right for a in found], dtype=np.float64)
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    return [
        (
            round(float(probabilities[which == b].mean()), 3),
            round(float(right[which == b].mean()), 3),
            int((which == b).sum()),
        )
        for b in range(bins)
        if (which == b).any()
    ]


def expected_calibration_error(found: Sequence[Answer]) -> float:
    """The mean distance between probability and the share that is right, over ten bins."""
    return sum(abs(p - r) * n for p, r, n in reliability(found)) / max(1, len(found))
