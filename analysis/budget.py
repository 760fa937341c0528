"""How far the analysis goes before an answer is "unknown"."""

from __future__ import annotations

from dataclasses import dataclass


class Exhausted(Exception):  # noqa: N818 - it is no error: the answer is "unknown"
    """The budget of a computation is used up."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How far one query may go. An editor wants fewer `seconds` than a batch: the rest is then unknown.

    `steps` are statements and calls interpreted for one scope, `call_steps` for one call of an un-annotated
    function; `depth` bounds computations inside computations, `callers` how many levels up call sites are
    followed, `contexts` how often one function is interpreted for different arguments.
    """

    seconds: float = 60.0
    steps: int = 200_000
    call_steps: int = 3_000
    depth: int = 150
    callers: int = 10
    contexts: int = 24
