"""How sure a type is: one number that means how often a person would have written it."""

from __future__ import annotations


def static_confidence(kind: str, certainty: float, *, partial: bool) -> float:
    """Return the confidence in a type that the analysis found, from how certain it is itself."""
    ceiling = {"return": 0.9, "param": 0.8, "variable": 0.9}[kind]
    return ceiling * certainty * (0.6 if partial else 1.0)


def agreement(known: float, guessed: float) -> float:
    """Return the confidence in a type that analysis and type model found independently."""
    return 1 - (1 - known) * (1 - guessed)
