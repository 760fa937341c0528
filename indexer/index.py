"""The index of one workspace: the face of this layer."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .apis import SCHEMA as API_SCHEMA
from .cancellation import NEVER, CancelToken, Progress
from .environment import Environment, discover
from .errors import TypewrightError, UnreadableSource
from .inventory import SCHEMA as INVENTORY_SCHEMA
from .inventory import Entry, Inventory, Known, read_entry
from .knowledge import DocumentReport, Knowledge, LibraryReport
from .layout import read_layout
from .modules import ModuleFinder
from .snapshot import Snapshot, Texts, located
from .store import cache_folder, connect
from .workspace import DEFAULT_LIMITS, Skipped, skip_reason, walk

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

__all__ = ["DocumentReport", "Index", "LibraryReport", "Snapshot", "UpdateReport"]

VERSION: Final = 2
"""Counts changes of what is put in the workspace's tables."""

_BATCH: Final = 64
# A change of these may change which files there are and what they are called.
_DECIDING: Final = frozenset({".gitignore", "pyproject.toml", "setup.cfg", "__init__.py", "pyvenv.cfg"})


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did. `files` and `symbols` are what the index holds now."""

    files: int
    symbols: int
    indexed: int
    unchanged: int
    removed: int
    skipped: tuple[Skipped, ...]
    seconds: float

    def __str__(self) -> str:
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return (
            f"files: {self.files:,} with {self.symbols:,} symbols ({self.indexed:,} read,"
            f" {self.unchanged:,} unchanged, {self.removed:,} removed{skipped}), {self.seconds:.1f} s"
        )


class Index:
    """What exists in one workspace and its environment; thread-safe. Open it with `Index.open`."""

    def __init__(self, root: Path, target: Path, environment: Environment, cache: Path) -> None:
        self.root: Final = root
        self.environment: Final = environment
        key = hashlib.blake2b(str(target).encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
        self.folder: Final = cache / "workspaces" / f"{target.name or 'root'}-{key}"
        self.notices: Final[list[str]] = []
        self._target: Final = target
        self._limits: Final = DEFAULT_LIMITS
        self._database: Final = connect(
            self.folder / "workspace.db", INVENTORY_SCHEMA + API_SCHEMA, VERSION, self.notices
        )
        self._inventory: Final = Inventory(self._database)
        self._knowledge: Final = Knowledge(self._database, self._inventory, environment, cache, self.notices)
        self._texts: Final = Texts()
        self._updating: Final = threading.Lock()
        self._layout = read_layout(target)
        self._finder = self._new_finder()

    @property
    def folders(self) -> tuple[Path, Path]:
        """Where the index is kept: the workspace's part and that of its environment."""
        return self.folder, self._knowledge.folder

    @classmethod
    def open(cls, root: Path, *, python: Path | None = None, cache: Path | None = None) -> "Index":
        """Open the index of the workspace folder `root` (or of one file), making it where there is none.

        `python` names the interpreter or environment whose libraries count; `cache` the folder to keep the
        index in. Raises `TypewrightError` if `root` does not exist or `python` is no environment.
        """
        target = root.expanduser().resolve()
        if not target.exists():
            raise TypewrightError(f"{root}: no such file or folder.")
        folder = target if target.is_dir() else target.parent
        return cls(folder, target, discover(folder, python), cache or cache_folder())

    def update(
        self,
        paths: Iterable[Path] | None = None,
        *,
        progress: Progress | None = None,
        cancel: CancelToken = NEVER,
    ) -> UpdateReport:
        """Bring the index up to date with the files on disk; with `paths`, only those files or folders.

        Files are compared by time and size, then by content. A cancelled update keeps what it had read.
        Raises `Cancelled`, and `StorageError` where the index cannot be written.
        """
        started = time.perf_counter()
        with self._updating:
            given = None if paths is None else [located(path, self.root) for path in paths]
            if given is not None and any(path.name in _DECIDING for path in given):
                given = None
            if given is None:
                self._read_layout()
            present, gone, known, skipped = self._survey(given, cancel)
            changed = [path for path in present if self._may_have_changed(path, known)]
            entries = self._entries(changed, known, skipped, progress, cancel)
            indexed, removed = self._write(entries, gone, known, skipped)
            if removed or indexed:
                self._finder.clear()
        files, symbols = self._inventory.count()
        unchanged = len(present) - indexed - sum(each.path in set(changed) for each in skipped)
        return UpdateReport(
            files, symbols, indexed, unchanged, removed, tuple(skipped), time.perf_counter() - started
        )

    def snapshot(self, overlay: Mapping[Path, str] | None = None) -> Snapshot:
        """Return a view of the workspace as it is now, with open buffers in the place of their files."""
        return Snapshot(
            self.root,
            self._layout,
            self.environment,
            self._inventory,
            self._finder,
            self._knowledge,
            self._texts,
            overlay or {},
        )

    def add_libraries(
        self, names: Sequence[str] = (), *, progress: Progress | None = None, cancel: CancelToken = NEVER
    ) -> LibraryReport:
        """Read the APIs of libraries that are not stored in the version that is installed.

        `names` are distributions or modules; none means the standard library and what the workspace imports.
        A library is stored whole or not at all. Raises `TypewrightError` for a name that is not installed,
        `Cancelled`, and `StorageError`.
        """
        return self._knowledge.add_libraries(names, progress, cancel)

    def add_documents(
        self, paths: Sequence[Path], *, progress: Progress | None = None, cancel: CancelToken = NEVER
    ) -> DocumentReport:
        """Read documents, and folders of documents, in the place of what was read of them before.

        Raises `TypewrightError` where one does not exist, `Cancelled`, and `StorageError`.
        """
        return self._knowledge.add_documents(paths, progress, cancel)

    def embed(
        self,
        embed: "Callable[[Sequence[str]], NDArray[float32]]",
        *,
        progress: Progress | None = None,
        cancel: CancelToken = NEVER,
    ) -> int:
        """Give vectors to the APIs and sections that have none; return how many.

        `embed` turns n texts into unit vectors of shape (n, 384). What is done when it is cancelled is kept.
        """
        return self._knowledge.embed(embed, progress, cancel)

    def close(self) -> None:
        """Close the databases; the index can be opened again."""
        self._knowledge.close()
        self._database.close()

    def _new_finder(self) -> ModuleFinder:
        return ModuleFinder(self._layout.source_roots, self.environment, dict(self._layout.packages))

    def _read_layout(self) -> None:
        """Read the layout again; another one renames modules, so that every file is read again."""
        layout = read_layout(self._target)
        if layout != self._layout:
            self._layout = layout
            self._finder = self._new_finder()
        if self._inventory.setting("layout") != repr(layout):
            with self._database.transaction() as connection:
                connection.execute("UPDATE files SET size = -1, digest = ''")
                connection.execute("INSERT OR REPLACE INTO settings VALUES ('layout', ?)", (repr(layout),))

    def _survey(
        self, given: list[Path] | None, cancel: CancelToken
    ) -> tuple[list[Path], list[str], dict[str, Known], list[Skipped]]:
        """Return the files that are there, those that are gone, what is stored of them, what is left out."""
        if given is None:
            found = walk(self._target, self._limits, cancel)
            known = self._inventory.known()
            gone = set(known).difference(self._relative(path) for path in found.files)
            return list(found.files), sorted(gone), known, list(found.skipped)
        present: list[Path] = []
        skipped: list[Skipped] = []
        stored: set[str] = set()
        for path in given:
            if not path.is_relative_to(self.root):
                skipped.append(Skipped(path, "outside the workspace"))
                continue
            stored.update(self._inventory.below(self._relative(path)))
            reason = skip_reason(self._target, path, self._limits) if path.exists() else None
            if reason is not None:
                skipped.append(Skipped(path, reason))
            elif path.exists():
                inside = walk(path, self._limits, cancel)
                present += inside.files
                skipped += inside.skipped
        names = [self._relative(path) for path in present]
        return present, sorted(stored.difference(names)), self._inventory.known_of(names), skipped

    def _may_have_changed(self, path: Path, known: Mapping[str, Known]) -> bool:
        stored = known.get(self._relative(path))
        if stored is None:
            return True
        try:
            status = path.stat()
        except OSError:
            return True
        return (status.st_mtime_ns, status.st_size) != (stored.modified, stored.size)

    def _entries(
        self,
        changed: list[Path],
        known: Mapping[str, Known],
        skipped: list[Skipped],
        progress: Progress | None,
        cancel: CancelToken,
    ) -> Iterator[tuple[str, Entry | Known]]:
        """Read the files that may have changed; what cannot be read goes to `skipped`."""
        for done, path in enumerate(changed):
            cancel.check()
            if progress:
                progress("files", done, len(changed))
            relative = self._relative(path)
            module = self._layout.module_name(path)
            try:
                yield relative, read_entry(path, relative, module, known.get(relative), self._limits)
            except UnreadableSource as error:
                skipped.append(Skipped(path, str(error)))
        if progress:
            progress("files", len(changed), len(changed))

    def _write(
        self,
        read: Iterator[tuple[str, Entry | Known]],
        gone: list[str],
        known: Mapping[str, Known],
        skipped: list[Skipped],
    ) -> tuple[int, int]:
        """Store what was read, batch by batch; return the numbers of files (indexed, removed)."""
        indexed = 0
        while batch := list(islice(read, _BATCH)):
            entries = [found for _, found in batch if isinstance(found, Entry)]
            stamps = [(path, found) for path, found in batch if isinstance(found, Known)]
            with self._database.transaction() as connection:
                self._inventory.store(connection, entries)
                self._inventory.touch(connection, stamps)
                for entry in entries:
                    self._knowledge.replace_file(entry.path, entry.apis)
            indexed += len(entries)
        unreadable = [path for each in skipped if (path := self._relative(each.path)) in known]
        gone = sorted({*gone, *unreadable})
        if gone:
            with self._database.transaction() as connection:
                self._inventory.remove(connection, gone)
                for path in gone:
                    self._knowledge.replace_file(path, ())
        return indexed, len(gone)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()
