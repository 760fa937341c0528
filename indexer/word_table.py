"""The searched APIs of a database as columns, and an inverted index of their words: all scored at once.

A library's part is made when it is read (`Part`), and stored beside it; `joined` puts the parts together.
What a term weighs in an API is BM25's (Robertson and Zaragoza, 2009) without the term's rarity, which depends
on all parts, and with a typical length in the place of the average, so that no part depends on another.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .arrays import Arrays, pack
from .records import STANDARD_LIBRARY, Api
from .words import IN_FULL, parts, stem, stems, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS: Final = ("function", "method", "class", "module", "other")
"""What `Scan.kind` counts."""

SUMMARY: Final = 200
"""Characters of a documentation that stand for a summary where there is none."""

_TEXT: Final = 2_000  # characters of a documentation that are searched
_LAST, _OWNER, _SUMMARY = 8, 3, 4  # how often a word of these counts beside one of the text
_SATURATION, _LENGTH, _TYPICAL = 1.2, 0.75, 90.0
_SAME: Final = (  # columns that no question changes
    "kind", "dots", "uses", "length", "deprecated", "standard", "top", "names", "order", "name_order"
)  # fmt: skip
_STEPS: Final = 255 / (_SATURATION + 1)  # an impact as a byte
_IN_SUMMARY, _IN_LIBRARY = 1, 2  # flags of a posting


def hashed(text: str) -> int:
    """Return a text as 64 bits; two of one index are hardly ever alike."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def is_searched(api: Api) -> bool:
    """Whether a search is to find an API: not what another class defines, nor a value without a word."""
    return not api.inherited and bool(api.documentation or api.kind != "attribute")


def calls_name(api: Api) -> str:
    """Return the name under which calls of an API are counted: how a method is called says not its class."""
    bound = api.kind in ("method", "property", "attribute")
    return "." + api.name.rpartition(".")[2] if bound else api.name


class Part:
    """Collects the searched APIs of one library."""

    def __init__(self) -> None:
        self._terms: Final[dict[str, int]] = {}
        self._columns: Final[list[tuple[object, ...]]] = []
        self._postings: Final[list[tuple[int, int, int, int, int, int]]] = []

    def add(self, row: int, api: Api) -> None:
        """Add an API and the number of its row in the database."""
        *owners, last = api.name.split(".")
        weights: Counter[str] = Counter()
        for text, weight in (
            (last, _LAST), (".".join(owners), _OWNER), (api.summary, _SUMMARY), (api.documentation[:_TEXT], 1)
        ):  # fmt: skip
            for word in words(text):
                weights[stem(word)] += weight
        in_name, name_parts = self._name(last)
        in_owner, owner_parts = self._name(owners[-1] if owners else "")
        in_library, _ = self._name(owners[0] if owners else "")
        told = stems(api.summary or api.documentation[:SUMMARY])
        length = _SATURATION * (1 - _LENGTH + _LENGTH * weights.total() / _TYPICAL)
        document = len(self._columns)
        for term in {*weights, *in_name, *in_owner, *in_library}:
            count = weights[term]
            impact = round(_STEPS * count * (_SATURATION + 1) / (count + length))
            flags = _IN_SUMMARY * (term in told) | _IN_LIBRARY * (term in in_library)
            number = self._terms.setdefault(term, len(self._terms))
            self._postings.append(
                (number, document, impact, min(in_name[term], 255), min(in_owner[term], 255), flags)
            )
        kind = KINDS.index(api.kind) if api.kind in KINDS else len(KINDS) - 1
        self._columns.append(
            (row, hashed(owners[0] if owners else last), hashed(calls_name(api)), hashed(api.name),
             math.log1p(len(api.documentation)), kind, min(len(owners), 255), min(name_parts, 255),
             min(owner_parts, 255), bool(api.deprecated), api.distribution == STANDARD_LIBRARY)
        )  # fmt: skip

    def packed(self) -> bytes:
        """Return what was added."""
        columns = zip(*self._columns, strict=True) if self._columns else [()] * len(_COLUMNS)
        arrays: dict[str, NDArray[Any]] = {
            name: np.asarray(values, kind)
            for (name, kind), values in zip(_COLUMNS.items(), columns, strict=True)
        }
        found = np.asarray(self._postings, np.uint32).reshape(-1, 1 + len(_POSTINGS))
        order = np.asarray([hashed(term) for term in self._terms], np.uint64)
        terms, number = np.unique(order, return_inverse=True)
        term = number[found[:, 0]] if len(found) else np.zeros(0, np.int64)
        found = found[np.argsort(term, kind="stable")]
        arrays["terms"] = terms
        arrays["starts"] = np.concatenate([[0], np.cumsum(np.bincount(term, minlength=len(terms)))])
        for place, (name, kind) in enumerate(_POSTINGS.items(), 1):
            arrays[name] = found[:, place].astype(kind)
        return pack(arrays)

    def _name(self, name: str) -> tuple[Counter[str], int]:
        """The stems of the parts of a name, as they stand and in full, and how many parts it has."""
        found = parts(name) or [name.lower()] * bool(name)
        counted = Counter(each for word in found for each in {stem(word), stem(IN_FULL.get(word, word))})
        if len(found) > 1:  # `DataFrame` is asked for as dataframe, too
            counted[stem("".join(found))] += len(found)
        return counted, len(found)


_COLUMNS: Final[Mapping[str, type[np.generic]]] = {
    "rows": np.int64, "top": np.uint64, "calls": np.uint64, "names": np.uint64, "length": np.float32,
    "kind": np.uint8, "dots": np.uint8, "name_parts": np.uint8, "owner_parts": np.uint8,
    "deprecated": np.bool_, "standard": np.bool_,
}  # fmt: skip
_POSTINGS: Final[Mapping[str, type[np.generic]]] = {
    "documents": np.uint32, "impacts": np.uint8, "in_name": np.uint8, "in_owner": np.uint8, "flags": np.uint8,
}  # fmt: skip


def joined(found: Sequence[Arrays], calls: Mapping[str, int]) -> Arrays:
    """Return the parts as one table; `calls` counts the calls in all libraries by `calls_name`."""
    every = [each["terms"] for each in found]
    terms = np.unique(np.concatenate(every)) if every else np.zeros(0, np.uint64)
    places = [np.searchsorted(terms, each) for each in every]
    counts = [np.diff(each["starts"]) for each in found]
    sizes = np.zeros(len(terms), np.int64)
    for place, count in zip(places, counts, strict=True):
        sizes[place] += count
    starts = np.concatenate([[0], np.cumsum(sizes)])
    postings = {name: np.empty(starts[-1], kind) for name, kind in _POSTINGS.items()}
    free, first = starts[:-1].copy(), 0
    for part, place, count in zip(found, places, counts, strict=True):
        into = np.repeat(free[place] - part["starts"][:-1], count) + np.arange(count.sum())
        free[place] += count
        for name, values in postings.items():
            values[into] = part[name] + (first if name == "documents" else 0)
        first += len(part["rows"])
    columns = {
        name: np.concatenate([each[name] for each in found]) if found else np.zeros(0, kind)
        for name, kind in _COLUMNS.items()
    }
    counted = dict(zip(map(hashed, calls), calls.values(), strict=True))
    uses = np.log1p(np.asarray([counted.get(name, 0) for name in columns["calls"].tolist()]))
    orders = {"order": np.argsort(columns["rows"]), "name_order": np.argsort(columns["names"])}
    return {
        **columns,
        **orders,
        "uses": uses.astype(np.float32),
        "terms": terms,
        "starts": starts,
        **postings,
    }


@dataclass(frozen=True, slots=True)
class Scan:
    """What the words of a question say of every searched API of a table: one entry an API in each array.

    `words` is the BM25 score; `name` and `owner` the share of the parts of its last name, and of the one
    before it, that the question has, `rare_name` the first weighed by rarity, `phrase` whether it has all
    of several; `library` whether it names the first one; `summary` how many of its words the summary has;
    `first` whether the last name has its first one; `quoted` whether the question writes that name as code;
    `embedded` whether there is a vector. `uses` (calls in the libraries) and `length` (characters of
    documentation) are logarithms of one more. `standard` is for the standard library; `top` is an API's
    first name, `hashed`, and `names` its whole one. `order` sorts the rows, `name_order` the names.
    """

    rows: "NDArray[np.int64]"
    words: "NDArray[np.float32]"
    name: "NDArray[np.float32]"
    rare_name: "NDArray[np.float32]"
    phrase: "NDArray[np.bool_]"
    owner: "NDArray[np.float32]"
    library: "NDArray[np.bool_]"
    summary: "NDArray[np.float32]"
    first: "NDArray[np.bool_]"
    quoted: "NDArray[np.bool_]"
    embedded: "NDArray[np.bool_]"
    kind: "NDArray[np.uint8]"
    dots: "NDArray[np.uint8]"
    uses: "NDArray[np.float32]"
    length: "NDArray[np.float32]"
    deprecated: "NDArray[np.bool_]"
    standard: "NDArray[np.bool_]"
    top: "NDArray[np.uint64]"
    names: "NDArray[np.uint64]"
    order: "NDArray[np.int64]"
    name_order: "NDArray[np.int64]"

    def places(self, rows: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Return the places of some rows, those that are here."""
        if not len(self.rows):
            return np.zeros(0, np.int64)
        found = np.searchsorted(self.rows, rows, sorter=self.order)
        places = self.order[np.minimum(found, len(self.rows) - 1)]
        there: NDArray[np.int64] = places[self.rows[places] == rows]
        return there

    def by_name(self, values: Mapping[str, float]) -> "NDArray[np.float32]":
        """Return the value of each API that is named in `values`, 0 for the others."""
        found = np.zeros(len(self.rows), np.float32)
        wanted = np.asarray([hashed(name) for name in values], np.uint64)
        first = np.searchsorted(self.names, wanted, "left", sorter=self.name_order)
        last = np.searchsorted(self.names, wanted, "right", sorter=self.name_order)
        for start, end, value in zip(first, last, values.values(), strict=True):
            found[self.name_order[start:end]] = value
        return found

    def only(self, places: "NDArray[np.int64]") -> "Scan":
        """Return the entries at some places."""
        kept = {each.name: getattr(self, each.name)[places] for each in fields(self)}
        kept |= {"order": np.argsort(kept["rows"]), "name_order": np.argsort(kept["names"])}
        return Scan(**kept)


@dataclass(frozen=True, slots=True)
class WordTable:
    """A table that `joined` has made."""

    arrays: Arrays = field(repr=False)

    def __len__(self) -> int:
        return len(self.arrays["rows"])

    def frequencies(self, terms: Collection[str]) -> "NDArray[np.int64]":
        """Return in how many APIs each of some stems stands."""
        return np.asarray([end - start for start, end in map(self._range, terms)], np.int64)

    def scan(
        self, rarity: Mapping[str, float], embedded: "NDArray[np.bool_]", quoted: Collection[str] = ()
    ) -> Scan:
        """Score every API by stems.

        `rarity` is what each of them weighs, in the order of the question; `embedded` which APIs have a
        vector; `quoted` are stems of names in one word, as `quoted_names` gives them.
        """
        arrays = self.arrays
        count = len(self)
        said, name, rare, owner, summary = (np.zeros(count, np.float32) for _ in range(5))
        library, first, named = (np.zeros(count, np.bool_) for _ in range(3))
        for place, (term, weight) in enumerate(rarity.items()):
            start, end = self._range(term)
            documents = arrays["documents"][start:end]  # each API once
            flags = arrays["flags"][start:end]
            said[documents] += arrays["impacts"][start:end] * np.float32(weight / _STEPS)
            there = np.flatnonzero(arrays["in_name"][start:end])  # far fewer than say it in their text
            known, said_so = documents[there], arrays["in_name"][start:end][there]
            name[known] += said_so
            rare[known] += said_so * np.float32(weight)
            if place == 0:
                first[known] = True
            there = np.flatnonzero(arrays["in_owner"][start:end])
            owner[documents[there]] += arrays["in_owner"][start:end][there]
            summary[documents[np.flatnonzero(flags & _IN_SUMMARY)]] += 1
            library[documents[np.flatnonzero(flags & _IN_LIBRARY)]] = True
        for term in quoted:
            start, end = self._range(term)
            documents = arrays["documents"][start:end]
            whole = arrays["in_name"][start:end] >= np.maximum(arrays["name_parts"][documents], 1)
            named[documents[whole]] = True
        parts_of_name = np.maximum(arrays["name_parts"], 1)
        np.minimum(name / parts_of_name, 1, out=name)
        rare /= parts_of_name
        phrase = (name == 1) & (parts_of_name > 1)
        np.minimum(owner / np.maximum(arrays["owner_parts"], 1), 1, out=owner)
        asked = (said, name, rare, phrase, owner, library, summary, first, named, embedded)
        return Scan(arrays["rows"], *asked, *(arrays[each] for each in _SAME))

    def _range(self, term: str) -> tuple[int, int]:
        terms = self.arrays["terms"]
        wanted = np.uint64(hashed(term))
        place = int(np.searchsorted(terms, wanted))
        if place == len(terms) or terms[place] != wanted:
            return 0, 0
        return int(self.arrays["starts"][place]), int(self.arrays["starts"][place + 1])


def rarity(count: int, frequencies: Sequence[int]) -> list[float]:
    """Return BM25's weight of terms that so many of `count` APIs have."""
    return [math.log(1 + (count - each + 0.5) / (each + 0.5)) for each in frequencies]
