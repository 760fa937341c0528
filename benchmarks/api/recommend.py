"""How often the right API is among the first ones: `typewright recommend` beside BM25 and MiniLM alone.

    python benchmarks/api/recommend.py QUESTIONS.jsonl --environment ENV [--libraries NAME ...] [--embed]

QUESTIONS.jsonl has one {"id", "query", "gold"} a line; `gold` lists groups of qualified names, each group
accepting any of its names. A question counts as answered at k when one of the first k names is in a group.
ENV is a virtual environment with the libraries. Vectors are used where they are; `--embed` makes those that
are missing, which takes minutes.
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
from typewright.indexer.libraries import STANDARD_LIBRARY

CUTS = (1, 5, 10, 20)
Question = Mapping[str, object]
Method = Callable[[str], Sequence[str]]


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
    options = parser.parse_args()
    questions = [json.loads(line) for line in options.questions.read_text("utf-8").splitlines()]
    questions = questions[: options.limit]
    with indexed(options.environment, options.libraries, options.cache) as session:
        if options.embed:
            print(f"{embed(session, progress=_progress)} vectors made", file=sys.stderr)
        report(session, questions)
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


def report(session: Session, questions: Sequence[Question]) -> None:
    """Print the table of all methods."""
    snapshot = session.snapshot()
    methods: dict[str, Method] = {
        "BM25": lambda query: [
            hit.api.name for hit in snapshot.search_words(query, limit=max(CUTS)) if hit.api
        ],
        "MiniLM": lambda query: [
            hit.api.name
            for hit in snapshot.search_vector(session.inference.embed([query])[0], limit=max(CUTS))
            if hit.api
        ],
        "typewright": lambda query: [found.api.name for found in recommend(session, query, limit=max(CUTS))],
    }
    print(f"{len(questions)} questions, libraries: {', '.join(sorted(snapshot.libraries()))}")
    print(f"{'method':<12}" + "".join(f"{f'top {cut}':>8}" for cut in CUTS) + f"{'MRR':>8}{'s/query':>9}")
    for name, method in methods.items():
        started = time.perf_counter()
        try:
            ranks = [rank(question, method(str(question["query"]))) for question in questions]
        except TypewrightError as error:
            print(f"{name:<12} not measured: {error}")
            continue
        seconds = (time.perf_counter() - started) / max(1, len(questions))
        shares = [sum(0 < each <= cut for each in ranks) / len(ranks) for cut in CUTS]
        mean = sum(1 / each for each in ranks if each) / len(ranks)
        print(f"{name:<12}" + "".join(f"{share:>8.1%}" for share in shares) + f"{mean:>8.3f}{seconds:>9.2f}")
    for notice in session.notices:
        print(f"note: {notice}")


def rank(question: Question, names: Sequence[str]) -> int:
    """Return the 1-based rank of the first right name, 0 where none is right."""
    gold = question["gold"]
    assert isinstance(gold, list)
    right = {name for group in gold for name in group}
    return next((place for place, name in enumerate(dict.fromkeys(names), 1) if name in right), 0)


def _progress(stage: str, done: int, total: int) -> None:
    if done % 640 == 0:
        print(f"{stage} {done}/{total}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
