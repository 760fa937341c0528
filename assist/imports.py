"""Where an undefined name could be imported from, and the text edits that import it."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.analysis.scopes import MODULE_NAMES, Scopes
from typewright.assist import import_block
from typewright.assist.edits import TextEdit
from typewright.indexer.cancellation import NEVER, CancelToken

if TYPE_CHECKING:
    from typewright.assist.session import Session
    from typewright.indexer.index import Snapshot
    from typewright.indexer.syntax import Syntax

CONVENTIONS = {
    "np": "numpy",
    "pd": "pandas",
    "plt": "matplotlib.pyplot",
    "mpl": "matplotlib",
    "sns": "seaborn",
    "tf": "tensorflow",
    "nx": "networkx",
    "sp": "scipy",
    "sa": "sqlalchemy",
    "ET": "xml.etree.ElementTree",
    "dt": "datetime",
    "mp": "multiprocessing",
    "jnp": "jax.numpy",
    "pl": "polars",
}
"""Short names that everybody gives to the same module; offered only where that module is installed."""


@dataclass(frozen=True, slots=True)
class ImportChoice:
    """One way to import a name: the statement as a reader would write it, and the edits that put it there."""

    name: str
    module: str
    statement: str
    edits: tuple[TextEdit, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An import to be made. `symbol` '' imports the module itself; `alias` '' keeps the name."""

    module: str
    symbol: str = ""
    alias: str = ""

    @property
    def statement(self) -> str:
        """The import as a statement of its own."""
        renamed = f" as {self.alias}" if self.alias else ""
        if self.symbol:
            return f"from {self.module} import {self.symbol}{renamed}"
        return f"import {self.module}{renamed}"

    def edits(self, syntax: Syntax, package: str) -> tuple[TextEdit, ...]:
        """The edits that add the import to a module of `package`."""
        renamed = f" as {self.alias}" if self.alias else ""
        pair = (self.module, self.symbol + renamed) if self.symbol else (self.module + renamed, "")
        wanted = import_block.WantedImports(runtime={pair})
        return tuple(import_block.import_edits(syntax, wanted, package=package, has_type_checking=True))


def import_edits(
    session: Session,
    path: Path,
    name: str,
    *,
    overlay: Mapping[Path, str] | None = None,
    cancel: CancelToken = NEVER,
) -> Sequence[ImportChoice]:
    """Where `name`, which nothing in the file binds, could be imported from, likeliest first.

    What this workspace imports under that name elsewhere comes first, then its own symbols, modules of that
    name, and symbols of the libraries by how often this workspace, then the libraries use them. Empty where
    every use of the name is bound.
    """
    snapshot = session.snapshot(overlay, cancel=cancel)
    syntax = snapshot.syntax(path)
    if not _is_undefined(name, syntax):
        return ()
    here = snapshot.module_name(path)
    package = here if path.stem == "__init__" else here.rpartition(".")[0]
    found: dict[str, Wanted] = {}
    for source in (_imported_elsewhere, _symbols_here, _modules, _library_symbols):
        cancel.check()
        for wanted in source(snapshot, path, name):
            if wanted.module != here:
                found.setdefault(wanted.statement, wanted)
    return tuple(
        ImportChoice(name, wanted.module, wanted.statement, wanted.edits(syntax, package))
        for wanted in found.values()
    )


@lru_cache(maxsize=8)
def _scopes(syntax: Syntax) -> Scopes:
    return Scopes(syntax.tree)


def _is_undefined(name: str, syntax: Syntax) -> bool:
    """Whether the name is read somewhere and bound nowhere, or not read at all (a completion item's name)."""
    if not name.isidentifier() or name in MODULE_NAMES or hasattr(builtins, name):
        return False
    scopes = _scopes(syntax)
    using = [scope for scope in scopes.all() if name in scope.uses]
    if not using:
        return name not in scopes.module.bindings
    return any(scopes.resolve(name, scope).scope is None for scope in using)


def _imported_elsewhere(snapshot: Snapshot, path: Path, name: str) -> Iterator[Wanted]:
    counts: Counter[Wanted] = Counter()
    for user, module, symbol in snapshot.imports_of(name):
        if user != path:
            plain = symbol or module.partition(".")[0]
            counts[Wanted(module, symbol, "" if name == plain else name)] += 1
    yield from (wanted for wanted, _ in counts.most_common())


def absolute_module(snapshot: Snapshot, path: Path, module: str, level: int) -> str:
    """The full name of a module imported in `path` with `level` leading dots; '' above the top."""
    if not level:
        return module
    parts = snapshot.module_name(path).split(".")
    if path.stem != "__init__":
        parts = parts[:-1]
    if level > 1:
        parts = parts[: 1 - level]
    return ".".join([*parts, *([module] if module else [])])


def _symbols_here(snapshot: Snapshot, path: Path, name: str) -> Iterator[Wanted]:
    found = [
        symbol.qualified_name.rpartition(".")[0]
        for where, symbol in snapshot.top_level_symbols(name)
        if where != path and symbol.name == name
    ]
    here = snapshot.module_name(path).split(".")
    yield from (Wanted(module, name) for module in sorted(found, key=lambda m: _distance(here, m.split("."))))


def _distance(here: list[str], there: list[str]) -> tuple[int, int, str]:
    """Near modules first: those that share most of the path."""
    shared = 0
    for one, other in zip(here, there, strict=False):
        if one != other:
            break
        shared += 1
    return -shared, len(there), ".".join(there)


def _modules(snapshot: Snapshot, path: Path, name: str) -> Iterator[Wanted]:
    conventional = CONVENTIONS.get(name)
    if conventional and snapshot.find_module(conventional):
        yield Wanted(conventional, "", name)
    found = snapshot.find_module(name)
    if found is not None and found.kind != "namespace":
        yield Wanted(name)
    package = snapshot.module_name(path).rpartition(".")[0]
    if package and name in snapshot.submodules(package):
        yield Wanted(package, name)


def _library_symbols(snapshot: Snapshot, path: Path, name: str) -> Iterator[Wanted]:  # noqa: ARG001
    found: dict[str, tuple[int, int, bool, int, str]] = {}
    for api in snapshot.apis_named(name):
        for full in (api.name, *api.aliases):
            module, _, last = full.rpartition(".")
            if last != name or not module or any(part.startswith("_") for part in module.split(".")):
                continue
            if snapshot.find_module(module) is not None:
                is_alias = full != api.name
                found[module] = (-api.popularity, -api.uses, is_alias, module.count("."), module)
    yield from (Wanted(module, name) for module in sorted(found, key=found.__getitem__))
