"""The types of slots without an annotation: what can be known first, a guess only where that is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.indexer.cancellation import NEVER, CancelToken, Progress

if TYPE_CHECKING:
    from typewright.analysis.evidence import Evidence
    from typewright.analysis.queries import Analysis, Annotation, Slot
    from typewright.assist.guesses import Guess
    from typewright.assist.session import Session

Source = Literal["static", "neural", "hybrid"]


@dataclass(frozen=True, slots=True)
class SlotType:
    """A slot without an annotation and the type found for it.

    `col` counts characters at the identifier (the function's name for a return); `function` is the dotted scope.
    `confidence` is the chance that a person would write this type. `annotation` is None where the type cannot be
    written down in the file.
    """

    file: Path
    line: int
    col: int
    kind: Literal["return", "param", "variable"]
    function: str
    name: str
    type: str
    confidence: float
    source: Source
    evidence: tuple[Evidence, ...]
    annotation: Annotation | None


def types(
    session: Session,
    paths: Iterable[Path],
    *,
    overlay: Mapping[Path, str] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken = NEVER,
) -> Iterator[SlotType]:
    """Yield the type of every slot without an annotation that is not wholly open, file by file, in their order.

    Static evidence comes first. Where it is open or ambiguous the type model is asked; of its candidates, those
    that lack a member used on the slot are rejected (HiTyper, Peng et al., 2022).
    """
    files = session.files(paths, overlay=overlay, cancel=cancel)
    analysis = session.analysis(overlay, cancel=cancel)
    guesses = Guesses(session, analysis)
    for done, path in enumerate(files):
        cancel.check()
        if progress is not None:
            progress("types", done, len(files))
        slots = analysis.slots(path, cancel)
        ranked = guesses.of(path, slots, cancel=cancel)
        for slot in slots:
            found = _join(analysis, slot, ranked.get((slot.kind, slot.line, slot.column), ()))
            if found is not None:
                yield found
    if progress is not None:
        progress("types", len(files), len(files))
