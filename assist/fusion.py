"""How the signals of a recommendation become one order. A learned fusion would take this module's place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009): what one ranking adds falls off with the rank.
RANK_OFFSET = 30
KINDS: Mapping[str, float] = {"function": 1.0, "method": 1.0, "class": 0.9, "module": 0.4}
WEIGHTS: Mapping[str, float] = {"words": 1.0, "vectors": 2.0, "documents": 0.5}


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of an API whatever the question is."""

    popularity: int  # calls in the workspace
    uses: int  # calls in the sources of the installed libraries
    depth: int  # dots in its name
    accessible: bool  # its library is imported by the file or the workspace, or is always there
    deprecated: bool
    kind: str = "function"


def fuse(rankings: Mapping[str, Sequence[str]], priors: Mapping[str, Prior]) -> dict[str, float]:
    """Return a score for each name in any of the rankings (best first each); higher is better."""
    scores: dict[str, float] = {}
    for signal, names in rankings.items():
        for rank, name in enumerate(names):
            scores[name] = scores.get(name, 0.0) + WEIGHTS[signal] / (RANK_OFFSET + rank)
    return {name: score * weight(priors[name]) for name, score in scores.items()}


def weight(prior: Prior) -> float:
    """Return the factor by which an API's prior raises or lowers it."""
    factor = 1.0 + 0.15 * math.log1p(prior.uses) + 0.3 * math.log1p(prior.popularity)
    factor *= 0.85 ** max(0, prior.depth - 2)
    factor *= 1.0 if prior.accessible else 0.7
    return factor * KINDS.get(prior.kind, 0.6) * (0.5 if prior.deprecated else 1.0)
