"""How well an API fits a question: one score from all that the searches and the API itself say.

A conditional logit (McFadden, 1974): of all APIs, those that answer the question should be likely. The vector
of the question is turned a little towards those of the documentations that answer such questions, by a matrix
of low rank. `benchmarks/api/fit.py` fits the weights in `fusion.json` and the matrices in `fusion.npz` on
solved questions: without vectors, with them, and with solved questions in the index. What such questions
cannot teach has weights that were set by hand: what this workspace calls and imports, what its documents say,
what is deprecated here (the questions are old).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from typewright.indexer.word_table import KINDS, Scan, hashed

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

WEIGHTS: Final = Path(__file__).with_name("fusion.json")
MATRIX: Final = WEIGHTS.with_suffix(".npz")
SIMILARITY: Final = "similarity"
DOCUMENTED: Final = "documented"
CALLS_HERE: Final = "calls in the workspace"
BY_HAND: Final[Mapping[str, float]] = {
    "quoted in the question": 4.0,
    "voted for by documents": 4.0,
    CALLS_HERE: 0.5,
    "not imported here": -1.0,
    "deprecated": -1.5,
}
_NEAREST: Final = "nearest solved question"
_DEEPEST: Final = 5
_NEAR: Final = 0.5  # a cosine; below it two questions have their subject in common at most

Features = Mapping[str, "NDArray[Any]"]


def features(
    scan: Scan,
    asked: int,
    solved: Mapping[str, float],
    votes: Mapping[str, float],
    imported: frozenset[str],
    *,
    own: bool,
    vectors: bool,
) -> Features:
    """Return what speaks for each API of a scan but its vector, by name of the weight.

    `asked` is the number of telling words of the question; `solved` the cosine with the nearest solved
    question that an API answers, `votes` how much documents that fit name it, 0 to 1; `imported` are the
    modules at hand, where none says nothing; `own` APIs are always at hand. With `vectors`, a documentation
    counts once it has one.
    """
    import numpy as np

    found: dict[str, NDArray[Any]] = {
        "words": scan.words,
        "name in the question": scan.name,
        "whole name in the question": scan.name == 1.0,
        "rarity of the name": scan.rare_name,
        "several parts in the question": scan.phrase,
        "first word in the name": scan.first,
        "owner in the question": scan.owner,
        "library in the question": scan.library,
        "question in the summary": scan.summary / np.float32(max(1, asked)),
        DOCUMENTED: scan.embedded if vectors else scan.length > 0.0,
        "length of the documentation": scan.length,
        "calls in libraries": scan.uses,
        "quoted in the question": scan.quoted,
        "deprecated": scan.deprecated,
    }
    for number, kind in enumerate(KINDS):
        found[kind] = scan.kind == number
        found[f"{kind}, calls in libraries"] = found[kind] * scan.uses
    for dots in range(_DEEPEST):
        found[f"{dots} dots"] = scan.dots == dots
    found[f"{_DEEPEST} dots"] = scan.dots >= _DEEPEST
    if imported and not own:
        tops = np.asarray([hashed(module) for module in imported], np.uint64)
        found["not imported here"] = ~(scan.standard | np.isin(scan.top, tops))
    if solved:
        found |= nearness(scan.by_name(solved))
    if votes:
        found["voted for by documents"] = scan.by_name(votes)
    return found


def nearness(cosines: NDArray[float32]) -> Features:
    """Return what speaks for APIs that answer solved questions so near to this one, 0 for none."""
    import numpy as np

    return {
        _NEAREST: cosines,
        "near a solved question": np.maximum(cosines - np.float32(_NEAR), 0),
    }


def score(found: Features, *, vectors: bool) -> NDArray[float32]:
    """Return the log-odds of each API but for its vector, up to a constant for the question."""
    import numpy as np

    kind = _kind(solved=_NEAREST in found) if vectors else "without vectors"
    weights = {**_weights()[kind], **BY_HAND}
    total = np.zeros(len(found["words"]), np.float32)
    for name, values in found.items():
        if weights.get(name):
            total += np.float32(weights[name]) * values
    return total


def late(*, solved: bool) -> float:
    """Return what is to be added to the score of an API that gets its vector after it was scored."""
    return _weights()[_kind(solved=solved)][DOCUMENTED]


def turned(vector: NDArray[float32], *, solved: bool) -> NDArray[float32]:
    """Return a question's vector so that its product with an API's is what the vectors add to the score.

    `solved` is whether there are solved questions near it.
    """
    import numpy as np

    kind = _kind(solved=solved)
    left, right = _matrix(kind)
    found = _weights()[kind][SIMILARITY] * vector + (vector @ left) @ right
    return found.astype(np.float32, copy=False)


def _kind(*, solved: bool) -> str:
    return "with solved questions" if solved else "with vectors"


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    return json.loads(WEIGHTS.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@cache
def _matrix(kind: str) -> tuple[NDArray[float32], NDArray[float32]]:
    import numpy as np

    with np.load(MATRIX) as arrays:
        left, right = arrays[f"{kind}, left"], arrays[f"{kind}, right"]
    return left.astype(np.float32), right.astype(np.float32)
