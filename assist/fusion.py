"""How the signals of a recommendation become one order. A learned fusion would take this module's place.

Scores are brought to one scale and added (a convex combination; Bruch, Gai and Ingber, 2023, find it better
than fusing ranks), then weighed by what is known of each API whatever the question is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

WEIGHTS: Mapping[str, float] = {"words": 0.4, "vectors": 0.6, "documents": 0.3}
KINDS: Mapping[str, float] = {"function": 1.0, "method": 1.0, "class": 0.9, "module": 0.4}
OTHER_KIND = 0.6


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of an API whatever the question is."""

    popularity: int  # calls in the workspace
    uses: int  # calls in the sources of the installed libraries
    depth: int  # dots in its name
    accessible: bool  # its library is imported by the file or the workspace, or is always there
    deprecated: bool
    kind: str = "function"


def fuse(signals: Mapping[str, Mapping[str, float]], priors: Mapping[str, Prior]) -> dict[str, float]:
    """Return a score for each name that any signal scores; higher is better.

    Of a signal, the best name counts 1 and one at the floor of its scores 0.
    """
    scores: dict[str, float] = {}
    for signal, found in signals.items():
        floor = 0.5 * min(found.values(), default=0.0)
        span = max(found.values(), default=0.0) - floor or 1.0
        for name, score in found.items():
            scores[name] = scores.get(name, 0.0) + WEIGHTS[signal] * (score - floor) / span
    return {name: score * weight(priors[name]) for name, score in scores.items()}


def weight(prior: Prior) -> float:
    """Return the factor by which an API's prior raises or lowers it."""
    factor = 1.0 + 0.4 * math.log1p(prior.uses) + 0.2 * math.log1p(prior.popularity)
    factor *= 0.7 ** max(0, prior.depth - 2)
    factor *= 1.0 if prior.accessible else 0.7
    return factor * KINDS.get(prior.kind, OTHER_KIND) * (0.5 if prior.deprecated else 1.0)
