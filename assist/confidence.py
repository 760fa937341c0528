"""How sure a type is: one probability for what analysis and type model say of it together.

A logistic regression (the log-odds of both sources are added, as if they erred independently), fitted by
`benchmarks/annotate/confidence.py` on packages that neither the type model nor the benchmarks know. The
reliability of the result is in docs/annotate.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_LEAST: Final = 0.005  # probabilities nearer to 0 or 1 are not told apart


@dataclass(frozen=True, slots=True)
class Known:
    """What the analysis says of a slot: how certain, and whether its type is open in part or is None."""

    certainty: float
    partial: bool
    none: bool


# With a model to ask, and without one.
WITH_GUESSES: Final[Mapping[str, float]] = {
    "param": 0.12,
    "return": 0.06,
    "variable": 0.18,
    "guessed": 1.01,
    "not guessed": -3.12,
    "agrees": 1.33,
    "agrees, certainty": 1.3,
    "agrees, partial": -1.7,
    "agrees, none": -1.27,
    "differs": -0.82,
    "differs, certainty": -0.22,
    "completes": 0.6,
}
WITHOUT_GUESSES: Final[Mapping[str, float]] = {
    "param": 0.38,
    "return": 0.0,
    "variable": -0.76,
    "agrees": -0.38,
    "agrees, certainty": 1.64,
    "agrees, partial": -2.56,
    "agrees, none": 1.78,
}


def features(
    kind: str, guessed: float | None, known: Known | None, *, agrees: bool, completes: bool
) -> dict[str, float]:
    """Return what the confidence in a type depends on.

    `guessed` is the type model's probability (None where it did not name the type), `known` what the analysis
    says of the slot (None where it is open), which `agrees` with the type, or is `completed` by it.
    """
    found = {kind: 1.0}
    if guessed is None:
        found["not guessed"] = 1.0
    else:
        probability = min(max(guessed, _LEAST), 1 - _LEAST)
        found["guessed"] = math.log(probability / (1 - probability))
    if known is not None and agrees:
        found["agrees"] = 1.0
        found["agrees, certainty"] = known.certainty
        found["agrees, partial"] = float(known.partial)
        found["agrees, none"] = known.certainty * known.none
    elif known is not None:
        found["differs"] = 1.0
        found["differs, certainty"] = known.certainty
        found["completes"] = float(completes)
    return found


def confidence(weights: Mapping[str, float], found: Mapping[str, float]) -> float:
    """Return the probability that a person would write a type with these features."""
    odds = sum(weights.get(name, 0.0) * value for name, value in found.items())
    return 1 / (1 + math.exp(-odds))
