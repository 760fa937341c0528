"""Fits the weights of `assist/fusion.py` on solved questions, and measures them on questions left out.

    python benchmarks/api/fit.py QUESTIONS.jsonl --environment ENV [--libraries NAME ...] [--cache FOLDER]
                                 [--mined MINED.jsonl] [--write]

QUESTIONS.jsonl has one {"id", "query", "gold"} a line, as in `recommend.py`; questions of one thread share
the second part of their id (`conala-4263182-31`) and never solve or measure one another. The index needs
vectors (`recommend.py --embed`). The weights are measured twice, always on questions of threads left out: on
a quarter of the threads after the other, and on the questions whose rarer answers are left out of the
training, a quarter of the answers after the other. Those that are written come from all questions.
MINED.jsonl (`mine.py`) has comments of the libraries' sources as questions: they turn the vectors first.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from recommend import CUTS, indexed, read
from recommend import right as right_names
from typewright.assist.candidates import SOLVED, candidates, understood
from typewright.assist.fusion import BY_HAND, MATRIX, SIMILARITY, WEIGHTS, nearness
from typewright.assist.session import Session
from typewright.indexer.cancellation import NEVER
from typewright.indexer.word_table import hashed
from typewright.indexer.words import without_values

KEPT = 400  # of the best candidates of a question; and as many drawn from the others, or fewer
EPOCHS, BATCH = 5, 48
RATES = (0.1, 0.001)  # of the weights, of the matrix
RANK, DROPPED_OUT = 32, 0.2
WEIGHT_DECAY, MATRIX_DECAY = 1.0, 0.003
FORGOTTEN = 0.5  # of the questions are fitted as if no solved question had their answer
RARE = 20  # times an answer is right, at most, for it to be left out
PARTS = 4


@dataclass(slots=True)
class Outcome:
    """A question: its vector, the APIs that answer it, and what its candidates look like."""

    thread: str
    vector: np.ndarray
    right: frozenset[int]
    names: np.ndarray
    places: np.ndarray  # of the candidates' vectors
    known: dict[str, np.ndarray]


def outcomes(
    session: Session, questions: Sequence[Mapping[str, object]], *, vectors: bool
) -> tuple[list[Outcome], torch.Tensor]:
    """What each question's candidates look like, and the vectors of all of them."""
    rng = np.random.default_rng(0)
    found, numbers, matrix = [], {0: 0}, [np.zeros(384, np.float32)]
    snapshot = session.snapshot()
    meant: dict[str, int] = {}
    asked = session.inference.embed([without_values(str(row["query"])) for row in questions])
    for number, row in enumerate(questions):
        names = right_names(row)
        for name in names:
            if name not in meant:
                api = snapshot.api(name)
                meant[name] = hashed(api.name) if api else 0
        question = understood(session, str(row["query"]), None, NEVER)
        question = replace(question, solved={}, vector=asked[number] if vectors else None)
        *_, most = candidates(session, question, (), NEVER)  # the workspace is empty
        right = frozenset(meant[name] for name in names) - {0}
        is_right = np.isin(most.names, np.asarray([*right], np.uint64))
        order = np.argsort(-(most.scores + 1e6 * is_right))
        rest = order[KEPT:]
        kept = np.concatenate([order[:KEPT], rng.permutation(rest)[: KEPT // 4]])
        places = np.zeros(len(kept), np.int64)
        if vectors:
            rows = most.rows[kept]
            fresh = [place for place, each in enumerate(rows.tolist()) if each not in numbers]
            matrix += list(most.search.vectors.of(rows[fresh]))
            numbers |= {int(rows[place]): len(numbers) + at for at, place in enumerate(fresh)}
            places = np.asarray([numbers[each] for each in rows.tolist()])
        known = {name: values[kept].astype(np.float32) for name, values in most.features.items()}
        thread = str(row["id"]).split("-")[1]
        found.append(Outcome(thread, asked[number], right, most.names[kept], places, known))
        if number % 200 == 0:
            print(f"{number} of {len(questions)} questions", file=sys.stderr, flush=True)
    return found, torch.from_numpy(np.stack(matrix))


def remember(found: Sequence[Outcome], solved: Sequence[int]) -> None:
    """Note how near the solved questions of other threads are whose answers a candidate is."""
    vectors = np.stack([found[index].vector for index in solved])
    threads = np.asarray([found[index].thread for index in solved])
    for outcome in found:
        cosines = np.where(threads == outcome.thread, -1.0, vectors @ outcome.vector)
        nearest: dict[int, float] = {}
        for place in np.argsort(-cosines)[:SOLVED]:
            for name in found[solved[place]].right if cosines[place] > 0 else ():
                nearest.setdefault(name, float(cosines[place]))
        values = np.asarray([nearest.get(name, 0.0) for name in outcome.names.tolist()], np.float32)
        outcome.known |= nearness(values)


def forget(found: Sequence[Outcome]) -> None:
    """Take back what `remember` has noted."""
    for outcome in found:
        for name in nearness(np.zeros(1, np.float32)):
            outcome.known.pop(name, None)


class Table:
    """Questions as tensors: a row a question, a column a candidate; the `empty` ones fill it up."""

    def __init__(self, found: Sequence[Outcome]) -> None:
        self.names = sorted({name for outcome in found for name in outcome.known} - set(BY_HAND))
        size = max(len(outcome.names) for outcome in found)
        self.known = torch.zeros((len(found), size, len(self.names)))
        self.right = torch.zeros((len(found), size), dtype=torch.bool)
        self.empty = torch.ones((len(found), size), dtype=torch.bool)
        self.places = torch.zeros((len(found), size), dtype=torch.long)
        self.vectors = torch.from_numpy(np.stack([outcome.vector for outcome in found]))
        for row, outcome in enumerate(found):
            count = len(outcome.names)
            for column, name in enumerate(self.names):
                if name in outcome.known:
                    self.known[row, :count, column] = torch.from_numpy(outcome.known[name])
            self.right[row, :count] = torch.from_numpy(_is_right(outcome))
            self.empty[row, :count] = False
            self.places[row, :count] = torch.from_numpy(outcome.places)


def _is_right(outcome: Outcome) -> np.ndarray:
    return np.isin(outcome.names, np.asarray([*outcome.right], np.uint64))


@dataclass(frozen=True, slots=True)
class Turn:
    """What is added to a question's vector: (vector @ left) @ right."""

    left: torch.Tensor
    right: torch.Tensor

    def of(self, asked: torch.Tensor) -> torch.Tensor:
        """What is added to some vectors."""
        return (asked @ self.left) @ self.right


NO_TURN = Turn(torch.zeros(384, 0), torch.zeros(0, 384))


class Model(torch.nn.Module):
    """The conditional logit; see `assist/fusion.py`. `turn` is there before, and weighed."""

    def __init__(self, names: Sequence[str], matrix: torch.Tensor, rank: int, turn: Turn) -> None:
        super().__init__()
        self.names = names
        self.matrix = matrix
        self.turn = turn
        self.weights = torch.nn.Parameter(torch.zeros(len(names)))
        self.similarity = torch.nn.Parameter(torch.tensor(6.0))
        self.turning = torch.nn.Parameter(torch.tensor(0.5))
        self.left = torch.nn.Parameter(0.05 * torch.randn(384, rank))
        self.right = torch.nn.Parameter(torch.zeros(rank, 384))

    def turned(self) -> Turn:
        """All that is added to a question's vector."""
        left = torch.cat([self.turn.left * self.turning, self.left], 1)
        return Turn(left.detach(), torch.cat([self.turn.right, self.right]).detach())

    def forward(
        self, table: Table, rows: torch.Tensor, forgotten: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The log-probability of each candidate of some questions.

        Of those `forgotten`, no solved question has the right answers.
        """
        known = table.known[rows]
        if forgotten is not None:
            remembered = torch.tensor([name in nearness(np.zeros(1, np.float32)) for name in self.names])
            hidden = (forgotten[:, None] & table.right[rows])[:, :, None] & remembered
            known = known.masked_fill(hidden, 0.0)
        odds = known @ self.weights
        if len(self.matrix) > 1:
            asked = table.vectors[rows]
            inner = torch.nn.functional.dropout(asked @ self.left, DROPPED_OUT, self.training)
            aim = self.similarity * asked + self.turning * self.turn.of(asked) + inner @ self.right
            odds = odds + torch.einsum("qcd,qd->qc", self.matrix[table.places[rows]], aim)
        return torch.log_softmax(odds.masked_fill(table.empty[rows], -1e9), 1)


def fit(found: Sequence[Outcome], matrix: torch.Tensor, turn: Turn, *, rank: int) -> Model:
    """Make the right candidates of the questions that have any as likely as can be."""
    torch.manual_seed(0)
    table = Table([outcome for outcome in found if _is_right(outcome).any()])
    count = len(table.right)
    model = Model(table.names, matrix, rank, turn).train()
    groups = [
        {"params": [model.weights, model.similarity, model.turning], "lr": RATES[0]},
        {"params": [model.left, model.right], "lr": RATES[1]},
    ]
    optimizer = torch.optim.Adam(groups if rank else groups[:1])
    for rows, progress in _batches(count, EPOCHS, BATCH):
        odds = model(table, rows, torch.rand(len(rows)) < FORGOTTEN)
        loss = -odds.masked_fill(~table.right[rows], -1e9).logsumexp(1).mean()
        loss = loss + WEIGHT_DECAY / 2 / count * (model.weights**2).sum()
        loss = loss + MATRIX_DECAY * ((model.left @ model.right) ** 2).sum()
        _step(optimizer, loss, RATES, progress)
    return model.eval()


def turn_from(mined: Sequence[Mapping[str, object]], session: Session) -> Turn:
    """Turn the vectors of mined questions towards those of their answers, among the answers of others."""
    torch.manual_seed(0)
    snapshot, search = session.snapshot(), session.snapshot().searches()[1]
    scan = search.scan({})
    every = torch.from_numpy(search.vectors.of(scan.rows))
    known = torch.from_numpy(np.stack([scan.uses, scan.length, scan.dots, scan.kind == 0, scan.kind == 1], 1))
    place = {name: index for index, name in enumerate(scan.names.tolist())}
    names = {name for row in mined for name in right_names(row)}
    meant = {name: hashed(api.name) for name in names if (api := snapshot.api(name))}
    right = [{place[meant[name]] for name in right_names(row) if meant.get(name) in place} for row in mined]
    rows = [index for index, answers in enumerate(right) if answers]
    asked = torch.from_numpy(session.inference.embed([str(mined[index]["query"]) for index in rows]))
    left = torch.nn.Parameter(0.05 * torch.randn(384, RANK))
    back = torch.nn.Parameter(torch.zeros(RANK, 384))
    prior = torch.nn.Parameter(torch.zeros(known.shape[1]))
    similarity = torch.nn.Parameter(torch.tensor(9.0))
    rates = (0.002, 0.05)
    optimizer = torch.optim.Adam([{"params": [left, back]}, {"params": [prior, similarity]}])
    for batch, progress in _batches(len(rows), EPOCHS, 256):
        answers = [right[rows[index]] for index in batch.tolist()]
        drawn = torch.randint(len(every), (2_000,)).tolist()
        pool = list(dict.fromkeys([one for each in answers for one in sorted(each)] + drawn))
        wanted = torch.tensor([[one in each for one in pool] for each in answers])
        vector = asked[batch]
        inner = torch.nn.functional.dropout(vector @ left, DROPPED_OUT)
        odds = (similarity * vector + inner @ back) @ every[pool].T + known[pool].float() @ prior
        loss = -torch.log_softmax(odds, 1).masked_fill(~wanted, -1e9).logsumexp(1).mean()
        _step(optimizer, loss + MATRIX_DECAY * ((left @ back) ** 2).sum(), rates, progress)
    return Turn(left.detach(), back.detach())


def _batches(count: int, epochs: int, size: int) -> Iterator[tuple[torch.Tensor, float]]:
    """The numbers of the rows of each batch, and how far the fit is."""
    steps, step = epochs * -(-count // size), 0
    for _ in range(epochs):
        for rows in torch.randperm(count).split(size):
            yield rows, step / steps
            step += 1


def _step(
    optimizer: torch.optim.Optimizer, loss: torch.Tensor, rates: Sequence[float], progress: float
) -> None:
    for group, rate in zip(optimizer.param_groups, rates, strict=False):
        group["lr"] = rate * min(1.0, 2 - 2 * progress)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def splits(found: Sequence[Outcome], kind: str) -> Iterator[tuple[list[int], list[int]]]:
    """The questions to fit on and those to measure on, in turns."""
    draw = random.Random(0)
    threads = sorted({outcome.thread for outcome in found})
    answers = Counter(name for outcome in found for name in outcome.right)
    keys = threads if kind == "threads" else sorted(name for name, count in answers.items() if count <= RARE)
    draw.shuffle(keys)
    for part in range(PARTS):
        out = set(keys[part::PARTS])
        if kind == "threads":
            measured = [index for index, each in enumerate(found) if each.thread in out]
        else:
            measured = [index for index, each in enumerate(found) if each.right & out]
        held = {found[index].thread for index in measured}
        yield (
            [i for i, each in enumerate(found) if each.thread not in held and not each.right & out],
            measured,
        )


@torch.no_grad()
def ranks(model: Model, found: Sequence[Outcome]) -> list[int]:
    """The 1-based rank of the first right candidate of each question, 0 where none is right."""
    table = Table(found)
    assert table.names == list(model.names)
    odds = torch.cat([model(table, rows) for rows in torch.arange(len(found)).split(BATCH)])
    best = odds.masked_fill(~table.right, -torch.inf).amax(1, keepdim=True)
    places = (odds > best).sum(1) + 1
    return torch.where(table.right.any(1), places, 0).tolist()


def report(title: str, places: Sequence[int], seen: Sequence[bool]) -> None:
    """Print at which share of the questions one of the first names is right."""
    for which, chosen in (
        ("all", places),
        ("answer seen", [place for place, known in zip(places, seen, strict=True) if known]),
        ("answer unseen", [place for place, known in zip(places, seen, strict=True) if not known]),
    ):
        shares = [sum(0 < place <= cut for place in chosen) / max(1, len(chosen)) for cut in CUTS]
        shown = ", ".join(f"top {cut}: {share:.1%}" for cut, share in zip(CUTS, shares, strict=True))
        print(f"{title}, {which} ({len(chosen)}): {shown}", flush=True)


def main() -> int:
    """Ask all questions, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--environment", type=Path, required=True)
    parser.add_argument("--libraries", nargs="*", default=["numpy", "pandas", "matplotlib"])
    parser.add_argument("--cache", type=Path, help="keep the index here between runs")
    parser.add_argument("--mined", type=Path, help="comments that mine.py has found")
    parser.add_argument("--write", action="store_true", help="write the weights that the package ships")
    options = parser.parse_args()
    questions = read(options.questions)
    fitted: dict[str, Mapping[str, float]] = {}
    with indexed(options.environment, options.libraries, options.cache) as session:
        plain, nothing = outcomes(session, questions, vectors=False)
        found, matrix = outcomes(session, questions, vectors=True)
        turn = turn_from(read(options.mined), session) if options.mined else NO_TURN
    measure("without vectors", plain, nothing, NO_TURN, rank=0)
    fitted["without vectors"] = weights(fit(plain, nothing, NO_TURN, rank=0))
    measure("with vectors", found, matrix, turn, rank=RANK)
    turns = {}
    model = fit(found, matrix, turn, rank=RANK)
    fitted["with vectors"], turns["with vectors"] = weights(model), model.turned()
    measure("with solved questions", found, matrix, turn, rank=RANK, solved=True)
    remember(found, range(len(found)))
    model = fit(found, matrix, turn, rank=RANK)
    fitted["with solved questions"], turns["with solved questions"] = weights(model), model.turned()
    if options.write:
        WEIGHTS.write_text(json.dumps(fitted, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        left = {f"{kind}, left": each.left.numpy().astype("f2") for kind, each in turns.items()}
        right = {f"{kind}, right": each.right.numpy().astype("f2") for kind, each in turns.items()}
        np.savez(MATRIX, **left, **right)
    return 0


def measure(
    title: str, found: Sequence[Outcome], matrix: torch.Tensor, turn: Turn, *, rank: int, solved: bool = False
) -> None:
    """Fit on some of the questions, measure on others, in turns; print how they did."""
    for kind in ("threads", "answers"):
        places, seen = [], []
        for given, measured in splits(found, kind):
            part = [found[index] for index in given]
            if solved:
                remember(found, given)
            model = fit(part, matrix, turn, rank=rank)
            places += ranks(model, [found[index] for index in measured])
            known = {name for outcome in part for name in outcome.right}
            seen += [bool(found[index].right & known) for index in measured]
        report(f"{title}, {kind} left out", places, seen)
    forget(found)


def weights(model: Model) -> dict[str, float]:
    """The weights by name, as they are written."""
    pairs = dict(zip(model.names, model.weights.tolist(), strict=True))
    if len(model.matrix) > 1:
        pairs[SIMILARITY] = model.similarity.item()
    return {name: round(weight, 3) for name, weight in pairs.items()}


if __name__ == "__main__":
    sys.exit(main())
