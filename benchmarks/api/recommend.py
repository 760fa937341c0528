"""How often the right API is among the first ones: `typewright recommend` beside simpler methods, in one run.

    python benchmarks/api/recommend.py QUESTIONS.jsonl --environment ENV [--libraries NAME ...] [--embed]
                                       [--solved SOLVED.jsonl]

QUESTIONS.jsonl has one {"id", "query", "gold"} a line; `gold` lists groups of qualified names, each group
accepting any of its names. A question counts as answered at k when one of the first k names is in a group.
ENV is a virtual environment with the libraries. Vectors are used where they are; `--embed` makes those that
are missing, which takes minutes. SOLVED.jsonl has solved questions of the same form: they are indexed for the
last rows of the table, and questions none of whose answers they have are counted apart.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from typewright.assist.recommend import embed, recommend
from typewright.assist.session import Session, Settings
from typewright.indexer.errors import TypewrightError
from typewright.indexer.records import STANDARD_LIBRARY
from typewright.indexer.words import without_values

CUTS = (1, 5, 10, 20)
Question = Mapping[str, object]
Method = Callable[[Session, str], Sequence[str]]


def main() -> int:
    """Read the arguments, index, ask every question of every method, print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("questions", type=Path)
    parser.add_argument("--environment", type=Path, required=True)
    parser.add_argument("--libraries", nargs="*", default=["numpy", "pandas", "matplotlib"])
    parser.add_argument("--cache", type=Path, help="keep the index here between runs")
    parser.add_argument("--embed", action="store_true")
    parser.add_argument("--limit", type=int, help="only the first questions")
    parser.add_argument("--solved", type=Path, help="solved questions to index")
    options = parser.parse_args()
    questions = read(options.questions)[: options.limit]
    with indexed(options.environment, options.libraries, options.cache) as session:
        if options.embed:
            print(f"{embed(session, progress=_progress)} vectors made", file=sys.stderr)
        solved = read(options.solved) if options.solved else ()
        known = {name for row in solved for name in right(row)}
        unseen = [known.isdisjoint(right(question)) for question in questions]
        libraries = ", ".join(sorted(session.snapshot().libraries()))
        print(
            f"{len(questions)} questions, {sum(unseen)} of them with unseen answers; libraries: {libraries}"
        )
        print(f"{'method':<24}" + "".join(f"{f'top {cut}':>8}" for cut in CUTS) + f"{'MRR':>8}", end="")
        print(f"{'unseen 10':>11}{'ms p50':>8}{'p95':>6}")
        measure(session, questions, unseen, METHODS)
        if options.solved:
            session.index.add_documents([options.solved])
            embed(session, progress=_progress)
            measure(session, questions, unseen, SOLVED_METHODS)
        for notice in session.notices:
            print(f"note: {notice}")
    return 0


@contextmanager
def indexed(environment: Path, libraries: Sequence[str], cache: Path | None) -> Iterator[Session]:
    """An empty workspace with the libraries of an environment."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(python=environment, cache=cache or Path(folder) / "cache")
        with Session(Path(folder), settings=settings) as session:
            session.refresh()
            print(session.index.add_libraries([STANDARD_LIBRARY, *libraries]), file=sys.stderr)
            yield session


def by_words(session: Session, query: str, libraries: Sequence[str] = ()) -> Sequence[str]:
    """BM25 alone."""
    hits = session.snapshot().search_words(query, limit=max(CUTS), libraries=libraries)
    return [hit.api.name for hit in hits if hit.api]


def by_meaning(session: Session, query: str, libraries: Sequence[str] = ()) -> Sequence[str]:
    """MiniLM alone."""
    vector = session.inference.embed([query])[0]
    hits = session.snapshot().search_vector(vector, limit=max(CUTS), libraries=libraries)
    return [hit.api.name for hit in hits if hit.api]


def by_questions(session: Session, query: str) -> Sequence[str]:
    """The answers of the nearest solved questions alone."""
    vector = session.inference.embed([without_values(query)])[0]
    near = session.snapshot().nearest_mentions(vector, limit=4 * max(CUTS))
    return list(dict.fromkeys(name for names, _ in near for name in names))[: max(CUTS)]


def by_all(session: Session, query: str, libraries: Sequence[str] = ()) -> Sequence[str]:
    """`typewright recommend`."""
    found = recommend(session, query, libraries=libraries, limit=max(CUTS))
    return [each.api.name for each in found]


METHODS: Mapping[str, Method] = {"BM25": by_words, "MiniLM": by_meaning, "Typewright": by_all}
SOLVED_METHODS: Mapping[str, Method] = {"nearest question": by_questions, "Typewright, questions": by_all}


def measure(
    session: Session, questions: Sequence[Question], unseen: Sequence[bool], methods: Mapping[str, Method]
) -> None:
    """Print a row of the table for each method; a first question, not counted, warms it up."""
    for name, method in methods.items():
        ranks, times = [], []
        try:
            method(session, str(questions[0]["query"]))
            for question in questions:
                started = time.perf_counter()
                found = method(session, str(question["query"]))
                times.append(1000 * (time.perf_counter() - started))
                ranks.append(rank(question, found))
        except TypewrightError as error:
            print(f"{name:<24} not measured: {error}")
            continue
        shares = [share(ranks, cut) for cut in CUTS]
        mean = sum(1 / each for each in ranks if each) / len(ranks)
        others = [each for each, new in zip(ranks, unseen, strict=True) if new]
        p50, p95 = (sorted(times)[int(part * (len(times) - 1))] for part in (0.5, 0.95))
        print(f"{name:<24}" + "".join(f"{each:>8.1%}" for each in shares) + f"{mean:>8.3f}", end="")
        print(f"{share(others, 10):>11.1%}{p50:>8.0f}{p95:>6.0f}", flush=True)


def read(path: Path) -> list[Question]:
    """Return the rows of a file of questions."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def right(question: Question) -> set[str]:
    """Return the names that answer a question."""
    gold = question["gold"]
    assert isinstance(gold, list)
    return {name for group in gold for name in group}


def rank(question: Question, names: Sequence[str]) -> int:
    """Return the 1-based rank of the first right name, 0 where none is right."""
    wanted = right(question)
    return next((place for place, name in enumerate(dict.fromkeys(names), 1) if name in wanted), 0)


def share(ranks: Sequence[int], cut: int) -> float:
    """Return the share of the questions that are answered among the first `cut`."""
    return sum(0 < each <= cut for each in ranks) / max(1, len(ranks))


def _progress(stage: str, done: int, total: int) -> None:
    if done % 640 == 0:
        print(f"{stage} {done}/{total}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
