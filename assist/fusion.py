"""How well an API fits a question: one score from all that the searches and the API itself say.

A conditional logit (McFadden, 1974): of all candidates of a question, those that answer it should be likely.
`benchmarks/api/fit.py` fits the weights in `fusion.json` on solved questions, once with vectors and once
without. What such questions cannot teach has weights that were set by hand: what this workspace calls and
imports, what its documents say, what is deprecated here (the questions are old).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from typewright.indexer.words import parts, stem, stems

if TYPE_CHECKING:
    from typewright.indexer.records import Api

WEIGHTS: Final = Path(__file__).with_name("fusion.json")
BY_HAND: Final[Mapping[str, float]] = {
    "voted for by documents": 4.0,
    "calls in the workspace": 0.5,
    "not imported here": -1.0,
    "deprecated": -1.5,
}
_KINDS: Final = frozenset({"function", "method", "class", "module"})
_DEEPEST: Final = 5
_SUMMARY: Final = 200  # characters of a documentation that stand for a summary where there is none
_IN_FULL: Final = {
    "bool": "boolean",
    "dict": "dictionary",
    "int": "integer",
    "re": "regex",
    "str": "string",
}


@dataclass(frozen=True, slots=True)
class Match:
    """What the searches say of an API.

    `similarity` is the cosine with the question, None without a vector; `words` the BM25 score as a share of
    the best, 0 to 1; `votes` how much documents that fit name it, 0 to 1; `accessible` whether its library is
    imported by the file or the workspace, or always there.
    """

    similarity: float | None = None
    words: float = 0.0
    votes: float = 0.0
    accessible: bool = True


def features(asked: frozenset[str], api: Api, match: Match) -> dict[str, float]:
    """Return what speaks for an API; `asked` are the stems of the telling words of the question."""
    *owners, last = api.name.split(".")
    kind = api.kind if api.kind in _KINDS else "other"
    uses = math.log1p(api.uses)
    in_name = _share(last, asked)
    summary = stems(api.summary or api.documentation[:_SUMMARY])
    return {
        "similarity": match.similarity or 0.0,
        "without a vector": float(match.similarity is None),
        "words": match.words,
        "name in the question": in_name,
        "whole name in the question": float(in_name == 1.0),
        "owner in the question": _share(owners[-1], asked) if owners else 0.0,
        "library in the question": float(bool(owners) and _share(owners[0], asked) > 0.0),
        "question in the summary": len(summary & asked) / max(1, len(asked)),
        "length of the documentation": math.log1p(len(api.documentation)),
        "calls in libraries": uses,
        kind: 1.0,
        f"{kind}, calls in libraries": uses,
        f"{min(len(owners), _DEEPEST)} dots": 1.0,
        "voted for by documents": match.votes,
        "calls in the workspace": math.log1p(api.popularity),
        "not imported here": float(not match.accessible),
        "deprecated": float(bool(api.deprecated)),
    }


def score(found: Mapping[str, float], *, vectors: bool) -> float:
    """Return the log-odds of an API among the candidates, up to a constant for the question."""
    weights = _weights()["with vectors" if vectors else "without vectors"]
    return sum(BY_HAND.get(name, weights.get(name, 0.0)) * value for name, value in found.items())


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    return json.loads(WEIGHTS.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _share(name: str, asked: frozenset[str]) -> float:
    """The share of the parts of a name that the question has, as they stand or in full."""
    words = parts(name) or [name.lower()]
    return sum(stem(word) in asked or stem(_IN_FULL.get(word, word)) in asked for word in words) / len(words)
