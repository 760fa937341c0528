"""How slots and candidate types fit: words in common, members used, places where the type is spoken of.

Nothing here is learnt: a class that nobody has ever seen is compared like any other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .type_features import MENTION_PLACES, ORIGINS, Candidates, Floats, Integers, Keys, Slots

PAIR_FEATURES = 34
_MAXIMUM_ELSEWHERE = 64
_ELSEWHERE = ORIGINS.index("elsewhere")
_ORIGIN_FEATURES = ("elsewhere", "class", "import", "annotation")


def relevant(slots: Slots, candidates: Candidates, origins: NDArray[np.uint8]) -> Integers:
    """Positions of the candidates worth ranking: all that are in sight; of those elsewhere, the best
    `_MAXIMUM_ELSEWHERE`: the ones that slots name, abbreviate or share words with, and the most imported.
    """
    named = _present(slots.words, slots.mentions)
    around = _present(slots.context, slots.flow)
    share = 1 / np.maximum((candidates.words != 0).sum(axis=1), 1)
    score = np.isin(candidates.words, named).sum(axis=1) * share
    score += 0.5 * np.isin(candidates.words, around).sum(axis=1) * share
    score += 2 * np.isin(candidates.names, named)
    score += 0.5 * np.isin(candidates.abbreviations, _present(slots.words[:, :1])).any(axis=1)
    score += 0.1 * np.log1p(candidates.counts[:, 0])
    elsewhere = np.flatnonzero((origins == _ELSEWHERE) & (score > 0))
    best = elsewhere[np.argsort(-score[elsewhere], kind="stable")[:_MAXIMUM_ELSEWHERE]]
    return np.sort(np.concatenate((np.flatnonzero(origins != _ELSEWHERE), best)))


def pair_features(slots: Slots, candidates: Candidates, origins: NDArray[np.uint8]) -> Floats:
    """How every slot and every candidate, seen as `origins` say, fit: (n, c, PAIR_FEATURES)."""
    result = np.zeros((len(slots), len(candidates), PAIR_FEATURES), dtype=np.float32)
    if result.size:
        _compare_words(result, slots, candidates)
        _compare_mentions(result[:, :, 14:20], slots, candidates)
        _compare_members(result[:, :, 20:26], slots, candidates)
        result[:, :, 26] = slots.owners[:, None] == candidates.names[None]
        result[:, :, 27:29] = np.log1p(candidates.counts)[None] / 4
        for place, origin in enumerate(_ORIGIN_FEATURES):
            result[:, :, 30 + place] = (origins == ORIGINS.index(origin))[None]
    return result


def _present(*tables: Keys) -> Keys:
    """The distinct keys of tables."""
    return np.setdiff1d(np.concatenate([table.ravel() for table in tables]), [0])


def _incidence(table: Keys, known: Keys) -> Floats:
    """(n, known): 1 where a row of the table has the key. `known` is sorted."""
    result = np.zeros((len(table), len(known)), dtype=np.float32)
    if len(known):
        places = np.minimum(np.searchsorted(known, table), len(known) - 1)
        rows, columns = np.nonzero(known[places] == table)
        result[rows, places[rows, columns]] = 1
    return result


def _rarity(table: Floats) -> Floats:
    """(known,): near 1 for what one row has, lower for what many have."""
    count = len(table)
    result: Floats = (np.log1p(count / np.maximum(table.sum(axis=0), 1)) / np.log1p(count)).astype(np.float32)
    return result


def _is_best(values: Floats) -> NDArray[np.bool_]:
    """(n, c): where a value is the highest of its row, and more than nothing."""
    best: NDArray[np.bool_] = (values == values.max(axis=1, keepdims=True)) & (values > 0)
    return best


def _compare_words(result: Floats, slots: Slots, candidates: Candidates) -> None:
    known = _present(candidates.words)
    theirs, last = _incidence(candidates.words, known), _incidence(candidates.words[:, :1], known)
    name = _incidence(slots.words, known)
    count = np.maximum((candidates.words != 0).sum(axis=1), 1)[None]
    shared = name @ theirs.T
    result[:, :, 0] = shared / np.maximum((slots.words != 0).sum(axis=1), 1)[:, None]
    result[:, :, 1] = shared / count
    result[:, :, 2] = _incidence(slots.words[:, :1], known) @ last.T
    result[:, :, 3] = (result[:, :, 0] >= 1) & (result[:, :, 1] >= 1)
    context, flow = _incidence(slots.context, known), _incidence(slots.flow, known)
    for place, words in ((4, context), (6, flow), (8, _incidence(slots.document, known))):
        result[:, :, place] = words @ theirs.T / count
        result[:, :, place + 1] = words @ last.T
    result[:, :, 10] = np.maximum(np.maximum(name, context), flow) @ theirs.T / count
    result[:, :, 29] = _is_best(result[:, :, 10])
    rarity = _rarity(theirs)
    result[:, :, 11] = (name * rarity) @ theirs.T / np.maximum(theirs @ rarity, 1e-6)[None]
    result[:, :, 12] = _is_best(result[:, :, 11])
    short = _present(slots.words[:, :1])
    result[:, :, 13] = (
        _incidence(slots.words[:, :1], short) @ _incidence(candidates.abbreviations, short).T > 0
    )


def _compare_mentions(result: Floats, slots: Slots, candidates: Candidates) -> None:
    """One feature for each of the places."""
    order = np.argsort(candidates.names, kind="stable")
    names = candidates.names[order]
    places = np.minimum(np.searchsorted(names, slots.mentions), len(names) - 1)
    rows, columns = np.nonzero((names[places] == slots.mentions) & (slots.mentions != 0))
    result[rows, order[places[rows, columns]], slots.places[rows, columns]] = 1
    assert result.shape[2] == len(MENTION_PLACES)


def _compare_members(result: Floats, slots: Slots, candidates: Candidates) -> None:
    """Which share of the members used a candidate has: all, none, weighed by how rare each is."""
    used = _present(slots.members)
    wanted, held = _incidence(slots.members, used), _incidence(candidates.members, used)
    both = (wanted.sum(axis=1) > 0)[:, None] & ((candidates.members != 0).sum(axis=1) > 0)[None]
    share = np.where(both, wanted @ held.T / np.maximum(wanted.sum(axis=1), 1)[:, None], 0)
    rarity = _rarity(held)
    weighted = np.where(both, (wanted * rarity) @ held.T / np.maximum(wanted @ rarity, 1e-6)[:, None], 0)
    result[:, :, 0], result[:, :, 1] = share, share >= 1
    result[:, :, 2] = both & (share == 0)
    result[:, :, 3] = weighted
    result[:, :, 4] = _is_best(weighted)
    result[:, :, 5] = both & (share >= 1) & (wanted.sum(axis=1) > 2)[:, None]
