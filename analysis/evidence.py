"""Why a type is believed: every answer of the analysis says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from typewright.analysis.types import Type

EvidenceKind = Literal["annotation", "assignment", "call site", "default", "return", "stub", "use"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason: a place in the code (1-based line) and what it says, in a few words."""

    kind: EvidenceKind
    text: str
    path: Path
    line: int


@dataclass(frozen=True, slots=True)
class Inferred:
    """A type, why, and how sure that is.

    `certainty` lies between 0 and 1 and only orders answers: 1 where nothing was left open, less where
    callers or values are missing. Calibration against real annotations is the business of `assist`.
    """

    type: Type
    evidence: tuple[Evidence, ...] = ()
    certainty: float = 1.0
