"""Search of one database: words and vectors of all its APIs, and its document sections."""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from . import arrays
from .apis import ApiTables
from .marks import VECTORS, WORDS
from .records import Hit
from .vectors import Vectors
from .word_table import Scan, WordTable, joined, rarity
from .words import query_words, stem

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Search:
    """What is found in the APIs and sections of one database; thread-safe.

    `folder` is where its memory-mapped files lie; None keeps all in memory. They are named after a mark that
    changes whenever what they hold does, so that a stale one is never read, and a damaged one is made again.
    """

    def __init__(self, tables: ApiTables, folder: Path | None, name: str) -> None:
        self.tables: Final = tables
        self.vectors: Final = Vectors(tables, folder, name)
        self._folder: Final = folder
        self._name: Final = name
        self._lock: Final = threading.Lock()
        self._words = WordTable(joined((), {}))
        self._embedded = np.zeros(0, np.bool_)
        self._marks = "", ""

    def frequencies(self, terms: Collection[str]) -> tuple[int, "NDArray[np.int64]"]:
        """Return how many APIs are searched, and in how many of them each of some stems stands."""
        table, _ = self._fresh()
        return len(table), table.frequencies(terms)

    def scan(
        self, rarity: Mapping[str, float], libraries: Sequence[str] = (), *, quoted: Collection[str] = ()
    ) -> Scan:
        """Score every API; see `WordTable.scan`. `libraries` leave only their APIs."""
        table, embedded = self._fresh()
        found = table.scan(rarity, embedded, quoted)
        if not libraries:
            return found
        return found.only(found.places(np.asarray(self.tables.rows_of(libraries), np.int64)))

    def nearest(
        self, vector: "NDArray[np.float32]", limit: int, libraries: Sequence[str] = ()
    ) -> Sequence[tuple[int, float]]:
        """Return (row, inner product) of the nearest APIs and, without `libraries`, sections, best first."""
        found = [*self.vectors.nearest_apis(vector, limit, libraries)]
        if not libraries:
            found += self.vectors.nearest_sections(vector, limit)
        return sorted(found, key=lambda each: -each[1])[:limit]

    def hits(self, scores: Sequence[tuple[int, float]], terms: Sequence[str] = ()) -> Sequence[Hit]:
        """Return hits for (row, score); see `ApiTables.row_hits`."""
        return self.tables.row_hits(scores, terms)

    def _fresh(self) -> tuple[WordTable, "NDArray[np.bool_]"]:
        """The table as it is now, and which of its APIs have a vector."""
        with self._lock:
            words, vectors = self.tables.mark(WORDS), self.tables.mark(VECTORS)
            if words != self._marks[0]:
                path = self._folder / f"{self._name}-{words}.words" if self._folder else None
                found = arrays.read(path) if path else None
                if found is None:
                    found = joined([arrays.unpack(part) for part in self.tables.parts()], self.tables.calls())
                    if path:
                        arrays.write(path, found, f"{self._name}-*.words")
                self._words = WordTable(found)
            if (words, vectors) != self._marks:
                self._embedded = self.vectors.known(self._words.arrays["rows"])
                self._marks = words, vectors
            return self._words, self._embedded


def rarities(searches: Iterable[Search], terms: Collection[str]) -> Mapping[str, float]:
    """Return what each of some stems weighs by BM25, the APIs of all searches taken together."""
    terms = tuple(terms)
    counts, frequencies = zip(*(search.frequencies(terms) for search in searches), strict=True)
    weights = rarity(sum(counts), np.sum(frequencies, axis=0).tolist())
    return dict(zip(terms, weights, strict=True))


def by_words(
    searches: Sequence[Search], query: str, limit: int, libraries: Sequence[str] = ()
) -> Sequence[Hit]:
    """Return the APIs and sections whose words fit a question, best first (BM25). No input raises.

    `libraries` are distributions or top-level modules and leave only their APIs.
    """
    terms = query_words(query)
    weights = rarities(searches, {stem(term) for term in terms})
    hits: list[Hit] = []
    for search in searches:
        scan = search.scan(weights, libraries)
        places = [place for place in best(scan.words, limit) if scan.words[place] > 0]
        hits += search.hits([(int(scan.rows[place]), float(scan.words[place])) for place in places], terms)
        if not libraries:
            hits += search.hits(search.tables.sections.search(query, limit), terms)
    return sorted(hits, key=lambda hit: -hit.score)[:limit]


def best(scores: "NDArray[np.float32]", count: int) -> "NDArray[np.int64]":
    """Return the places of the highest scores, at most `count`, in no order."""
    if len(scores) <= count:
        return np.arange(len(scores))
    return np.argpartition(-scores, count)[:count]
