"""APIs for a question in plain words, each with a reason that can be checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.fusion import Match, features, score
from typewright.indexer.apis import api_text
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.docstrings import sentences
from typewright.indexer.errors import Cancelled, TypewrightError, UnreadableSource
from typewright.indexer.libraries import STANDARD_LIBRARY
from typewright.indexer.records import Hit
from typewright.indexer.words import query_words, stem, stems, words

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray
    from typewright.assist.session import Session
    from typewright.indexer.index import Snapshot
    from typewright.indexer.records import Api, Example

CANDIDATES = 500  # of each ranking
EMBEDDING_SECONDS = 10.0  # for a question; the first one starts the inference process
ON_DEMAND = 40  # of the best by words that have no vector yet: embedded with the question
LONGEST_QUESTION = 2_000  # characters of it that count
_READ_SENTENCES = 12  # of a documentation, for the reason
_VOTING_SECTIONS = 10

# Code and values that a question quotes (`df`, "men", an address) name the asker's things, not the API's.
_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|\b\w+://\S+")
_PROSE = re.compile(r"(?!>>>)[\w`*\"'(]")  # no table, rule or interactive session
_API_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")


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
    found = search(session, query, context=context, libraries=libraries, cancel=cancel)
    scores = {
        name: score(features(found.asked, api, found.matches[name]), vectors=found.vector is not None)
        for name, api in found.apis.items()
    }
    best = _distinct(sorted(scores, key=lambda name: (-scores[name], name)), found.apis, limit)
    snapshot = session.snapshot(cancel=cancel)
    recommendations = []
    for name in best:
        cancel.check()
        api = found.apis[name]
        matched, reason = _reason(session, api, found, cancel)
        example = next(iter(snapshot.examples(name, 1)), None)
        recommendations.append(Recommendation(api, scores[name], reason, matched, example))
    return recommendations


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates for a question, and what the searches say of each.

    `question` is the question without what it quotes, `asked` the stems of its telling words, `imported` the
    modules that count as at hand.
    """

    question: str
    asked: frozenset[str]
    vector: NDArray[float32] | None
    apis: Mapping[str, Api]
    matches: Mapping[str, Match]
    imported: frozenset[str]


def search(
    session: Session,
    query: str,
    *,
    context: tuple[Path, int] | None = None,
    libraries: Sequence[str] = (),
    cancel: CancelToken = NEVER,
) -> Found:
    """Return the candidates for a question in no order; see `recommend`."""
    prepare(session, libraries, cancel=cancel)
    snapshot = session.snapshot(cancel=cancel)
    question = _plain(query)
    vector = _question_vector(session, question, cancel)
    hits = _search(session, snapshot, query, question, vector, libraries, cancel)
    cancel.check()
    apis = _apis(snapshot, hits)
    imported = _imported(snapshot, context)
    asked = frozenset(stem(word) for word in query_words(question))
    return Found(question, asked, vector, apis, _matches(hits, apis, imported), imported)


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


def _plain(query: str) -> str:
    """The question without quoted values, unless nothing is left; a quoted name of an API stays."""

    def kept(match: re.Match[str]) -> str:
        inner = match[0].strip("`\"'")
        return inner if _API_NAME.fullmatch(inner) else " "

    plain = " ".join(_QUOTED.sub(kept, query).split())
    return plain if query_words(plain) else query


def _question_vector(session: Session, asked: str, cancel: CancelToken) -> NDArray[float32] | None:
    if not session.settings.neural:
        return None
    try:
        vectors = session.inference.embed([asked], deadline=EMBEDDING_SECONDS, cancel=cancel)
    except TypewrightError as error:  # weights missing, process failed or too slow: words alone answer
        session.notice(f"Recommendations go by words alone: {error}")
        return None
    first: NDArray[float32] = vectors[0]
    return first


def _search(
    session: Session,
    snapshot: Snapshot,
    query: str,
    asked: str,
    vector: NDArray[float32] | None,
    libraries: Sequence[str],
    cancel: CancelToken,
) -> dict[str, list[Hit]]:
    hits = {"words": list(snapshot.search_words(asked, limit=CANDIDATES, libraries=libraries))}
    if not hits["words"] and asked != query:
        hits["words"] = list(snapshot.search_words(query, limit=CANDIDATES, libraries=libraries))
    if vector is not None:
        hits["vectors"] = list(snapshot.search_vector(vector, limit=CANDIDATES, libraries=libraries))
        hits["vectors"] += _on_demand(session, snapshot, hits, vector, cancel)
    return hits


def _on_demand(
    session: Session,
    snapshot: Snapshot,
    hits: Mapping[str, Sequence[Hit]],
    vector: NDArray[float32],
    cancel: CancelToken,
) -> list[Hit]:
    """Score the best hits by words that have no vector yet, or those that have one would push them aside."""
    if snapshot.embedded() == 1.0:
        return []
    known = {hit.api.name for hit in hits["vectors"] if hit.api}
    apis = [hit.api for hit in hits["words"] if hit.api and hit.api.name not in known][:ON_DEMAND]
    texts = [api_text(api.name, api.documentation) for api in apis]
    try:
        vectors = session.inference.embed(texts, deadline=EMBEDDING_SECONDS, cancel=cancel)
    except TypewrightError:  # too slow: what is embedded has to do
        return []
    return [Hit(api, None, float(score), ()) for api, score in zip(apis, vectors @ vector, strict=True)]


def _apis(snapshot: Snapshot, hits: Mapping[str, Sequence[Hit]]) -> dict[str, Api]:
    """The APIs of all hits, by name; a section stands for the APIs that it names."""
    found = {hit.api.name: hit.api for ranking in hits.values() for hit in ranking if hit.api}
    for ranking in hits.values():
        for section in [hit.section for hit in ranking if hit.section][:_VOTING_SECTIONS]:
            for name in section.names:
                api = snapshot.api(name) if "." in name and name not in found else None
                if api is not None:
                    found[api.name] = api
    return found


def _matches(
    hits: Mapping[str, Sequence[Hit]], apis: Mapping[str, Api], imported: frozenset[str]
) -> dict[str, Match]:
    """What each search says of the APIs; the best sections vote for those that they name."""
    scores = {
        search: {hit.api.name: hit.score for hit in ranking if hit.api} for search, ranking in hits.items()
    }
    best = max(scores["words"].values(), default=0.0) or 1.0
    by_alias = {alias: name for name, api in apis.items() for alias in (name, *api.aliases)}
    votes: dict[str, float] = {}
    for ranking in hits.values():
        sections = [hit.section for hit in ranking if hit.section][:_VOTING_SECTIONS]
        for rank, section in enumerate(sections):
            for name in {by_alias[name] for name in section.names if name in by_alias}:
                votes[name] = max(votes.get(name, 0.0), 1 / (1 + rank))
    return {
        name: Match(
            scores.get("vectors", {}).get(name),
            scores["words"].get(name, 0.0) / best,
            votes.get(name, 0.0),
            _is_accessible(api, imported),
        )
        for name, api in apis.items()
    }


def _imported(snapshot: Snapshot, context: tuple[Path, int] | None) -> frozenset[str]:
    """The top-level modules that the asking file imports; those of the workspace without a file."""
    if context is None:
        return frozenset(snapshot.imported())
    try:
        imports = snapshot.outline(context[0]).imports
    except UnreadableSource:
        return frozenset()
    return frozenset(each.module.partition(".")[0] for each in imports if not each.level)


def _is_accessible(api: Api, imported: frozenset[str]) -> bool:
    # Nothing imported at all (a new workspace) says nothing of what can be.
    at_hand = not imported or api.distribution in {"", STANDARD_LIBRARY}
    return at_hand or api.name.partition(".")[0] in imported


def _distinct(ranked: Iterable[str], apis: Mapping[str, Api], limit: int) -> list[str]:
    """The best names, one of each definition: that with the fewest dots."""
    chosen: dict[object, str] = {}
    for name in ranked:
        api = apis[name]
        key = (api.path, api.line, name.rpartition(".")[2]) if api.path and api.documentation else name
        other = chosen.get(key)
        if other is None:
            if len(chosen) == limit:
                break
            chosen[key] = name
        elif name.count(".") < other.count("."):
            chosen[key] = name
    return list(chosen.values())


def _reason(session: Session, api: Api, found: Found, cancel: CancelToken) -> tuple[tuple[str, ...], str]:
    """Which words of the question stand where, or which sentence lies nearest; then how known the API is."""
    wanted = [word for word in query_words(found.question) if len(word) > 1]
    said = [each for each in sentences(api.documentation)[:_READ_SENTENCES] if _PROSE.match(each)]
    in_name = [word for word in wanted if stem(word) in stems(api.name)]
    best = ""
    held: list[str] = []
    for sentence in said:
        known = stems(sentence)
        here = [word for word in wanted if stem(word) in known]
        if len(here) > len(held):
            best, held = sentence, here
    parts = []
    if held:
        parts.append(f"{_listed(held)}: “{_short(best)}”")
    elif said and found.vector is not None:
        parts.append(f"closest in meaning: “{_short(_nearest(session, said, found.vector, cancel))}”")
    if in_name:
        parts.append(f"{_listed(in_name)} in its name")
    if not parts:
        parts.append(f"its documentation starts: “{_short(said[0])}”" if said else "its name and signature")
    if api.popularity:
        parts.append(f"used {api.popularity} times here" if api.popularity > 1 else "used here")
    elif api.name.partition(".")[0] in found.imported:
        parts.append("its library is imported here")
    if api.deprecated:
        parts.append("deprecated")
    matched = tuple(word for word in wanted if word in held or word in in_name)
    return matched, "; ".join(parts)


def _nearest(session: Session, said: Sequence[str], vector: NDArray[float32], cancel: CancelToken) -> str:
    try:
        near = session.inference.embed(said, deadline=EMBEDDING_SECONDS, cancel=cancel) @ vector
    except TypewrightError:
        return said[0]
    return said[int(near.argmax())]


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items)


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 160 else sentence[:157].rsplit(" ", 1)[0] + "…"
