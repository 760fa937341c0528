"""The types that annotations of a file could name: its own, those it imports, those of the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.indexer.errors import UnreadableSource
from typewright.indexer.slice_features import name_words
from typewright.indexer.visible_types import VisibleType, visible_types

if TYPE_CHECKING:
    from typewright.indexer.index import Snapshot
    from typewright.models.protocol import Candidate

MAXIMUM_ELSEWHERE = 64


@dataclass(frozen=True, slots=True)
class Nameable:
    """A type that a file can name: bound there already, or to be imported from `module`."""

    name: str
    origin: Literal["class", "alias", "import", "elsewhere"]
    definition: VisibleType
    module: str = ""
    known: bool = True  # whether `definition` is the class itself, not just its import

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
            self.origin,
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
        self._defined: dict[str, Nameable] = {}
        self._by_word: dict[str, list[Nameable]] = {}
        for path in snapshot.files():
            module = snapshot.module_name(path)
            for found in cache.of(snapshot, path):
                if found.origin != "import" and found.name not in self._defined:
                    self._add(Nameable(found.name, "elsewhere", found, module))

    def _add(self, nameable: Nameable) -> None:
        self._defined[nameable.name] = nameable
        if words := name_words(nameable.name):
            self._by_word.setdefault(words[-1], []).append(nameable)

    def of(self, path: Path) -> Mapping[str, Nameable]:
        """Return what a file can name, by name: what it sees, then what shares words with its identifiers."""
        found: dict[str, Nameable] = {}
        for visible in self._cache.of(self._snapshot, path):
            defined = self._defined.get(visible.imported_name or visible.name)
            known = visible.origin != "import" or defined is not None
            definition = defined.definition if defined is not None else visible
            found[visible.name] = Nameable(visible.name, visible.origin, definition, known=known)
        words = set(name_words(self._snapshot.text(path)))
        nearby = (each for word in sorted(words & self._by_word.keys()) for each in self._by_word[word])
        elsewhere = [each for each in nearby if words.issuperset(name_words(each.name))]
        for each in elsewhere[:MAXIMUM_ELSEWHERE]:
            found.setdefault(each.name, each)
        return found


def candidates(nameable: Mapping[str, Nameable]) -> Sequence[Candidate]:
    """Return them for the type model."""
    return [each.candidate() for each in nameable.values()]
