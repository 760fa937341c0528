"""The types of slots without an annotation: what can be known first, a guess only where that is open."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.analysis.types import Never, NoneType, Type, Unknown, known, render, walk, widen_literals
from typewright.assist.confidence import Guessed, Known, Look, confidences, features
from typewright.assist.sight import sight, size
from typewright.assist.type_expressions import (
    canonical,
    head,
    heads_of,
    is_none,
    relation,
    same_type,
    union_arms,
)
from typewright.indexer.cancellation import NEVER, CancelToken, Progress

if TYPE_CHECKING:
    from typewright.analysis.evidence import Evidence
    from typewright.analysis.queries import Analysis, Annotation, Slot, Variant
    from typewright.assist.guesses import Guess
    from typewright.assist.session import Session
    from typewright.assist.sight import Sight

Source = Literal["static", "neural", "hybrid"]
_NEVER_RETURNS = 0.8  # the certainty of that


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
    for slot, found in candidates_of(session, paths, overlay=overlay, progress=progress, cancel=cancel):
        if found:
            yield _slot_type(slot, max(found, key=lambda candidate: candidate.confidence))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type that a slot may have, and what speaks for it (`assist/confidence.py`)."""

    text: str
    annotation: Annotation | None
    features: Mapping[str, float]
    source: Source
    confidence: float = 0.0


def candidates_of(
    session: Session,
    paths: Iterable[Path],
    *,
    overlay: Mapping[Path, str] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken = NEVER,
) -> Iterator[tuple[Slot, Sequence[Candidate]]]:
    """Yield every slot without an annotation with all that is known and guessed of it."""
    from typewright.assist.guesses import Guesses

    files = session.files(paths, overlay=overlay, cancel=cancel)
    analysis = session.analysis(overlay, cancel=cancel)
    snapshot = session.snapshot(overlay, cancel=cancel)
    guesses = Guesses(session, snapshot)
    for done, path in enumerate(files):
        cancel.check()
        if progress is not None:
            progress("types", done, len(files))
        slots = analysis.slots(path, cancel)
        ranked = guesses.of(path, slots, cancel=cancel)
        bases = guesses.bases(path)
        seen = sight(snapshot.syntax(path), is_package=path.stem == "__init__")
        for slot in slots:
            guessed = ranked.get((slot.kind, slot.line, slot.column), ())
            found = list(_candidates(analysis, slot, guessed, bases, seen))
            said = confidences([each.features for each in found], with_guesses=guesses.available)
            yield slot, [replace(each, confidence=share) for each, share in zip(found, said, strict=True)]
    if progress is not None:
        progress("types", len(files), len(files))


def _candidates(
    analysis: Analysis,
    slot: Slot,
    guesses: Sequence[Guess],
    bases: Callable[[str], frozenset[str]],
    sight: Sight,
) -> Iterator[Candidate]:
    static, annotation, text = None, None, ""
    variants: dict[frozenset[str], Variant] = {}
    if not _says_nothing(slot):
        shape = known(widen_literals(slot.inferred.type))
        # A variable is not declared to be None alone.
        speakable = slot.kind != "variable" or not isinstance(shape, NoneType)
        annotation = analysis.annotation(shape, slot.path) if speakable else None
        text = annotation.text if annotation is not None else render(shape)
        static = _known(slot, text)
        if slot.kind != "variable":
            for variant in analysis.variants(shape, slot.path):
                variants.setdefault(canonical(variant.annotation.text), variant)
            variants.pop(canonical(text), None)
    heads: defaultdict[frozenset[str], float] = defaultdict(float)
    for guess in guesses:
        heads[heads_of(guess.annotation.text)] += guess.probability

    def look(text: str, steps: tuple[str, ...]) -> Look:
        names = heads_of(text)
        outermost = next(iter(names)) if len(names) == 1 else ""
        standings = sight.standings(text)
        return Look(outermost, "[" not in text, standings, sight.waiting, size(text), heads[names], steps)

    confirmed: Guessed | None = None
    for rank, guess in enumerate(guesses):
        following = guesses[rank + 1].probability if rank + 1 < len(guesses) else 0.0
        guessed = Guessed(guess.probability, rank, guess.probability - following)
        said = guess.annotation.text
        if static is not None and same_type(said, text):
            confirmed = confirmed or guessed
            annotation = annotation or guess.annotation
            continue
        stands = relation(said, text, own_class=slot.class_name, bases=bases) if static else None
        completes = static is not None and static.partial and stands == "parametric"
        derived = variants.pop(canonical(said), None)
        yield Candidate(
            said,
            guess.annotation,
            features(slot.kind, guessed, static, stands, look(said, derived.steps if derived else ())),
            "hybrid" if completes or derived else "neural",
        )
    for variant in variants.values():
        said = variant.annotation.text
        stands = relation(said, text, own_class=slot.class_name, bases=bases)
        found = features(slot.kind, None, static, stands, look(said, variant.steps))
        yield Candidate(said, variant.annotation, found, "static")
    if static is not None:
        found = features(slot.kind, confirmed, static, "same", look(text, ()))
        yield Candidate(text, annotation, found, "static" if confirmed is None else "hybrid")


def _known(slot: Slot, text: str) -> Known:
    arms = [arm for arm in union_arms(text) if not is_none(arm)]
    name = head(arms[0]) if len(arms) == 1 else "" if arms else "None"
    evidence = frozenset(each.kind for each in slot.inferred.evidence)
    partial = not isinstance(slot.inferred.type, Never) and is_partial(slot.inferred.type)
    return Known(slot.inferred.certainty, partial, evidence, name, max(len(arms), 1))


def _says_nothing(slot: Slot) -> bool:
    """Whether the analysis leaves a slot open; None as a parameter's default tells nothing either.

    `Never` is an answer only where the analysis is sure that a function does not return.
    """
    found = known(slot.inferred.type)
    if isinstance(found, Never):
        return slot.kind != "return" or slot.inferred.certainty < _NEVER_RETURNS
    return isinstance(found, NoneType) and slot.kind == "param"


def is_partial(found: Type) -> bool:
    """Whether a part of the type is open."""
    return any(isinstance(part, (Unknown, Never)) for part in walk(found))


def _slot_type(slot: Slot, found: Candidate) -> SlotType:
    annotation, text = found.annotation, found.text
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
        confidence=found.confidence,
        source=found.source,
        evidence=slot.inferred.evidence if found.source != "neural" else (),
        annotation=annotation,
    )


def _with_none(annotation: Annotation) -> Annotation:
    """Return the annotation with None among its alternatives."""
    arms = union_arms(annotation.text)
    if any(isinstance(arm, ast.Constant) and arm.value is None for arm in arms):
        return annotation
    return replace(annotation, text=f"{annotation.text} | None")
