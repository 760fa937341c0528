"""The type model's guesses, made usable: spelled for the file, rejected where the members used say no."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.known_types import Spelling
from typewright.assist.spelling import ModuleNames
from typewright.assist.visible import Nameable, NameableTypes, candidates
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError
from typewright.indexer.slices import FunctionSlice, slices
from typewright.indexer.source import content_hash

if TYPE_CHECKING:
    from typewright.analysis.queries import Annotation, Slot
    from typewright.assist.session import Session
    from typewright.indexer.index import Snapshot
    from typewright.models.protocol import RankedType

Address = tuple[str, int, int]  # kind, line, column
_KEPT = 12  # guesses a slot


@dataclass(frozen=True, slots=True)
class Guess:
    """A candidate of the type model that the file can write and that has the members used."""

    annotation: Annotation
    probability: float


class Guesses:
    """Asks the type model about whole files; silent, with a notice, where there is no model to ask."""

    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        self._session = session
        self._snapshot = snapshot
        self._nameable: NameableTypes | None = None
        self.available = session.settings.neural

    def of(
        self, path: Path, slots: Sequence[Slot], *, cancel: CancelToken = NEVER
    ) -> Mapping[Address, tuple[Guess, ...]]:
        """Return guesses for the slots of a file, the best first; a slot may have none."""
        if not self.available or not slots:
            return {}
        syntax = self._snapshot.syntax(path)
        wanted = {(slot.kind, slot.line, slot.column) for slot in slots}
        # Always the whole module: what is ranked for one function depends on what is asked beside it.
        functions = slices(syntax)
        nameable = self._types().of(path)
        names = ModuleNames(
            syntax.tree,
            self._snapshot.module_name(path),
            is_package=path.stem == "__init__",
            is_stub=path.suffix == ".pyi",
        )
        spelling = Spelling(names, nameable, lambda module: self._snapshot.find_module(module) is not None)
        found: dict[Address, tuple[Guess, ...]] = {}
        for function, ranked in zip(functions, self._predict(functions, nameable, cancel), strict=False):
            for slot, types in zip(function.slots, ranked, strict=True):
                address = (slot.kind, slot.line, slot.column)
                if address in wanted:
                    found[address] = _usable(types, slot.members, spelling)
        return found

    def bases(self, path: Path) -> Callable[[str], frozenset[str]]:
        """Return a function that names all known classes above a class that the file can name."""
        nameable = self._types().of(path) if self.available else {}

        def above(name: str) -> frozenset[str]:
            found: set[str] = set()
            waiting = [name]
            while waiting:
                known = nameable.get(waiting.pop())
                fresh = {base.rpartition(".")[2] for base in known.definition.bases} if known else set()
                waiting.extend(fresh - found)
                found |= fresh
            return frozenset(found)

        return above

    def _types(self) -> NameableTypes:
        if self._nameable is None:
            self._nameable = NameableTypes(self._snapshot, self._session.visible_types)
        return self._nameable

    def _predict(
        self, functions: Sequence[FunctionSlice], nameable: Mapping[str, Nameable], cancel: CancelToken
    ) -> Sequence[Sequence[Sequence[RankedType]]]:
        memory = self._session.predictions
        key = _content(functions, nameable)
        found = memory.get(key)
        if found is None:
            try:
                found = self._session.inference.predict_types(functions, candidates(nameable), cancel=cancel)
            except TypewrightError as error:  # no weights, or the inference process fails
                self._session.notice(f"no types are guessed: {error}")
                self.available = False
                return []
            memory.put(key, found)
        return found


def _content(functions: Sequence[FunctionSlice], nameable: Mapping[str, Nameable]) -> str:
    """What the predictions for a module depend on, as a key: not on where its functions stand."""
    slots = [
        (f.class_name, [(slot.kind, slot.features, slot.members) for slot in f.slots]) for f in functions
    ]
    module = functions[0].module if functions else ()
    sight = [(each.name, each.origin, each.spoken, each.definition) for each in nameable.values()]
    return content_hash(repr((module, slots, sight)))


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
