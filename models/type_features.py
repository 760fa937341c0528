"""What the type model sees of slots and of candidate types: tables of 32-bit keys.

A key is the CRC-32 of a feature string, so neither training nor inference keeps a vocabulary of strings.
Everything here serves both, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from typewright.indexer.slice_features import name_words
from typewright.indexer.slices import FunctionSlice, SlotSlice

from .protocol import Candidate, Origin

Keys = NDArray[np.uint32]
Integers = NDArray[np.int64]
Floats = NDArray[np.float32]
ORIGINS: tuple[str, ...] = get_args(Origin)
KINDS = ("return", "param", "variable")

PAIR_FEATURES = 17
_WORDS, _MENTIONS, _USED_MEMBERS, _KNOWN_MEMBERS = 6, 24, 8, 48
_MAXIMUM_ELSEWHERE = 64
_ELSEWHERE = ORIGINS.index("elsewhere")

# How the features of a slot may name a type: where the name stands says what it means.
_MENTION_PLACES = (
    ("isinstance:",),
    ("assigned:call:", "with:call:", "caught:name:", "default:call:", "default:attribute:"),
    ("argument:call:", "or:call:", "attribute-or:call:"),
    ("returns:call:", "yields:call:", "returned-assigned:call:", "returns:await:call:", "returns:name:"),
    ("document-type-word:",),
    ("compared:", "element:call:", "assigned:attribute:", "document:", "summary:"),
)


@dataclass(frozen=True, slots=True)
class Bags:
    """Bags of keys, one after the other: bag i is `keys[offsets[i]:offsets[i + 1]]`."""

    keys: Keys
    offsets: Integers

    @classmethod
    def of(cls, rows: Sequence[Keys]) -> Bags:
        """Lay rows one after the other."""
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return cls(np.concatenate(rows) if rows else np.zeros(0, dtype=np.uint32), offsets)

    def take(self, rows: Integers) -> Bags:
        """The bags at `rows`, in that order."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        positions = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        return Bags(self.keys[positions], offsets)

    @classmethod
    def join(cls, parts: Sequence[Bags]) -> Bags:
        """Bags of several tables as one table."""
        keys = np.concatenate([part.keys for part in parts])
        base = np.cumsum([0, *(len(part.keys) for part in parts)])
        offsets = [part.offsets[:-1] + start for part, start in zip(parts, base, strict=False)]
        return cls(keys, np.concatenate([*offsets, base[-1:]]))


@dataclass(frozen=True, slots=True)
class Slots:
    """n slots: bags of features, and what is compared with candidates (0 = nothing).

    kinds (n,), functions (n,): slots with an equal number share a function; names (n,): those with an equal
    number share a name in a module, 0 for returns; words (n, 6) of the name, last first; mentions (n, 24):
    names of types that its features speak of, and places (n, 24): how; members (n, 8) used on it; owners
    (n,): the class it stands in.
    """

    features: Bags
    kinds: NDArray[np.uint8]
    functions: Integers
    words: Keys
    mentions: Keys
    places: NDArray[np.uint8]
    members: Keys
    owners: Keys
    names: Integers

    def __len__(self) -> int:
        return len(self.kinds)

    def take(self, rows: Integers) -> Slots:
        """The slots at `rows`, in that order."""
        return Slots(
            self.features.take(rows),
            self.kinds[rows],
            self.functions[rows],
            self.words[rows],
            self.mentions[rows],
            self.places[rows],
            self.members[rows],
            self.owners[rows],
            self.names[rows],
        )

    @classmethod
    def join(cls, parts: Sequence[Slots]) -> Slots:
        """Slots of several tables as one table; their function and name numbers must differ already."""
        return cls(
            Bags.join([part.features for part in parts]),
            np.concatenate([part.kinds for part in parts]),
            np.concatenate([part.functions for part in parts]),
            np.concatenate([part.words for part in parts]),
            np.concatenate([part.mentions for part in parts]),
            np.concatenate([part.places for part in parts]),
            np.concatenate([part.members for part in parts]),
            np.concatenate([part.owners for part in parts]),
            np.concatenate([part.names for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class Candidates:
    """n candidates: bags of features, and what is compared with slots.

    names (n,), words (n, 6) of the name, last first, members (n, 48).
    """

    features: Bags
    names: Keys
    words: Keys
    members: Keys

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Integers) -> Candidates:
        """The candidates at `rows`, in that order."""
        return Candidates(self.features.take(rows), self.names[rows], self.words[rows], self.members[rows])

    @classmethod
    def join(cls, parts: Sequence[Candidates]) -> Candidates:
        """Candidates of several tables as one table."""
        return cls(
            Bags.join([part.features for part in parts]),
            np.concatenate([part.names for part in parts]),
            np.concatenate([part.words for part in parts]),
            np.concatenate([part.members for part in parts]),
        )


def key(text: str) -> int:
    """The key of a feature; never 0, which stands for nothing."""
    return crc32(text.encode("utf-8", "surrogatepass")) or 1


def _keys(texts: Iterable[str], length: int | None = None) -> Keys:
    values = [key(text) for text in texts]
    if length is not None:
        values = values[:length] + [0] * (length - len(values))
    return np.array(values, dtype=np.uint32)


def _words(name: str) -> list[str]:
    """The words of a name, in the singular and last first: the last says most."""
    words = name_words(name)
    return [w[:-1] if len(w) > 3 and w.endswith("s") and w[-2] != "s" else w for w in reversed(words)]


def encode_slots(
    functions: Sequence[FunctionSlice],
    keep: Callable[[SlotSlice], bool] = lambda slot: True,  # noqa: ARG005 - everything is kept
) -> Slots:
    """Encode the slots that `keep` wants. What returns say is kept apart from what other slots say."""
    rows = [(n, f.class_name, s) for n, f in enumerate(functions) for s in f.slots if keep(s)]
    features, words, mentions, places, members = [], [], [], [], []
    for _, class_name, slot in rows:
        salt = "return|" if slot.kind == "return" else ""
        features.append(_keys([*(salt + feature for feature in slot.features), f"slot:{slot.kind}"]))
        words.append(_keys(_words(slot.name.rpartition(".")[2]), _WORDS))
        mentioned = _mentions(slot, class_name)
        mentions.append(_keys(mentioned, _MENTIONS))
        places.append([*mentioned.values(), *[0] * _MENTIONS][:_MENTIONS])
        members.append(_keys(slot.members, _USED_MEMBERS))
    return Slots(
        Bags.of(features),
        np.array([KINDS.index(slot.kind) for _, _, slot in rows], dtype=np.uint8),
        np.array([number for number, _, _ in rows], dtype=np.int64),
        np.array(words, dtype=np.uint32).reshape(-1, _WORDS),
        np.array(mentions, dtype=np.uint32).reshape(-1, _MENTIONS),
        np.array(places, dtype=np.uint8).reshape(-1, _MENTIONS),
        np.array(members, dtype=np.uint32).reshape(-1, _USED_MEMBERS),
        np.array([key(name) if name else 0 for _, name, _ in rows], dtype=np.uint32),
        number_names([(slot.kind, slot.name) for _, _, slot in rows]),
    )


def number_names(slots: Iterable[tuple[str, str]]) -> Integers:
    """Numbers from 1 for the distinct names in (kind, name); `self.x` is as good as `x`; 0 for returns."""
    numbers: dict[str, int] = {}
    return np.array(
        [
            0 if kind == "return" else numbers.setdefault(name.removeprefix("self."), len(numbers) + 1)
            for kind, name in slots
        ],
        dtype=np.int64,
    )


def _mentions(slot: SlotSlice, class_name: str) -> dict[str, int]:
    """Names that may be types in the features of a slot, and the strongest place each stands at."""
    found: dict[str, int] = {}
    for feature in slot.features:
        for place, prefixes in enumerate(_MENTION_PLACES):
            if feature.startswith(prefixes):
                name = feature.rpartition(":")[2].rpartition(".")[2]
                found[name] = min(place, found.get(name, place))
    if slot.name in {"__enter__", "__aenter__", "__new__"}:
        found.setdefault(class_name, 3)
    return found


def encode_candidates(candidates: Sequence[Candidate]) -> Candidates:
    """Encode candidates by their names, members, bases, modules and documentation."""
    rows = [_encode_candidate(candidate) for candidate in candidates]
    return Candidates(
        Bags.of([features for features, _, _, _ in rows]),
        np.array([name for _, name, _, _ in rows], dtype=np.uint32),
        np.array([words for _, _, words, _ in rows], dtype=np.uint32).reshape(-1, _WORDS),
        np.array([members for _, _, _, members in rows], dtype=np.uint32).reshape(-1, _KNOWN_MEMBERS),
    )


@lru_cache(maxsize=32768)  # the modules of a package have most of their candidates in common
def _encode_candidate(candidate: Candidate) -> tuple[Keys, int, Keys, Keys]:
    """Features, name, words and members of a candidate."""
    words = _words(candidate.name)
    texts = [f"name:{candidate.name}", *(f"word:{word}" for word in words)]
    texts += [f"last-word:{words[0]}"] if words else []
    texts += [f"member:{member}" for member in candidate.members[:24]]
    texts += [f"base:{base}" for base in candidate.bases]
    texts += [f"document:{word.lower()}" for word in candidate.documentation.split()[:12]]
    texts.append(f"length:{min(len(candidate.name), 2)}")
    root, dot, _ = candidate.qualified_name.partition(".")
    texts += [f"module:{root}"] if dot and candidate.origin == "import" else []
    return (
        _keys(f"type|{text}" for text in texts),
        key(candidate.name),
        _keys(words, _WORDS),
        _keys(candidate.members, _KNOWN_MEMBERS),
    )


def relevant(slots: Slots, candidates: Candidates, origins: NDArray[np.uint8]) -> Integers:
    """Positions of the candidates worth ranking: all that are in sight; of those elsewhere, the ones that
    slots name or share words with, the best `_MAXIMUM_ELSEWHERE`.
    """
    named = np.setdiff1d(np.concatenate((slots.words.ravel(), slots.mentions.ravel())), [0])
    shared = np.isin(candidates.words, named).sum(axis=1) / np.maximum((candidates.words != 0).sum(axis=1), 1)
    shared = shared + 2 * np.isin(candidates.names, named)
    elsewhere = np.flatnonzero((origins == _ELSEWHERE) & (shared > 0))
    best = elsewhere[np.argsort(-shared[elsewhere], kind="stable")[:_MAXIMUM_ELSEWHERE]]
    return np.sort(np.concatenate((np.flatnonzero(origins != _ELSEWHERE), best)))


def pair_features(
    slots: Slots, rows: Integers, candidates: Candidates, columns: Integers, origins: NDArray[np.uint8]
) -> Floats:
    """How slot `rows[i]` and candidate `columns[i]`, seen as `origins[i]`, fit: (m, PAIR_FEATURES)."""
    result = np.zeros((len(rows), PAIR_FEATURES), dtype=np.float32)
    words, known_words = slots.words[rows], candidates.words[columns]
    same = (words[:, :, None] == known_words[:, None, :]) & (words[:, :, None] != 0)
    count, known_count = (words != 0).sum(axis=1), (known_words != 0).sum(axis=1)
    result[:, 0] = same.any(axis=2).sum(axis=1) / np.maximum(count, 1)
    result[:, 1] = same.any(axis=1).sum(axis=1) / np.maximum(known_count, 1)
    result[:, 2] = same[:, 0, 0]
    result[:, 3] = (result[:, 0] == 1) & (result[:, 1] == 1)
    named = slots.mentions[rows] == candidates.names[columns][:, None]
    for place in range(len(_MENTION_PLACES)):
        result[:, 4 + place] = (named & (slots.places[rows] == place)).any(axis=1)
    result[:, 10] = slots.owners[rows] == candidates.names[columns]
    used = (slots.members != 0).sum(axis=1)
    known = (candidates.members != 0).any(axis=1)
    both = np.flatnonzero((used[rows] > 0) & known[columns])
    wanted = slots.members[rows[both]]
    held = (wanted[:, :, None] == candidates.members[columns[both]][:, None, :]) & (wanted[:, :, None] != 0)
    share = held.any(axis=2).sum(axis=1) / used[rows[both]]
    result[both, 11], result[both, 12], result[both, 13] = share, share == 1, share == 0
    for place, origin in enumerate(("elsewhere", "class", "import")):
        result[:, 14 + place] = origins == ORIGINS.index(origin)
    return result


def known_features(bags: Bags, features: Keys) -> tuple[Integers, Integers]:
    """The known keys of all bags, as positions in the sorted `features`, and the bag of each."""
    segments = np.repeat(np.arange(len(bags.offsets) - 1), np.diff(bags.offsets))
    rows = np.searchsorted(features, bags.keys)
    known = rows < len(features)
    known[known] = features[rows[known]] == bags.keys[known]
    return rows[known], segments[known]
