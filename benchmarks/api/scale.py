"""How long a question takes, warm, with few and with many APIs: the table of milliseconds.

    python benchmarks/api/scale.py [--sizes 30000 300000] [--questions QUESTIONS.jsonl] [--count 200]

The APIs are made up: names, texts and calls of words whose frequencies fall as those of a language do (Zipf),
in ten libraries, with vectors drawn at random. The time of a question does not depend on what they mean.
Without `--questions` the questions are of the same words. Where the weights are, a question is embedded as
always, in the inference process; otherwise it has a random vector.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from typewright.assist.recommend import recommend
from typewright.assist.session import Session, Settings
from typewright.indexer.errors import TypewrightError
from typewright.indexer.records import Api

LIBRARIES = 10
VOCABULARY = 30_000
TEXT = 45  # words of a documentation


class Words:
    """Made-up words, the first ones the most frequent."""

    def __init__(self) -> None:
        draw = random.Random(0)
        syllables = [a + b for a in "bdfgklmnprstv" for b in "aeiou"]
        self._known = list(
            dict.fromkeys(
                "".join(draw.choices(syllables, k=draw.randint(2, 4))) for _ in range(2 * VOCABULARY)
            )
        )[:VOCABULARY]
        self._rng = np.random.default_rng(0)
        weights = 1 / np.arange(10, len(self._known) + 10)
        self._odds = weights / weights.sum()

    def some(self, count: int) -> list[str]:
        """Draw words by their frequency."""
        return [self._known[place] for place in self._rng.choice(len(self._known), count, p=self._odds)]


def apis(words: Words, library: str, count: int) -> Iterator[Api]:
    """Make the APIs of a library: classes of eight methods, and functions."""
    owner = library
    for number in range(count):
        drawn = words.some(TEXT + 5)
        if number % 9 == 0:
            owner = f"{library}.{drawn[0].title()}{drawn[1].title()}{number}"
            name, kind = owner, "class"
        else:
            name, kind = f"{owner}.{drawn[0]}_{drawn[1]}", "method"
        text = f"{' '.join(drawn[2:10])}.\n\n{' '.join(drawn[10:])}."
        summary = text.partition("\n")[0]
        path = Path(f"/{library}.py")
        yield Api(name, kind, "", (), "", summary, text, (), library, "1", path, number + 1)


def random_vectors(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors that no text decides."""
    found = np.random.default_rng(len(texts)).normal(size=(len(texts), 384)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def main() -> int:
    """Make the APIs, ask, print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[30_000, 300_000])
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    words = Words()
    if options.questions:
        rows = options.questions.read_text("utf-8").splitlines()
        questions = [json.loads(row)["query"] for row in rows][: options.count]
    else:
        questions = [" ".join(words.some(8)) for _ in range(options.count)]
    print(f"{'APIs':>8}{'ms p50':>8}{'p95':>6}{'most':>6}{'first':>8}{'MiB of files':>14}")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(cache=Path(folder, "cache"))
            with Session(Path(folder), settings=settings) as session:
                fill(session, words, size)
                print(row(session, questions, size), flush=True)
                for notice in session.notices:
                    print(f"note: {notice}")
    return 0


def fill(session: Session, words: Words, size: int) -> None:
    """Store so many APIs and their vectors."""
    tables = session.snapshot().searches()[1].tables
    for number in range(LIBRARIES):
        library = f"library{number}"
        calls = {f".{'_'.join(words.some(2))}": 3 for _ in range(1000)}
        tables.replace_library(library, "1", apis(words, library, size // LIBRARIES), uses=calls)
        print(f"{library} of {size:,} APIs", file=sys.stderr)
    session.index.embed(random_vectors)
    try:
        session.inference.embed(["warm"])
    except TypewrightError as error:
        session.notice(f"questions have random vectors: {error}")
        session.inference.embed = lambda texts, **_: random_vectors(texts)  # type: ignore[method-assign]


def row(session: Session, questions: Sequence[str], size: int) -> str:
    """Ask all questions and return the row of the table."""
    times = []
    for question in [questions[0], *questions]:
        started = time.perf_counter()
        recommend(session, question)
        times.append(1000 * (time.perf_counter() - started))
    first, warm = times[0], sorted(times[1:])
    p50, p95 = (warm[int(part * (len(warm) - 1))] for part in (0.5, 0.95))
    files = session.index.folders[1].rglob("*")
    used = sum(file.stat().st_size for file in files if file.suffix in {".words", ".faiss"}) / 2**20
    return f"{size:>8,}{p50:>8.0f}{p95:>6.0f}{warm[-1]:>6.0f}{first:>8.0f}{used:>14.0f}"


if __name__ == "__main__":
    sys.exit(main())
