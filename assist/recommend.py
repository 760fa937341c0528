"""APIs for a question in plain words, each with a reason that can be checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.candidates import candidates, understood
from typewright.assist.fusion import BY_HAND, CALLS_HERE
from typewright.assist.reasons import reason
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import Cancelled, TypewrightError
from typewright.indexer.search import best
from typewright.indexer.words import words

if TYPE_CHECKING:
    from typewright.assist.session import Session
    from typewright.indexer.records import Api, Example, Hit

LONGEST_QUESTION = 2_000  # characters of it that count
_LOADED = 40  # of the best, at least: how often the workspace calls them, and what is defined at one place


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An API that may do what was asked. `matched` are the words of the question that it is known by."""

    api: Api
    score: float
    reason: str
    matched: tuple[str, ...]
    example: Example | None


def recommend(
    session: Session,
    query: str,
    *,
    context: tuple[Path, int] | None = None,
    libraries: Sequence[str] = (),
    limit: int = 10,
    cancel: CancelToken = NEVER,
) -> Sequence[Recommendation]:
    """Return the APIs that fit a question best, best first; none where nothing fits.

    `context` is the file (and line) that asks: what it imports counts for more. `libraries` (distributions or
    modules) leave only their APIs. Where no library was read yet, this reads them. Raises `TypewrightError`
    for a question without a word, and `Cancelled`.
    """
    query = query[:LONGEST_QUESTION]
    if not words(query):
        raise TypewrightError("The question has no words: say in a few what the API should do.")
    prepare(session, libraries, cancel=cancel)
    question = understood(session, query, context, cancel)
    snapshot = session.snapshot(cancel=cancel)
    hits: list[Hit] = []
    said = False
    for found in candidates(session, question, libraries, cancel):
        said = said or bool((found.features["words"] > 0).any())
        places = best(found.scores, max(_LOADED, 3 * limit))
        hits += found.search.hits([(int(found.rows[at]), float(found.scores[at])) for at in places])
    if not said:
        session.notice(
            "No word of the question is known of any API; ask in the language of the documentation."
        )
    scored = [
        (hit.score + BY_HAND[CALLS_HERE] * math.log1p(hit.api.popularity), hit.api)
        for hit in snapshot.finished(hits)
        if hit.api
    ]
    scored.sort(key=lambda each: (-each[0], each[1].name))
    recommendations = []
    for score, api in _distinct(scored, limit):
        cancel.check()
        matched, why = reason(api, question)
        example = next(iter(snapshot.examples(api.name, 1)), None)
        recommendations.append(Recommendation(api, score, why, matched, example))
    return recommendations


def prepare(
    session: Session,
    libraries: Sequence[str] = (),
    *,
    progress: Progress | None = None,
    cancel: CancelToken = NEVER,
) -> None:
    """Read what a recommendation needs: those of `libraries` that are not read, or all where none is.

    All are the standard library and what the workspace imports. Raises `TypewrightError` for a library that
    is not installed.
    """
    snapshot = session.snapshot(cancel=cancel)
    read = {name.lower() for name in snapshot.libraries()}
    if not read and not libraries:
        session.index.add_libraries((), progress=progress, cancel=cancel)
    missing = [name for name in libraries if name.lower() not in read and snapshot.api(name) is None]
    if missing:
        session.index.add_libraries(missing, progress=progress, cancel=cancel)


@dataclass(frozen=True, slots=True)
class Embedded:
    """How many APIs and sections got a vector, and how many still have none."""

    done: int
    waiting: int


def embed(
    session: Session,
    *,
    seconds: float | None = None,
    progress: Progress | None = None,
    cancel: CancelToken = NEVER,
) -> Embedded:
    """Give vectors to the APIs and sections that have none, most used first, for at most `seconds`.

    What is done is kept, also when it is cancelled; the next call goes on from there. Raises `WeightsMissing`
    without the weights, `InferenceFailed`.
    """
    limited = cancel if seconds is None else cancel.with_deadline(seconds)
    done = total = 0

    def note(stage: str, reached: int, of: int) -> None:
        nonlocal done, total
        done, total = reached, of
        if progress is not None:
            progress(stage, reached, of)

    try:
        session.index.embed(
            lambda texts: session.inference.embed(texts, cancel=limited), progress=note, cancel=limited
        )
    except Cancelled:
        cancel.check()  # only the time is up, unless the caller has cancelled
    return Embedded(done, total - done)


def _distinct(ranked: Sequence[tuple[float, Api]], limit: int) -> Sequence[tuple[float, Api]]:
    """The best, one of each definition: that with the fewest dots."""
    chosen: dict[object, tuple[float, Api]] = {}
    for score, api in ranked:
        key = (
            (api.path, api.line, api.name.rpartition(".")[2]) if api.path and api.documentation else api.name
        )
        other = chosen.get(key)
        if other is None:
            if len(chosen) == limit:
                break
            chosen[key] = score, api
        elif api.name.count(".") < other[1].name.count("."):
            chosen[key] = score, api
    return tuple(chosen.values())
