"""What the type model sees of slots and of candidate types: tables of 32-bit keys.

A key is the CRC-32 of a feature string, its last bits aside, so neither training nor inference keeps a
vocabulary of strings. Everything here serves both, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import combinations
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

GROUPS = 4
_WORDS, _MENTIONS, _USED_MEMBERS, _KNOWN_MEMBERS = 6, 24, 12, 64
_CONTEXT_WORDS, _FLOW_WORDS, _DOCUMENT_WORDS, _ABBREVIATIONS = 12, 12, 16, 16

# Features are pooled by group, so that the many do not drown the few: what a slot is, what is done with it,
# what stands around it, and where its value comes from or goes.
_IDENTITY = frozenset(
    {
        *("name", "word", "first-word", "last-word", "begins", "ends", "kind", "position", "default"),
        *("last-word-default", "slot", "of", "overrides", "async", "length"),
    }
)
_SURROUNDINGS = frozenset(
    {
        *("function", "function-word", "class-word", "base", "sibling", "scope", "decorator", "in-decorator"),
        *("in-class", "document", "document-type", "document-type-word", "summary", "body", "module"),
    }
)
_FLOW = frozenset(
    {
        *("assigned", "returns", "yields", "element", "argument", "result", "attribute", "returned", "via"),
        *(
            "from",
            "copy",
            "becomes",
            "stored",
            "with",
            "unpacked",
            "generator",
            "starred",
            "raises",
            "caught",
        ),
    }
)

# How the features of a slot may name a type: where the name stands says what it means.
MENTION_PLACES = (
    ("isinstance:", "becomes-isinstance:", "copy-isinstance:"),
    ("assigned:call:", "with:call:", "caught:name:", "default:call:", "default:attribute:"),
    ("argument:call:", "or:call:", "attribute-or:call:", "argument-assigned:call:", "copy-assigned:call:"),
    (
        *("returns:call:", "yields:call:", "returned-assigned:call:", "returns:await:call:", "returns:name:"),
        *("from-returns:call:", "via-returns:call:"),
    ),
    ("document-type-word:",),
    ("compared:", "element:call:", "assigned:attribute:", "document:", "summary:"),
)
_ALL_PLACES = tuple(prefix for prefixes in MENTION_PLACES for prefix in prefixes)

# Features whose words may be those of the slot's type, though they are not in its name.
_CONTEXT = ("function:", "class-word:", "in-class:")
_FLOWING = (
    *("stored:", "keyword:", "argument:name:", "argument:attribute:", "becomes:", "returns:name:"),
    *(
        "assigned:callee-word:",
        "returns:callee-word:",
        "assigned:word:",
        "element:word:",
        "attribute-becomes:",
    ),
)


@dataclass(frozen=True, slots=True)
class Bags:
    """Bags of keys, one after the other: bag i is `keys[offsets[i]:offsets[i + 1]]`."""

    keys: Keys
    offsets: Integers

    @property
    def count(self) -> int:
        """How many bags."""
        return len(self.offsets) - 1

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
    number share a name in a module, 0 for returns; modules (n,): in which module each stands; words (n, 6) of
    the name, last first; context, flow, document (n, …): words of what stands around it, of what it comes
    from or becomes, of what is written about it; mentions (n, 24): names of types that its features speak
    of, and places (n, 24): how; members (n, 12) used on it; owners (n,): the class it stands in.
    """

    features: Bags
    kinds: NDArray[np.uint8]
    functions: Integers
    words: Keys
    context: Keys
    flow: Keys
    document: Keys
    mentions: Keys
    places: NDArray[np.uint8]
    members: Keys
    owners: Keys
    names: Integers
    modules: Integers

    def __len__(self) -> int:
        return len(self.kinds)

    def take(self, rows: Integers) -> Slots:
        """The slots at `rows`, in that order."""
        return Slots(self.features.take(rows), *(getattr(self, name)[rows] for name in _columns(Slots)))

    @classmethod
    def join(cls, parts: Sequence[Slots]) -> Slots:
        """Slots of several tables as one table; their numbers must differ already."""
        columns = (np.concatenate([getattr(part, name) for part in parts]) for name in _columns(cls))
        return cls(Bags.join([part.features for part in parts]), *columns)


@dataclass(frozen=True, slots=True)
class Candidates:
    """n candidates: bags of features, and what is compared with slots.

    names (n,), words (n, 6) of the name, last first, abbreviations (n, 16) of the last word, members (n, 64),
    counts (n, 2): of importers and of subclasses.
    """

    features: Bags
    names: Keys
    words: Keys
    abbreviations: Keys
    members: Keys
    counts: Floats

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Integers) -> Candidates:
        """The candidates at `rows`, in that order."""
        columns = (getattr(self, name)[rows] for name in _columns(Candidates))
        return Candidates(self.features.take(rows), *columns)

    @classmethod
    def join(cls, parts: Sequence[Candidates]) -> Candidates:
        """Candidates of several tables as one table."""
        columns = (np.concatenate([getattr(part, name) for part in parts]) for name in _columns(cls))
        return cls(Bags.join([part.features for part in parts]), *columns)


def _columns(table: type[Slots] | type[Candidates]) -> tuple[str, ...]:
    """The fields beside the features, which come first."""
    return tuple(each.name for each in fields(table))[1:]


def key(text: str, group: int = 0) -> int:
    """The key of a feature, with its group in the low bits; never 0, which stands for nothing."""
    return (crc32(text.encode("utf-8", "surrogatepass")) & ~(GROUPS - 1) | group) or GROUPS


def group_of(feature: str) -> int:
    """In which of the groups a feature is pooled."""
    return _group_of_head(feature.partition(":")[0])


@lru_cache(maxsize=4096)
def _group_of_head(head: str) -> int:
    if head in _IDENTITY:
        return 0
    if head in _SURROUNDINGS:
        return 2
    return 3 if head.partition("-")[0].partition("#")[0] in _FLOW else 1


def _keys(texts: Iterable[str], length: int | None = None) -> Keys:
    values = [key(text) for text in texts]
    if length is not None:
        values = values[:length] + [0] * (length - len(values))
    return np.array(values, dtype=np.uint32)


def _feature_keys(features: Iterable[str], salt: str) -> Keys:
    """The keys of features, group by group."""
    found = np.array([key(salt + feature, group_of(feature)) for feature in features], dtype=np.uint32)
    return found[np.argsort(found % GROUPS, kind="stable")]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] != "s" else word


def _words(name: str) -> list[str]:
    """The words of a name, in the singular and last first: the last says most."""
    return [_singular(word) for word in reversed(name_words(name))]


def encode_slots(
    functions: Sequence[FunctionSlice],
    keep: Callable[[SlotSlice], bool] = lambda slot: True,  # noqa: ARG005 - everything is kept
) -> Slots:
    """Encode the slots of a module that `keep` wants. What returns say is kept apart from what others say."""
    rows = [(n, f.class_name, s) for n, f in enumerate(functions) for s in f.slots if keep(s)]
    features = []
    mentioned = [_mentions(slot, class_name) for _, class_name, slot in rows]
    for _, _, slot in rows:
        salt = "return|" if slot.kind == "return" else ""
        features.append(_feature_keys([*slot.features, f"slot:{slot.kind}"], salt))

    def table(texts: Iterable[Iterable[str]], length: int) -> Keys:
        return np.array([_keys(row, length) for row in texts], dtype=np.uint32).reshape(-1, length)

    slots = [slot for _, _, slot in rows]
    return Slots(
        Bags.of(features),
        np.array([KINDS.index(slot.kind) for slot in slots], dtype=np.uint8),
        np.array([number for number, _, _ in rows], dtype=np.int64),
        table((_words(slot.name.rpartition(".")[2]) for slot in slots), _WORDS),
        table((_words_after(slot, _CONTEXT) for slot in slots), _CONTEXT_WORDS),
        table((_words_after(slot, _FLOWING) for slot in slots), _FLOW_WORDS),
        table((_words_after(slot, ("document:", "summary:")) for slot in slots), _DOCUMENT_WORDS),
        table(mentioned, _MENTIONS),
        np.array(
            [[*found.values(), *[0] * _MENTIONS][:_MENTIONS] for found in mentioned], dtype=np.uint8
        ).reshape(-1, _MENTIONS),
        table((slot.members for slot in slots), _USED_MEMBERS),
        np.array([key(name) if name else 0 for _, name, _ in rows], dtype=np.uint32),
        number_names([(slot.kind, slot.name) for slot in slots]),
        np.zeros(len(rows), dtype=np.int64),
    )


def _words_after(slot: SlotSlice, prefixes: tuple[str, ...]) -> list[str]:
    """The words of the features that begin with one of `prefixes`, each once."""
    found = (feature.rpartition(":")[2] for feature in slot.features if feature.startswith(prefixes))
    return list(dict.fromkeys(word for name in found for word in _words(name)))


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
        if not feature.startswith(_ALL_PLACES):
            continue
        for place, prefixes in enumerate(MENTION_PLACES):
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
        Bags.of([row[0] for row in rows]),
        np.array([row[1] for row in rows], dtype=np.uint32),
        np.array([row[2] for row in rows], dtype=np.uint32).reshape(-1, _WORDS),
        np.array([row[3] for row in rows], dtype=np.uint32).reshape(-1, _ABBREVIATIONS),
        np.array([row[4] for row in rows], dtype=np.uint32).reshape(-1, _KNOWN_MEMBERS),
        np.array([(c.importers, c.subclasses) for c in candidates], dtype=np.float32).reshape(-1, 2),
    )


@lru_cache(maxsize=32768)  # the modules of a package have most of their candidates in common
def _encode_candidate(candidate: Candidate) -> tuple[Keys, int, Keys, Keys, Keys]:
    """Features, name, words, abbreviations and members of a candidate."""
    words = _words(candidate.name)
    texts = [f"name:{candidate.name}", *(f"word:{word}" for word in words)]
    if words:
        texts += [f"last-word:{words[0]}", f"ends:{words[0][-4:]}"]
    texts += [f"member:{member}" for member in candidate.members[:32]]
    texts += [f"base:{base}" for base in candidate.bases]
    texts += [f"document:{word.lower()}" for word in candidate.documentation.split()[:12]]
    texts.append(f"length:{min(len(candidate.name), 2)}")
    root, dot, _ = candidate.qualified_name.partition(".")
    texts += [f"module:{root}"] if dot and candidate.origin in ("import", "annotation") else []
    return (
        _feature_keys(texts, "type|"),
        key(candidate.name),
        _keys(words, _WORDS),
        _keys(_abbreviations(words), _ABBREVIATIONS),
        _keys(candidate.members, _KNOWN_MEMBERS),
    )


def _abbreviations(words: Sequence[str]) -> list[str]:
    """How variables may shorten a name: the beginning or three consonants of its last word, its initials."""
    if not words or len(words[0]) < 3:
        return []
    last = words[0]
    initials = ["".join(word[0] for word in reversed(words))] if len(words) > 1 else []
    beginnings = [last[:length] for length in (3, 4, 5, 2) if length < len(last)]
    consonants = [letter for letter in last[1:] if letter not in "aeiou"][:5]
    shortened = [last[0] + first + second for first, second in combinations(consonants, 2)]
    return list(dict.fromkeys((*initials, *beginnings, *shortened)))


def known_features(bags: Bags, features: Keys) -> tuple[Integers, Integers]:
    """The known keys of all bags, as positions in the sorted `features`, and the segment of each.

    Group g of bag b is segment `b * GROUPS + g`; segments come in ascending order.
    """
    bag = np.repeat(np.arange(len(bags.offsets) - 1), np.diff(bags.offsets))
    rows = np.searchsorted(features, bags.keys)
    known = rows < len(features)
    known[known] = features[rows[known]] == bags.keys[known]
    return rows[known], bag[known] * GROUPS + (bags.keys[known] % GROUPS).astype(np.int64)
