"""The types of slots without an annotation: what can be known first, a guess only where that is open."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.analysis.types import Never, NoneType, Type, Unknown, known, render, walk, widen_literals
from typewright.assist.confidence import agreement, static_confidence
from typewright.assist.type_expressions import same_heads, same_type, union_arms
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

    `col` counts characters at the identifier (the function's name for a return); `function` is the dotted
    scope. `confidence` is the chance that a person would write this type. `annotation` is None where the type
    cannot be written down in the file.
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
    """Yield the type of every slot without an annotation that is not wholly open, file by file, in order.

    Static evidence comes first. Where it is open or ambiguous the type model is asked; of its candidates,
    those that lack a member used on the slot are rejected (HiTyper, Peng et al., 2022).
    """
    from typewright.assist.guesses import Guesses

    files = session.files(paths, overlay=overlay, cancel=cancel)
    analysis = session.analysis(overlay, cancel=cancel)
    guesses = Guesses(session, session.snapshot(overlay, cancel=cancel))
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


def _join(analysis: Analysis, slot: Slot, guesses: Sequence[Guess]) -> SlotType | None:
    """Return one type for what is known and what is guessed of a slot; None where neither says anything."""
    best = guesses[0] if guesses else None
    if _says_nothing(slot):
        return None if best is None else _guessed(slot, best, "neural")
    partial = is_partial(slot.inferred.type)
    found = known(widen_literals(slot.inferred.type))
    annotation = analysis.annotation(found, slot.path)
    text = annotation.text if annotation is not None else render(found)
    confidence = static_confidence(slot.kind, slot.inferred.certainty, partial=partial)
    agreeing = next((guess for guess in guesses if same_type(guess.annotation.text, text)), None)
    if agreeing is not None:
        both = agreement(confidence, agreeing.probability)
        return _slot_type(slot, annotation or agreeing.annotation, text, both, "hybrid")
    if partial:
        fitting = next((guess for guess in guesses if same_heads(guess.annotation.text, text)), None)
        if fitting is not None:
            return _guessed(slot, fitting, "hybrid")
    if best is not None and best.probability > confidence:
        return _guessed(slot, best, "neural")
    return _slot_type(slot, annotation, text, confidence, "static")


def _says_nothing(slot: Slot) -> bool:
    """Whether the analysis leaves a slot open; None alone, if it is but a default, tells nothing either."""
    found = known(slot.inferred.type)
    return isinstance(found, Never) or (isinstance(found, NoneType) and slot.kind != "return")


def is_partial(found: Type) -> bool:
    """Whether a part of the type is open."""
    return any(isinstance(part, (Unknown, Never)) for part in walk(found))


def _guessed(slot: Slot, guess: Guess, source: Source) -> SlotType:
    return _slot_type(slot, guess.annotation, guess.annotation.text, guess.probability, source)


def _slot_type(
    slot: Slot, annotation: Annotation | None, text: str, confidence: float, source: Source
) -> SlotType:
    if annotation is not None:
        annotation = _with_none(annotation) if slot.default_none else annotation
        text = annotation.text
    return SlotType(
        file=slot.path,
        line=slot.line,
        col=slot.column,
        kind=slot.kind,
        function=slot.function,
        name=slot.name,
        type=text,
        confidence=confidence,
        source=source,
        evidence=slot.inferred.evidence,
        annotation=annotation,
    )


def _with_none(annotation: Annotation) -> Annotation:
    """Return the annotation with None among its alternatives."""
    arms = union_arms(annotation.text)
    if any(isinstance(arm, ast.Constant) and arm.value is None for arm in arms):
        return annotation
    return replace(annotation, text=f"{annotation.text} | None")
