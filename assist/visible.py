"""The types that annotations of a file could name: its own, those it imports, those of the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.indexer.errors import UnreadableSource
from typewright.indexer.slice_features import name_words
from typewright.indexer.visible_types import Survey, VisibleType, visible_types

if TYPE_CHECKING:
    from typewright.indexer.index import Snapshot
    from typewright.models.protocol import Candidate

MAXIMUM_ELSEWHERE = 128
_MOST_IMPORTED = 24


@dataclass(frozen=True, slots=True)
class Nameable:
    """A type that a file can name: bound there already, or to be imported from `module`."""

    name: str
    origin: Literal["class", "alias", "import", "elsewhere"]
    definition: VisibleType
    module: str = ""
    known: bool = True  # whether `definition` is the class itself, not just its import
    spoken: bool = True  # whether the file's code uses it, not only its annotations

    @property
    def members(self) -> frozenset[str] | None:
        """All members of an instance; None where a base class or a dynamic attribute may bring others."""
        closed = self.known and self.definition.origin == "class" and not self.definition.bases
        if not closed or "__getattr__" in self.definition.members:
            return None
        return frozenset((*self.definition.members, *dir(object)))

    def candidate(self) -> Candidate:
        """Return it as the type model was trained to see it."""
        from typewright.models.protocol import Candidate

        written = f"{self.definition.module}.{self.definition.imported_name}"
        return Candidate(
            self.name,
            self.name if self.known else written,
            self.definition.members,
            self.definition.documentation,
            self.definition.bases,
            "annotation" if self.origin == "import" and not self.spoken else self.origin,
            self.definition.importers,
            self.definition.subclasses,
        )


class VisibleTypesCache:
    """What files define and import, read again only when their text is another."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[str, tuple[VisibleType, ...]]] = {}

    def of(self, snapshot: Snapshot, path: Path) -> tuple[VisibleType, ...]:
        """Return what one file defines and imports; nothing where it cannot be read."""
        try:
            text = snapshot.text(path)
        except UnreadableSource:
            return ()
        found = self._known.get(path)
        if found is None or found[0] != text:
            found = self._known[path] = (text, visible_types(snapshot.syntax(path)))
        return found[1]


class NameableTypes:
    """Finds what the files of one snapshot can name."""

    def __init__(self, snapshot: Snapshot, cache: VisibleTypesCache) -> None:
        self._snapshot = snapshot
        self._cache = cache
        visible = {path: cache.of(snapshot, path) for path in snapshot.files()}
        self._survey = Survey(visible.values())
        self._by_word: dict[str, list[Nameable]] = {}
        modules: dict[str, str] = {}
        for path, types in visible.items():
            for found in types:
                if found.origin != "import":
                    modules.setdefault(found.name, snapshot.module_name(path))
        defined = [
            Nameable(definition.name, "elsewhere", definition, modules[definition.name])
            for definition in self._survey.definitions.values()
        ]
        defined.sort(key=lambda each: -each.definition.importers)
        self._most_imported = [each for each in defined if each.definition.importers > 1][:_MOST_IMPORTED]
        for each in defined:
            if words := name_words(each.name):
                self._by_word.setdefault(words[-1], []).append(each)

    def of(self, path: Path) -> Mapping[str, Nameable]:
        """Return what a file can name, by name: what it sees, then what shares words with its identifiers,
        then what the most modules import.
        """
        found: dict[str, Nameable] = {}
        for visible in self._cache.of(self._snapshot, path):
            known = visible.origin != "import" or self._survey.definition(visible) is not None
            definition = self._survey.complete(visible)
            found[visible.name] = Nameable(
                visible.name, visible.origin, definition, known=known, spoken=visible.spoken
            )
        words = set(name_words(self._snapshot.text(path)))
        nearby = (each for word in sorted(words & self._by_word.keys()) for each in self._by_word[word])
        elsewhere = [each for each in nearby if words.issuperset(name_words(each.name))]
        elsewhere.sort(key=lambda each: -each.definition.importers)
        for each in (*elsewhere[:MAXIMUM_ELSEWHERE], *self._most_imported):
            found.setdefault(each.name, each)
        return found


def candidates(nameable: Mapping[str, Nameable]) -> Sequence[Candidate]:
    """Return them for the type model."""
    return [each.candidate() for each in nameable.values()]
