"""The APIs that may answer a question: all are scored by words at once, the best also by meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typewright.assist.fusion import Features, features, late, score, turned
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.embedded_texts import api_text
from typewright.indexer.errors import TypewrightError, UnreadableSource
from typewright.indexer.search import best, rarities
from typewright.indexer.words import query_words, quoted_names, stem, without_values

if TYPE_CHECKING:
    from numpy import float32, int64, uint64
    from numpy.typing import NDArray
    from typewright.assist.session import Session
    from typewright.indexer.index import Snapshot
    from typewright.indexer.search import Search
    from typewright.indexer.word_table import Scan

CANDIDATES = 500  # the best by all but the vectors
NEAREST = 300  # and those nearest by the vectors; one far down in both is no answer
EMBEDDING_SECONDS = 10.0  # for a question; the first one starts the inference process
SOLVED = 200  # of the sections nearest in meaning
ON_DEMAND = 40  # of the best by words that have no vector yet: embedded with the question
_VOTING_SECTIONS = 10


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is searched for.

    `text` is it without what it quotes, `words` the telling ones, `stems` theirs, `quoted` those of quoted
    names that an API may have, `vector` what it means, None without the model. `solved` says of the APIs that
    the sections nearest in meaning name (solved questions above all) how near they are, as a cosine;
    `imported` are the modules that count as at hand.
    """

    text: str
    words: tuple[str, ...]
    stems: tuple[str, ...]
    quoted: tuple[str, ...]
    vector: NDArray[float32] | None
    solved: Mapping[str, float]
    imported: frozenset[str]


@dataclass(frozen=True, slots=True)
class Candidates:
    """APIs of one database: rows, names (`hashed`), what speaks for each but its vector, scores."""

    search: Search
    rows: NDArray[int64]
    names: NDArray[uint64]
    features: Features
    scores: NDArray[float32]


def understood(
    session: Session, query: str, context: tuple[Path, int] | None, cancel: CancelToken
) -> Question:
    """Return what a question asks for. Raises `Cancelled`."""
    text = without_values(query)
    words = query_words(text)
    vector = _vector(session, text, cancel)
    snapshot = session.snapshot(cancel=cancel)
    solved: dict[str, float] = {}
    if vector is not None:
        for names, cosine in snapshot.nearest_mentions(vector, SOLVED):
            solved |= {name: cosine for name in names if name not in solved}  # the nearest come first
    stems = tuple(dict.fromkeys(map(stem, words)))
    quoted = tuple(map(stem, quoted_names(query)))
    return Question(text, words, stems, quoted, vector, solved, _imported(snapshot, context))


def candidates(
    session: Session, question: Question, libraries: Sequence[str], cancel: CancelToken
) -> Iterator[Candidates]:
    """Yield the APIs that may answer, of the workspace and then of the libraries. Raises `Cancelled`."""
    import numpy as np

    snapshot = session.snapshot(cancel=cancel)
    searches = snapshot.searches()
    weights = rarities(searches, question.stems)
    aim = None if question.vector is None else turned(question.vector, solved=bool(question.solved))
    near = [
        search.vectors.nearest_apis(aim, NEAREST, libraries) if aim is not None else () for search in searches
    ]
    votes = _votes(snapshot, question)
    for index, (search, close) in enumerate(zip(searches, near, strict=True)):
        cancel.check()
        scan = search.scan(weights, libraries, quoted=question.quoted)
        found = features(
            scan,
            len(question.words),
            question.solved,
            votes,
            question.imported,
            own=index == 0,
            vectors=aim is not None,
        )
        points = score(found, vectors=aim is not None)
        said = (scan.words > 0) | scan.quoted
        if votes:
            said |= found["voted for by documents"] > 0
        if aim is None:
            places = best(np.where(said, points, -np.inf), CANDIDATES)
            places = places[said[places]]
        else:
            rows = np.asarray([row for row, _ in close], np.int64)
            places = np.union1d(best(points, CANDIDATES), scan.places(rows))
        chosen = {name: values[places] for name, values in found.items()}
        total = points[places]
        if aim is not None:
            total = total + search.vectors.of(scan.rows[places]) @ aim
            added = _on_demand(session, search, scan.only(places), total, aim, cancel)
            total += added + late(solved=bool(question.solved)) * (added != 0)
        yield Candidates(search, scan.rows[places], scan.names[places], chosen, total)


def _on_demand(
    session: Session,
    search: Search,
    scan: Scan,
    scores: NDArray[float32],
    aim: NDArray[float32],
    cancel: CancelToken,
) -> NDArray[float32]:
    """What the vectors add for the best that have none yet, or those that have one would push them aside."""
    import numpy as np

    added = np.zeros(len(scan.rows), np.float32)
    waiting = np.flatnonzero((scan.length > 0) & ~scan.embedded)
    if not len(waiting):
        return added
    places = waiting[best(scores[waiting], ON_DEMAND)]
    apis = [hit.api for hit in search.hits([(int(scan.rows[place]), 0.0) for place in places]) if hit.api]
    try:
        vectors = session.inference.embed(
            [api_text(api.name, api.documentation) for api in apis], deadline=EMBEDDING_SECONDS, cancel=cancel
        )
    except TypewrightError:  # too slow: what is embedded has to do
        return added
    if len(apis) == len(places):  # none is gone meanwhile
        added[places] = vectors @ aim
    return added


def _votes(snapshot: Snapshot, question: Question) -> Mapping[str, float]:
    """How much the best sections by words name each API."""
    votes: dict[str, float] = {}
    for rank, names in enumerate(snapshot.best_mentions(question.text, _VOTING_SECTIONS)):
        votes |= {name: 1 / (1 + rank) for name in names if name not in votes}
    return votes


def _vector(session: Session, asked: str, cancel: CancelToken) -> NDArray[float32] | None:
    if not session.settings.neural:
        return None
    try:
        vectors = session.inference.embed([asked], deadline=EMBEDDING_SECONDS, cancel=cancel)
    except TypewrightError as error:  # weights missing, process failed or too slow: words alone answer
        session.notice(f"Recommendations go by words alone: {error}")
        return None
    first: NDArray[Any] = vectors[0]
    return first


def _imported(snapshot: Snapshot, context: tuple[Path, int] | None) -> frozenset[str]:
    """The top-level modules that the asking file imports; those of the workspace without a file."""
    if context is None:
        return frozenset(snapshot.imported())
    try:
        imports = snapshot.outline(context[0]).imports
    except UnreadableSource:
        return frozenset()
    return frozenset(each.module.partition(".")[0] for each in imports if not each.level)
