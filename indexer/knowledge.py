"""What the workspace and its environment offer: their APIs, the workspace's documents, vectors of both."""

import hashlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .apis import SCHEMA, ApiTables
from .cancellation import CancelToken, Progress
from .documents import read_documents
from .environment import Environment
from .errors import TypewrightError
from .inventory import Inventory
from .libraries import read_library, standard_library_modules
from .marks import VECTORS, WORDS
from .modules import ModuleFinder
from .records import STANDARD_LIBRARY, Api, Example, Hit
from .search import Search, by_words
from .store import Database, connect
from .vectors import pack

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

VERSION: Final = 4
"""Counts changes of what is put in the environment's tables."""

OWN: Final = "./"
"""Starts the name under which a workspace file's own APIs are stored."""

_EMBEDDED_AT_ONCE: Final = 64
_MOST_STEPS: Final = 4


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """What `add_libraries` did: (distribution, version, APIs) of those read, what was there, what failed."""

    read: tuple[tuple[str, str, int], ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    seconds: float

    def __str__(self) -> str:
        apis = sum(count for _, _, count in self.read)
        parts = [f"{len(self.read)} libraries read ({apis:,} APIs)", f"{len(self.unchanged)} unchanged"]
        parts += [f"{len(self.removed)} removed"] if self.removed else []
        parts += [f"{len(self.skipped)} modules skipped"] if self.skipped else []
        return f"libraries: {', '.join(parts)}, {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class DocumentReport:
    """What `add_documents` did."""

    documents: int
    sections: int
    skipped: tuple[tuple[Path, str], ...]
    seconds: float

    def __str__(self) -> str:
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return f"documents: {self.documents} read, {self.sections:,} sections{skipped}, {self.seconds:.1f} s"


class Knowledge:
    """APIs and documents of one workspace and its environment; thread-safe.

    The environment's database is shared by all workspaces that use it, and opened when it is first needed.
    """

    def __init__(
        self,
        workspace: Database,
        inventory: Inventory,
        environment: Environment,
        cache: Path,
        notices: list[str],
    ) -> None:
        key = f"{environment.prefix} {environment.version}".encode("utf-8", "surrogateescape")
        digest = hashlib.blake2b(key, digest_size=6).hexdigest()
        self.folder: Final = cache / "environments" / f"{environment.prefix.name or 'root'}-{digest}"
        self.own: Final = ApiTables(workspace)
        self._inventory: Final = inventory
        self._environment: Final = environment
        self._notices: Final = notices
        self._opening: Final = threading.Lock()
        self._reading: Final = threading.Lock()
        self._database: Database | None = None
        self._naming: Final = threading.Lock()
        self._mentions: tuple[tuple[str, ...], Mapping[int, tuple[str, ...]]] = (), {}
        own_folder = workspace.path.parent if workspace.path else None
        self._own_search: Final = Search(self.own, own_folder, "workspace")

    @property
    def libraries(self) -> ApiTables:
        """The environment's tables."""
        return self._library_search.tables

    @property
    def searches(self) -> tuple[Search, Search]:
        """The search of the workspace's own APIs and documents, and that of its environment."""
        return self._own_search, self._library_search

    @cached_property
    def _library_search(self) -> Search:
        with self._opening:
            if self._database is None:
                path = self.folder / "environment.db"
                self._database = connect(path, SCHEMA, VERSION, self._notices)
        folder = self._database.path.parent if self._database.path else None
        return Search(ApiTables(self._database), folder, "environment")

    def replace_file(self, path: str, apis: Sequence[Api]) -> None:
        """Store the APIs of a workspace file in the place of its former ones."""
        if apis:
            self.own.replace_library(OWN + path, "", apis)
        else:
            self.own.remove_library(OWN + path)

    def add_libraries(
        self, names: Sequence[str], progress: Progress | None, cancel: CancelToken
    ) -> LibraryReport:
        """Read libraries that are not stored in their installed version; see `Index.add_libraries`."""
        started = time.perf_counter()
        with self._reading:
            finder = ModuleFinder((), self._environment)
            wanted = self._wanted(names, finder)
            stored = self.libraries.libraries()
            gone = self._forget_uninstalled(stored)
            skipped: list[tuple[str, str]] = []
            read = []
            fresh = [each for each in wanted if stored.get(each[0]) != each[1]]
            for done, (distribution, version, modules) in enumerate(fresh):
                if progress:
                    progress(f"libraries: {distribution}", done, len(fresh))
                failed: list[tuple[str, str]] = []
                uses: Counter[str] = Counter()
                apis = read_library(
                    finder,
                    modules,
                    distribution=distribution,
                    version=version,
                    skipped=failed,
                    uses=uses,
                    cancel=cancel,
                )
                count = self.libraries.replace_library(
                    distribution, version, apis, failed, uses=uses, cancel=cancel
                )
                read.append((distribution, version, count))
                skipped += failed
            if progress and fresh:
                progress("libraries", len(fresh), len(fresh))
        unchanged = tuple(each[0] for each in wanted if stored.get(each[0]) == each[1])
        return LibraryReport(tuple(read), unchanged, gone, tuple(skipped), time.perf_counter() - started)

    def _wanted(self, names: Sequence[str], finder: ModuleFinder) -> list[tuple[str, str, Sequence[str]]]:
        """Return (distribution, version, modules) of what is named, or of what the workspace imports."""
        installed = self._environment.installed()
        by_name = {_normal(each.name): each for each in installed.distributions}
        wanted: dict[str, tuple[str, Sequence[str]]] = {}
        for name in names or (STANDARD_LIBRARY, *self._inventory.imported()):
            found = by_name.get(_normal(name)) if names else None
            found = found or installed.owner(name)
            module = finder.find(name) if found is None else None
            if found is not None:
                modules = tuple(each for each in found.modules if "-stubs" not in each)
                wanted[found.name] = (found.version, modules)
            elif name == STANDARD_LIBRARY or (module and module.origin in ("typeshed", "standard library")):
                version = ".".join(map(str, self._environment.version))
                wanted[STANDARD_LIBRARY] = (version, ())
            elif module is not None and module.origin != "workspace":
                top = name.partition(".")[0]  # an editable install, or a folder on a .pth line
                wanted[top] = ("editable", (top,))
            elif names:
                raise TypewrightError(f"{name}: no such library in {self._environment.prefix}.")
        if STANDARD_LIBRARY in wanted:
            wanted[STANDARD_LIBRARY] = (wanted[STANDARD_LIBRARY][0], standard_library_modules(finder))
        return [(name, version, modules) for name, (version, modules) in wanted.items()]

    def _forget_uninstalled(self, stored: Iterable[str]) -> tuple[str, ...]:
        installed = {each.name for each in self._environment.installed().distributions}
        versions = self.libraries.libraries()
        gone = tuple(
            name
            for name in stored
            if name not in installed and name != STANDARD_LIBRARY and versions[name] != "editable"
        )
        for name in gone:
            self.libraries.remove_library(name)
        return gone

    def add_documents(
        self, paths: Sequence[Path], progress: Progress | None, cancel: CancelToken
    ) -> DocumentReport:
        """Read documents into the workspace's database; see `Index.add_documents`."""
        started = time.perf_counter()
        skipped: list[tuple[Path, str]] = []
        documents = sections = 0
        given = [Path(path).expanduser().absolute() for path in paths]
        kept = set()
        for path, found in read_documents(given, skipped, cancel=cancel):
            self.own.sections.replace(path, found)
            kept.add(path)
            documents += 1
            sections += len(found)
            if progress:
                progress("documents", documents, documents)
        for path in self.own.sections.documents():
            inside = any(path.is_relative_to(each) for each in given)
            if path not in kept and (inside or not path.exists()):
                self.own.sections.replace(path, ())
        return DocumentReport(documents, sections, tuple(skipped), time.perf_counter() - started)

    def embed(
        self,
        embed: "Callable[[Sequence[str]], NDArray[float32]]",
        progress: Progress | None,
        cancel: CancelToken,
    ) -> int:
        """Embed what has no vector yet; see `Index.embed`."""
        waiting = [(tables, tables.without_vector(1_000_000)) for tables in (self.own, self.libraries)]
        total = sum(len(texts) for _, texts in waiting)
        done = 0
        for tables, texts in waiting:
            for first in range(0, len(texts), _EMBEDDED_AT_ONCE):
                cancel.check()
                if progress:
                    progress("vectors", done, total)
                batch = texts[first : first + _EMBEDDED_AT_ONCE]
                vectors = embed([text for _, text in batch])
                tables.put_vectors(
                    [(digest, pack(vector)) for (digest, _), vector in zip(batch, vectors, strict=True)]
                )
                done += len(batch)
        if progress and total:
            progress("vectors", total, total)
        return done

    def api(self, name: str) -> Api | None:
        """Return an API by qualified name or alias, the workspace's own first."""
        found = self._own(name, _MOST_STEPS) or self.libraries.find(name)
        return self._finished([found])[0] if found else None

    def _own(self, name: str, steps: int) -> Api | None:
        """Return one of the workspace's APIs, through what packages import from their modules."""
        found = self.own.find(name)
        if found is not None or steps == 0:
            return found
        for target in self._inventory.meant(name):
            found = self._own(target, steps - 1)
            if found is not None:
                return found
        owner, dot, member = name.rpartition(".")
        holder = self._own(owner, steps - 1) if dot else None
        return self.own.find(f"{holder.name}.{member}") if holder and holder.kind == "class" else None

    def named(self, name: str, limit: int) -> list[Api]:
        """Return the APIs whose last component is `name`, the workspace's own first."""
        found = [*self.own.named(name, limit), *self.libraries.named(name, limit)]
        return self._finished(found[:limit])

    def search_words(self, query: str, limit: int, libraries: Sequence[str]) -> list[Hit]:
        """Search names and texts, best first."""
        return self.finished(by_words(self.searches, query, limit, libraries))

    def search_vector(self, vector: "NDArray[float32]", limit: int, libraries: Sequence[str]) -> list[Hit]:
        """Search meanings, best first."""
        hits = [
            hit for search in self.searches for hit in search.hits(search.nearest(vector, limit, libraries))
        ]
        return self.finished(sorted(hits, key=lambda hit: -hit.score)[:limit])

    def mentions(self) -> Mapping[int, tuple[str, ...]]:
        """Return the names of the APIs that each section names; sections by row, as in `searches[0]`."""
        marks = (self.own.mark(VECTORS), self.own.mark(WORDS), self.libraries.mark(WORDS))
        with self._naming:
            if marks != self._mentions[0]:
                sections = self.own.sections.names()
                # A plain word in code style is hardly ever a builtin; a call of one is no news.
                named = {name for _, names in sections for name in names if "." in name}
                meant = {**self.libraries.canonical(named), **self.own.canonical(named)}
                found = {
                    row: tuple(dict.fromkeys(meant[name] for name in names if name in meant))
                    for row, names in sections
                }
                self._mentions = marks, found
            return self._mentions[1]

    def examples(self, name: str, limit: int) -> list[Example]:
        """Return examples from documents: the workspace's, then the API's own."""
        found = [*self.own.examples(name, limit), *self.libraries.examples(name, limit)]
        return list(dict.fromkeys(found))[:limit]

    def finished(self, hits: Sequence[Hit]) -> list[Hit]:
        """Fill in how often the workspace writes the APIs that were found, and the aliases of its own."""
        apis = iter(self._finished([hit.api for hit in hits if hit.api is not None]))
        return [hit if hit.api is None else replace(hit, api=next(apis)) for hit in hits]

    def _finished(self, apis: Sequence[Api]) -> list[Api]:
        named = [self._with_aliases(api) if api.distribution.startswith(OWN) else api for api in apis]
        counts = self._inventory.popularity({name for api in named for name in _written(api)})
        return [replace(api, popularity=sum(counts.get(name, 0) for name in _written(api))) for api in named]

    def _with_aliases(self, api: Api) -> Api:
        aliases = sorted(self._inventory.reexported(api.name), key=len)
        return replace(api, aliases=tuple(aliases), distribution="")

    def close(self) -> None:
        """Close the environment's database."""
        with self._opening:
            if self._database is not None:
                self._database.close()


def _normal(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _written(api: Api) -> set[str]:
    """Return the names under which calls of an API are counted; a method's receiver may be anything."""
    names = {api.name, *api.aliases}
    if api.kind in ("method", "property", "attribute"):
        names.add("." + api.name.rpartition(".")[2])
    return names
