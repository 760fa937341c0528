"""The classes that a file's annotations could name: its own, those it imports, those it speaks of by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.indexer.errors import UnreadableSource
from typewright.indexer.outline import Import, Outline, outline
from typewright.indexer.slice_features import name_words

if TYPE_CHECKING:
    from typewright.indexer.index import Snapshot

MAXIMUM_ELSEWHERE = 64
_HOPS = 4  # re-exports followed to a class
_DATA = ("variable", "attribute", "property", "method", "function")


@dataclass(frozen=True, slots=True)
class VisibleClass:
    """A class: the module it is imported from, its dotted name in it, what it has, where the file sees it.

    `complete` says that no member can be missing: every base class is in sight and none is dynamic.
    """

    name: str
    module: str
    members: tuple[str, ...]
    documentation: str
    bases: tuple[str, ...]
    origin: Literal["class", "import", "elsewhere"]
    complete: bool

    @property
    def qualified_name(self) -> str:
        """The dotted name with its module."""
        return f"{self.module}.{self.name}"


class ClassFinder:
    """Finds the visible classes of the files of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._workspace: Mapping[str, list[VisibleClass]] | None = None

    def visible(self, path: Path) -> list[VisibleClass]:
        """Return the classes of a file, those it imports, and those of the workspace that share its words."""
        syntax = self._snapshot.syntax(path)
        module = self._snapshot.module_name(path)
        mine = outline(syntax, module)
        found = {visible.name: visible for visible in _classes(mine, module, "class")}
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        for item in mine.imports:
            if item.name is not None and item.name != "*" and not item.name.islower():
                bound = item.alias or item.name
                target = self._resolve(_absolute(item, package), item.name, _HOPS)
                if target is not None and bound == target.name:
                    found.setdefault(bound, target)
        words = {word for symbol in mine.symbols for word in name_words(symbol.name)}
        words.update(word for usage in mine.usages for word in name_words(usage.name))
        elsewhere = [
            each
            for word in sorted(words)
            for each in self._by_last_word().get(word, ())
            if each.name not in found and set(name_words(each.name)) <= words
        ]
        for each in elsewhere[:MAXIMUM_ELSEWHERE]:
            found.setdefault(each.name, each)
        return list(found.values())

    def _resolve(self, module: str, name: str, hops: int) -> VisibleClass | None:
        """Follow an import to the class it brings in."""
        there = self._outline(module)
        if there is None or not hops:
            return None
        for visible in _classes(there, module, "import"):
            if visible.name == name:
                return visible
        for item in there.imports:
            if item.name is not None and (item.alias or item.name) == name:
                place = self._snapshot.find_module(module)
                package = module if place is not None and place.is_package else module.rpartition(".")[0]
                found = self._resolve(_absolute(item, package), item.name, hops - 1)
                # People import a class from where it is offered, not from where it lies.
                return (
                    VisibleClass(
                        found.name,
                        module,
                        found.members,
                        found.documentation,
                        found.bases,
                        "import",
                        found.complete,
                    )
                    if found is not None and found.name == name
                    else None
                )
        return None

    def _outline(self, module: str) -> Outline | None:
        place = self._snapshot.find_module(module)
        if place is None or place.path is None or place.path.suffix not in (".py", ".pyi"):
            return None
        try:
            return outline(self._snapshot.syntax(place.path), module)
        except UnreadableSource:
            return None

    def _by_last_word(self) -> Mapping[str, Sequence[VisibleClass]]:
        """The classes of the workspace by the last word of their names."""
        if self._workspace is None:
            self._workspace = {}
            for path in self._snapshot.files():
                module = self._snapshot.module_name(path)
                try:
                    there = outline(self._snapshot.syntax(path), module)
                except UnreadableSource:
                    continue
                for visible in _classes(there, module, "elsewhere"):
                    if words := name_words(visible.name):
                        self._workspace.setdefault(words[-1], []).append(visible)
        return self._workspace


def _classes(
    file: Outline, module: str, origin: Literal["class", "import", "elsewhere"]
) -> Iterator[VisibleClass]:
    members: dict[str, list[str]] = {}
    prefix = f"{module}."
    for symbol in file.symbols:
        if symbol.kind in _DATA:
            members.setdefault(symbol.qualified_name.rpartition(".")[0], []).append(symbol.name)
    for symbol in file.symbols:
        if symbol.kind != "class":
            continue
        own = members.get(symbol.qualified_name, [])
        bases = symbol.signature.partition("(")[2].rpartition(")")[0]
        yield VisibleClass(
            symbol.qualified_name.removeprefix(prefix),
            module,
            tuple(dict.fromkeys(own)),
            symbol.docstring.strip().partition("\n")[0],
            tuple(base.strip() for base in bases.split(",") if base.strip()),
            origin,
            complete=bases.strip() in ("", "object") and "__getattr__" not in own,
        )


def _absolute(item: Import, package: str) -> str:
    if not item.level:
        return item.module
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - item.level + 1], *([item.module] if item.module else [])])
