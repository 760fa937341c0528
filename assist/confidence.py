"""How sure a type is: one probability for what analysis and type model say of it together.

A conditional logit (McFadden, 1974) over the candidates of a slot, with "none of these" as one more choice:
the candidates compete, and their probabilities leave room for the type that nobody named. What speaks for a
candidate are the log-odds of the type model, the certainty of the analysis and how the two stand to each
other (`type_expressions.relation`). `benchmarks/annotate/confidence.py` fits the weights in `confidence.json`
on packages that neither the type model nor the benchmarks know; docs/annotate.md has the reliability.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from typewright.assist.sight import Standing
from typewright.assist.type_expressions import Relation

WEIGHTS: Final = Path(__file__).with_name("confidence.json")
_LEAST: Final = 0.005  # probabilities nearer to 0 or 1 are not told apart
_HEADS: Final = frozenset(
    {"None", "bool", "bytes", "Callable", "dict", "float", "int", "list", "object", "set", "str", "tuple"}
)
# The outermost names that people write often enough to count how often they do.
_COMMON_HEADS: Final = _HEADS | {
    "Any",
    "Generator",
    "Iterable",
    "Iterator",
    "Mapping",
    "Self",
    "Sequence",
    "type",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What the analysis says of a slot.

    `certainty` is its own, `partial` whether a part of the type is open, `evidence` the kinds of evidence it
    has, `head` the outermost name of the type ('' for a union), `arms` how many alternatives it has.
    """

    certainty: float
    partial: bool
    evidence: frozenset[str]
    head: str
    arms: int


@dataclass(frozen=True, slots=True)
class Guessed:
    """What the type model says of a type: probability, rank (0 is the best), lead over the next one."""

    probability: float
    rank: int
    lead: float


@dataclass(frozen=True, slots=True)
class Look:
    """What a candidate looks like in the file.

    `head` is its outermost name ('' for a union), `bare` whether that has no arguments, `size` how many
    names there are, `head_mass` the probability of all guesses with the same outermost names. `standings`
    counts how its names stand to the file (`assist/sight.py`), `waiting` says whether the file imports
    names that nothing uses yet. `steps` is how it comes about from what the analysis knows
    (`analysis/variants.py`).
    """

    head: str
    bare: bool
    standings: Mapping[Standing, int]
    waiting: bool
    size: int
    head_mass: float
    steps: tuple[str, ...] = ()


def features(
    kind: str, guessed: Guessed | None, known: Known | None, relation: Relation | None, look: Look
) -> dict[str, float]:
    """Return what the confidence in a candidate depends on.

    `guessed` is None where the type model did not name the type, `known` where the analysis has none,
    `relation` says how the candidate stands to what is known: "same" for the known type itself.
    """
    found: dict[str, float] = {}
    stands = relation or "open"
    found[f"{kind}, {stands}"] = 1.0
    if guessed is None:
        found[f"{kind}, not guessed"] = 1.0
    else:
        odds = _log_odds(guessed.probability)
        found[f"{kind}, guessed"] = odds
        found[f"{stands}, guessed"] = odds
        found["first guess"] = float(guessed.rank == 0)
        found["lead"] = guessed.lead
    if known is not None:
        found[f"{stands}, certainty"] = known.certainty
        found[f"{stands}, partial"] = float(known.partial)
        found[f"{stands}, alternatives"] = float(min(known.arms, 4) - 1)
        if relation == "same":
            found.update({f"{kind}, {evidence}": 1.0 for evidence in known.evidence})
            head = known.head if known.head in _HEADS else "another"
            found[f"{kind}, {head}"] = 1.0
            if guessed is None:
                found[f"not guessed, {head}"] = 1.0
        elif known.head in _HEADS:
            found[f"{stands} than {known.head}"] = 1.0
    found.update(_appearance(kind, look))
    if look.steps:
        found.update({f"{kind}, {step}": 1.0 for step in look.steps})
        found[f"variant, {'not ' if guessed is None else ''}guessed"] = 1.0
        if known is not None:
            found["variant, certainty"] = known.certainty
            found["variant, partial"] = float(known.partial)
    return found


def _appearance(kind: str, look: Look) -> dict[str, float]:
    found = {f"{kind}, size": math.log2(1 + look.size), f"{kind}, head": _log_odds(look.head_mass)}
    if look.head in _COMMON_HEADS:
        found[f"{kind}, says {look.head}"] = 1.0
        if look.bare:
            found[f"bare {look.head}"] = 1.0
    for standing, count in look.standings.items():
        where = f"{standing}, imports wait" if look.waiting else standing
        found[f"{kind}, {where}"] = 1.0
        found[where] = float(min(count, 3))
    return found


def confidences(candidates: Sequence[Mapping[str, float]], *, with_guesses: bool) -> list[float]:
    """Return for each candidate of a slot, by its features, the probability that a person would write it.

    They add up to less than 1; what is left is the chance that it is none of them.
    """
    weights = _weights()["with guesses" if with_guesses else "without guesses"]
    return probabilities(candidates, weights)


def probabilities(candidates: Sequence[Mapping[str, float]], weights: Mapping[str, float]) -> list[float]:
    """Return the probabilities of candidates under given weights."""
    scores = [sum(weights.get(name, 0.0) * value for name, value in found.items()) for found in candidates]
    highest = max([0.0, *scores])
    shares = [math.exp(score - highest) for score in scores]
    whole = math.exp(-highest) + sum(shares)
    return [share / whole for share in shares]


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    loaded: Mapping[str, Mapping[str, float]] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return loaded


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(bounded / (1 - bounded))
