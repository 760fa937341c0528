"""An immutable view of the workspace: what lies on disk, hidden where a buffer is open."""

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .call_sites import call_sites
from .environment import Environment
from .errors import UnreadableSource
from .inventory import Inventory, closeness, read_text
from .knowledge import Knowledge
from .layout import Layout
from .modules import ModuleFile, ModuleFinder
from .outline import Outline, Symbol, outline
from .own_apis import is_test
from .records import Api, Example, Hit
from .references import bound_names, dotted_names, identifiers
from .search import Search
from .syntax import Syntax, parse
from .workspace import is_python

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_MOST_BUFFERS: Final = 32
_MOST_SEARCHED: Final = 20


class Texts:
    """Texts of files, read again when size or time have changed, and last syntaxes of open buffers.

    Thread-safe and bounded.
    """

    def __init__(self, capacity: int = 16_000_000) -> None:
        self._capacity: Final = capacity
        self._size = 0
        self._lock: Final = threading.Lock()
        self._texts: OrderedDict[Path, tuple[tuple[int, int], str]] = OrderedDict()
        self._buffers: OrderedDict[Path, Syntax] = OrderedDict()
        self._identifiers: OrderedDict[Path, tuple[str, frozenset[str]]] = OrderedDict()

    def syntax_of_buffer(self, path: Path, text: str) -> Syntax:
        """Parse an open buffer, taking over what its last version had already."""
        syntax = parse(text, self._buffers.get(path))
        with self._lock:
            self._buffers[path] = syntax
            self._buffers.move_to_end(path)
            if len(self._buffers) > _MOST_BUFFERS:
                self._buffers.popitem(last=False)
        return syntax

    def identifiers_of_buffer(self, path: Path, text: str) -> frozenset[str]:
        """Return the identifiers in an open buffer, read once for each of its versions."""
        with self._lock:
            found = self._identifiers.get(path)
        if found is None or found[0] != text:
            found = (text, frozenset(identifiers(dotted_names(text))))
            with self._lock:
                self._identifiers[path] = found
                self._identifiers.move_to_end(path)
                if len(self._identifiers) > _MOST_BUFFERS:
                    self._identifiers.popitem(last=False)
        return found[1]

    def read(self, path: Path) -> str:
        """Return a file's text. Raises `UnreadableSource`."""
        try:
            status = path.stat()
        except OSError:
            return read_text(path)  # which says what is wrong
        stamp = (status.st_mtime_ns, status.st_size)
        with self._lock:
            found = self._texts.get(path)
            if found is not None and found[0] == stamp:
                self._texts.move_to_end(path)
                return found[1]
        text = read_text(path)
        with self._lock:
            replaced = self._texts.pop(path, None)
            self._texts[path] = (stamp, text)
            self._size += len(text) - (len(replaced[1]) if replaced else 0)
            while self._size > self._capacity and len(self._texts) > 1:
                self._size -= len(self._texts.popitem(last=False)[1][1])
        return text


class Snapshot:
    """The workspace at one moment. A file is read once; `overlay` holds the open buffers by path."""

    def __init__(
        self,
        root: Path,
        layout: Layout,
        environment: Environment,
        inventory: Inventory,
        finder: ModuleFinder,
        knowledge: Knowledge,
        texts: Texts,
        overlay: Mapping[Path, str],
    ) -> None:
        self.root: Final = root
        self.source_roots: Final = layout.source_roots
        self.environment: Final = environment
        self.overlay: Final = {located(path, root): text for path, text in overlay.items()}
        self._layout: Final = layout
        self._inventory: Final = inventory
        self._finder: Final = finder
        self._knowledge: Final = knowledge
        self._texts: Final = texts
        self._files: tuple[Path, ...] | None = None
        self._read: dict[Path, str] = {}

    def files(self) -> Sequence[Path]:
        """Return the workspace's Python files and the open buffers within it, sorted."""
        if self._files is None:
            stored = {self.root / path for path in self._inventory.paths()}
            self._files = tuple(sorted(stored.union(self._open_files())))
        return self._files

    def text(self, path: Path) -> str:
        """Return the text of any Python file (a notebook's code cells joined). Raises `UnreadableSource`."""
        found = self._read.get(path)
        if found is None:
            place = located(path, self.root)
            found = self.overlay[place] if place in self.overlay else self._texts.read(place)
            self._read[path] = found
        return found

    def syntax(self, path: Path) -> Syntax:
        """Return the parsed text of a file. Raises `UnreadableSource`, but never for broken code."""
        text = self.text(path)
        place = located(path, self.root)
        return self._texts.syntax_of_buffer(place, text) if place in self.overlay else parse(text)

    def outline(self, path: Path) -> Outline:
        """Return what a file defines, imports and uses. Raises `UnreadableSource`."""
        return outline(self.syntax(path), self.module_name(path))

    def module_name(self, path: Path) -> str:
        """Return the dotted name that a file of the workspace is imported as."""
        return self._layout.module_name(located(path, self.root))

    def find_module(self, name: str) -> ModuleFile | None:
        """Return where a module lies, in the workspace, its environment or the standard library."""
        return self._finder.find(name)

    def submodules(self, name: str) -> Sequence[str]:
        """Return the last components of the modules directly inside a package; '' asks for the top level."""
        return self._finder.submodules(name)

    def imported(self) -> Sequence[str]:
        """Return the modules that the workspace's stored files import, sorted."""
        return self._inventory.imported()

    def files_using(self, name: str) -> Sequence[Path]:
        """Return the workspace files in which an identifier stands, comments and strings included; sorted."""
        stored = {self.root / path for path in self._inventory.using(name)}.difference(self.overlay)
        opened = {
            path
            for path in self._open_files()
            if name in self._texts.identifiers_of_buffer(path, self.overlay[path])
        }
        return sorted(stored | opened)

    def imports_of(self, name: str) -> Sequence[tuple[Path, str, str]]:
        """Return (file, module, symbol) of the imports that bind a name; the symbol of a module is ''."""
        found = [
            (self.root / path, module, symbol)
            for path, module, symbol in self._inventory.binding(name)
            if self.root / path not in self.overlay
        ]
        for path in self._open_files():
            own, is_package = self.module_name(path), path.stem == "__init__"
            for bound, module, symbol in bound_names(self.outline(path).imports, own, is_package):
                if bound == name:
                    found.append((path, module, symbol))
        return found

    def top_level_symbols(self, prefix: str, limit: int = 100) -> Sequence[tuple[Path, Symbol]]:
        """Return what modules define whose name begins with `prefix`, sorted by name."""
        found = [
            (self.root / path, symbol)
            for path, symbol in self._inventory.beginning(prefix, limit + 1000 * len(self.overlay))
            if self.root / path not in self.overlay
        ]
        for path in self._open_files():
            module = self.module_name(path)
            found += [
                (path, symbol)
                for symbol in self.outline(path).symbols
                if symbol.name.startswith(prefix) and symbol.qualified_name == f"{module}.{symbol.name}"
            ]
        found.sort(key=lambda each: (each[1].name, each[0]))
        return found[:limit]

    def find_symbols(self, query: str, limit: int = 100) -> Sequence[tuple[Path, Symbol]]:
        """Return the definitions whose name holds the query's letters in order, the closest first."""
        found = [
            (self.root / path, symbol)
            for path, symbol in self._inventory.symbols(query, limit + 1000 * len(self.overlay))
            if self.root / path not in self.overlay
        ]
        for path in self._open_files():
            found += [
                (path, symbol)
                for symbol in self.outline(path).symbols
                if closeness(query, symbol.name, symbol.qualified_name) < 9
            ]
        found.sort(
            key=lambda each: (closeness(query, each[1].name, each[1].qualified_name), each[1].qualified_name)
        )
        return found[:limit]

    def libraries(self) -> Mapping[str, str]:
        """Return the version of each library that was read, by distribution."""
        return self._knowledge.libraries.libraries()

    def api(self, name: str) -> Api | None:
        """Return an API by its qualified name or any public alias."""
        return self._knowledge.api(name)

    def apis_named(self, name: str, limit: int = 60) -> Sequence[Api]:
        """Return the APIs whose last component, or that of an alias, is `name`: the workspace's own first.

        Those with the fewest components go before others, so that `limit` cuts methods off first.
        """
        return self._knowledge.named(name, limit)

    def search_words(self, query: str, *, limit: int, libraries: Sequence[str] = ()) -> Sequence[Hit]:
        """Search the names and texts of APIs and documents, best first.

        `libraries` are distributions or top-level modules and leave only their APIs.
        """
        return self._knowledge.search_words(query, limit, libraries)

    def search_vector(
        self, vector: "NDArray[float32]", *, limit: int, libraries: Sequence[str] = ()
    ) -> Sequence[Hit]:
        """Search APIs and documents by meaning, best first; only what `Index.embed` has seen is found."""
        return self._knowledge.search_vector(vector, limit, libraries)

    def searches(self) -> Sequence[Search]:
        """Return what scores all APIs at once: the workspace's own, then those of the libraries."""
        return self._knowledge.searches

    def nearest_mentions(
        self, vector: "NDArray[float32]", limit: int
    ) -> Sequence[tuple[Sequence[str], float]]:
        """Return the names of the APIs that the sections nearest in meaning name, and the cosine; best first.

        Solved questions are sections too.
        """
        mentions = self._knowledge.mentions()
        near = self._knowledge.searches[0].vectors.nearest_sections(vector, limit) if mentions else ()
        return [(mentions[row], cosine) for row, cosine in near if row in mentions]

    def best_mentions(self, question: str, limit: int) -> Sequence[Sequence[str]]:
        """Return the names of the APIs that each of the sections names whose words fit best, best first."""
        mentions = self._knowledge.mentions()
        found = self._knowledge.own.sections.search(question, limit) if mentions else ()
        return [mentions.get(row, ()) for row, _ in found]

    def finished(self, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return hits of `searches` with what the workspace says of their APIs: uses, its own names."""
        return self._knowledge.finished(hits)

    def examples(self, name: str, limit: int = 3) -> Sequence[Example]:
        """Return examples of an API: how the workspace uses it, then what documents show."""
        found = self.api(name)
        names = {name, *((found.name, *found.aliases) if found else ())}
        is_member = found is not None and found.kind in ("method", "property", "attribute")
        sites: list[Example] = []
        for path in self._files_with(names, is_member):
            module = self.module_name(path)
            with suppress(UnreadableSource):
                sites += islice(
                    call_sites(
                        path, module, self.syntax(path), self.outline(path), names, is_member=is_member
                    ),
                    max(1, limit - len(sites)),
                )
            if len(sites) >= limit:
                break
        return [*sites, *self._knowledge.examples(name, limit)][:limit]

    def _files_with(self, names: set[str], is_member: bool) -> list[Path]:
        """Return files that may use an API; of a member, those that also name its class or its library."""
        paths = [path for path, _ in self._inventory.api_uses(names)]
        if is_member and not paths:
            owners = {name.rpartition(".")[0] for name in names}
            using = {path for name in names for path in self._inventory.using(name.rpartition(".")[2])}
            related = [path for path, _ in self._inventory.api_uses(owners)]
            tops = {name.partition(".")[0] for name in names}
            related += [path for path, _ in self._inventory.api_uses(tops)]
            paths = [path for path in dict.fromkeys(related) if path in using]
        paths.sort(key=is_test)
        return [self.root / path for path in paths[:_MOST_SEARCHED]]

    def _open_files(self) -> list[Path]:
        """Return the buffers that belong to the workspace."""
        return [path for path in self.overlay if path.is_relative_to(self.root) and is_python(path.name)]


def located(path: Path, root: Path) -> Path:
    """Make a path absolute and free of `..`; links are resolved where that is what brings it under `root`."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps `..`
    if path.is_relative_to(root):
        return path
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return path
    return resolved if resolved.is_relative_to(root) else path
