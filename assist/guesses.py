"""The type model's guesses, made usable: spelled for the file, rejected where the members used say no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.known_types import Spelling
from typewright.assist.spelling import ModuleNames
from typewright.assist.visible import ClassFinder, VisibleClass
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError
from typewright.indexer.slices import FunctionSlice, slices

if TYPE_CHECKING:
    from typewright.analysis.queries import Analysis, Annotation, Slot
    from typewright.assist.session import Session
    from typewright.models.protocol import RankedType

Address = tuple[str, int, int]  # kind, line, column
_KEPT = 5  # guesses a slot


@dataclass(frozen=True, slots=True)
class Guess:
    """A candidate of the type model that the file can write and that has the members used."""

    annotation: Annotation
    probability: float


class Guesses:
    """Asks the type model about whole files; silent, with a notice, where there is no model to ask."""

    def __init__(self, session: Session, analysis: Analysis) -> None:
        self._session = session
        self._snapshot = analysis.snapshot
        self._classes = ClassFinder(analysis.snapshot)
        self._off = not session.settings.neural

    def of(
        self, path: Path, slots: Sequence[Slot], *, cancel: CancelToken = NEVER
    ) -> Mapping[Address, tuple[Guess, ...]]:
        """Return guesses for the slots of a file, the best first; a slot may have none."""
        if self._off or not slots:
            return {}
        syntax = self._snapshot.syntax(path)
        wanted = {(slot.kind, slot.line, slot.column) for slot in slots}
        functions = [
            function
            for function in slices(syntax)
            if any((slot.kind, slot.line, slot.column) in wanted for slot in function.slots)
        ]
        classes = self._classes.visible(path)
        module = self._snapshot.module_name(path)
        is_package, is_stub = path.stem == "__init__", path.suffix == ".pyi"
        names = ModuleNames(syntax.tree, module, is_package=is_package, is_stub=is_stub)
        spelling = Spelling(names, module, classes)
        found: dict[Address, tuple[Guess, ...]] = {}
        for function, ranked in zip(functions, self._predict(functions, classes, cancel), strict=False):
            for slot, types in zip(function.slots, ranked, strict=True):
                address = (slot.kind, slot.line, slot.column)
                if address in wanted:
                    found[address] = _usable(types, slot.members, spelling)
        return found

    def _predict(
        self, functions: Sequence[FunctionSlice], classes: Sequence[VisibleClass], cancel: CancelToken
    ) -> Sequence[Sequence[Sequence[RankedType]]]:
        from typewright.models.protocol import Candidate

        candidates = [
            Candidate(
                visible.name,
                visible.qualified_name,
                visible.members,
                visible.documentation,
                visible.bases,
                visible.origin,
            )
            for visible in classes
        ]
        try:
            return self._session.inference.predict_types(functions, candidates, cancel=cancel)
        except TypewrightError as error:  # no weights, or the inference process fails
            self._session.notice(f"no types are guessed: {error}")
            self._off = True
            return []


def _usable(types: Iterable[RankedType], members: Sequence[str], spelling: Spelling) -> tuple[Guess, ...]:
    """Drop what lacks the members used or cannot be written; what is left shares the probability."""
    rejected = 0.0
    kept: list[tuple[Annotation, float]] = []
    for ranked in types:
        if not spelling.may_have(ranked.type, members):
            rejected += ranked.probability
            continue
        annotation = spelling.annotation(ranked.type)
        if annotation is not None:
            kept.append((annotation, ranked.probability))
    left = max(1.0 - rejected, 1e-6)
    return tuple(Guess(annotation, min(probability / left, 0.99)) for annotation, probability in kept[:_KEPT])
