"""The tables of what the workspace's files define and name."""

import json
import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .cancellation import NEVER, CancelToken
from .errors import UnreadableSource
from .notebooks import read_notebook
from .outline import Symbol, imports, symbols
from .own_apis import is_test, own_apis
from .records import Api
from .references import (
    absolute_module,
    bindings,
    bound_names,
    dotted_names,
    identifiers,
    reexports,
    references,
)
from .source import Span, content_hash, read_source
from .store import Database
from .syntax import parse
from .workspace import DEFAULT_LIMITS, Limits

SCHEMA: Final = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, module TEXT NOT NULL,
    size INTEGER NOT NULL, modified INTEGER NOT NULL, digest TEXT NOT NULL
);
CREATE TABLE symbols (
    file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
    name TEXT NOT NULL, qualified_name TEXT NOT NULL, kind TEXT NOT NULL,
    signature TEXT NOT NULL, docstring TEXT NOT NULL, spans TEXT NOT NULL
);
CREATE INDEX symbols_of_file ON symbols (file);
CREATE INDEX symbols_by_name ON symbols (name);
CREATE TABLE identifiers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE identifier_uses (
    name INTEGER NOT NULL REFERENCES identifiers, file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
    PRIMARY KEY (name, file)
) WITHOUT ROWID;
CREATE INDEX identifier_uses_of_file ON identifier_uses (file);
CREATE TABLE imports (
    module TEXT NOT NULL, file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE, PRIMARY KEY (module, file)
) WITHOUT ROWID;
CREATE INDEX imports_of_file ON imports (file);
CREATE TABLE bindings (
    name TEXT NOT NULL, module TEXT NOT NULL, symbol TEXT NOT NULL,
    file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE
);
CREATE INDEX bindings_by_name ON bindings (name);
CREATE INDEX bindings_of_file ON bindings (file);
CREATE TABLE api_uses (
    name TEXT NOT NULL, file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE, count INTEGER NOT NULL,
    PRIMARY KEY (name, file)
) WITHOUT ROWID;
CREATE INDEX api_uses_of_file ON api_uses (file);
CREATE TABLE reexports (
    alias TEXT NOT NULL, target TEXT NOT NULL, file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE
);
CREATE INDEX reexports_by_alias ON reexports (alias);
CREATE INDEX reexports_by_target ON reexports (target);
CREATE INDEX reexports_of_file ON reexports (file);
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

_CLOCK_GRAIN_NS: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a file; `modified` (ns) is -1 where it may change again within the clock's grain."""

    size: int
    modified: int
    digest: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, read: the rows that it becomes."""

    path: str
    module: str
    size: int
    modified: int
    digest: str
    symbols: tuple[Symbol, ...]
    names: tuple[str, ...]
    imports: tuple[str, ...]
    bindings: tuple[tuple[str, str, str], ...]
    api_uses: tuple[tuple[str, int], ...]
    reexports: tuple[tuple[str, str], ...]
    apis: tuple[Api, ...]


def read_text(path: Path, limits: Limits = DEFAULT_LIMITS) -> str:
    """Read a Python file, or a notebook as one Python text. Raises `UnreadableSource`."""
    if path.suffix == ".ipynb":
        return read_notebook(read_source(path, max_bytes=limits.notebook_bytes), str(path)).text
    return read_source(path, max_bytes=limits.file_bytes)


def read_entry(path: Path, relative: str, module: str, known: Known | None, limits: Limits) -> Entry | Known:
    """Read and outline one file, or only its new `Known` where its text is that of `known`.

    Raises `UnreadableSource`.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableSource(f"{path}: {error.strerror}.") from error
    modified = status.st_mtime_ns if time.time_ns() - status.st_mtime_ns > _CLOCK_GRAIN_NS else -1
    text = read_text(path, limits)
    digest = content_hash(text)
    if known is not None and known.digest == digest:
        return Known(status.st_size, modified, digest)
    syntax = parse(text, remember=False)
    found = symbols(syntax, module)
    imported = imports(syntax)
    dotted = dotted_names(text)
    is_package = path.stem == "__init__"
    modules = {absolute_module(each, module, is_package) for each in imported}
    used = references(dotted, bindings(imported, module, is_package))
    return Entry(
        relative,
        module,
        status.st_size,
        modified,
        digest,
        found,
        tuple(identifiers(dotted)),
        tuple(modules),
        tuple(bound_names(imported, module, is_package)),
        tuple(used.items()),
        tuple(reexports(imported, module)) if is_package else (),
        () if is_test(relative) else tuple(own_apis(syntax, found, module, path)),
    )


class Inventory:
    """The files of one workspace in its database. Paths are relative to the root, with forward slashes."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    def known(self) -> dict[str, Known]:
        """Return what is stored of each file."""
        rows = self._database.read("SELECT path, size, modified, digest FROM files")
        return {path: Known(size, modified, digest) for path, size, modified, digest in rows}

    def known_of(self, paths: Iterable[str]) -> dict[str, Known]:
        """Return what is stored of some files."""
        rows = self._database.read(
            "SELECT path, size, modified, digest FROM files WHERE path IN (SELECT value FROM json_each(?))",
            (json.dumps(list(paths)),),
        )
        return {path: Known(size, modified, digest) for path, size, modified, digest in rows}

    def below(self, folder: str) -> list[str]:
        """Return the stored files at or under a path."""
        rows = self._database.read(
            "SELECT path FROM files WHERE path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '/'", (folder,)
        )
        return [path for (path,) in rows]

    def paths(self) -> list[str]:
        """Return all files, sorted."""
        return [path for (path,) in self._database.read("SELECT path FROM files ORDER BY path")]

    def count(self) -> tuple[int, int]:
        """Return the numbers of (files, symbols)."""
        ((files, found),) = self._database.read(
            "SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM symbols)"
        )
        return files, found

    def store(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        """Put files in the place of what is stored under their paths, within a transaction."""
        self.remove(connection, [entry.path for entry in entries])
        for entry in entries:
            file = connection.execute(
                "INSERT INTO files (path, module, size, modified, digest) VALUES (?, ?, ?, ?, ?)",
                (entry.path, entry.module, entry.size, entry.modified, entry.digest),
            ).lastrowid
            connection.executemany(
                "INSERT INTO symbols VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (file, each.name, each.qualified_name, each.kind, *_texts(each), _packed(each))
                    for each in entry.symbols
                ],
            )
            names = json.dumps(entry.names)
            connection.execute(
                "INSERT OR IGNORE INTO identifiers (name) SELECT value FROM json_each(?)", (names,)
            )
            connection.execute(
                "INSERT INTO identifier_uses SELECT identifiers.id, ? FROM json_each(?)"
                " JOIN identifiers ON identifiers.name = value",
                (file, names),
            )
            connection.executemany(
                "INSERT INTO imports VALUES (?, ?)", [(each, file) for each in entry.imports]
            )
            connection.executemany(
                "INSERT INTO bindings VALUES (?, ?, ?, ?)", [(*each, file) for each in entry.bindings]
            )
            connection.executemany(
                "INSERT INTO api_uses VALUES (?, ?, ?)",
                [(name, file, count) for name, count in entry.api_uses],
            )
            connection.executemany(
                "INSERT INTO reexports VALUES (?, ?, ?)",
                [(alias, target, file) for alias, target in entry.reexports],
            )

    def remove(self, connection: sqlite3.Connection, paths: Iterable[str]) -> None:
        """Forget files, within a transaction."""
        connection.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in paths])

    def touch(self, connection: sqlite3.Connection, stamps: Iterable[tuple[str, Known]]) -> None:
        """Note new sizes and times of files whose text is the same, within a transaction."""
        connection.executemany(
            "UPDATE files SET size = ?, modified = ? WHERE path = ?",
            [(known.size, known.modified, path) for path, known in stamps],
        )

    def using(self, name: str) -> list[str]:
        """Return the files in which an identifier stands, sorted."""
        rows = self._database.read(
            "SELECT path FROM identifier_uses AS used JOIN identifiers ON identifiers.id = used.name"
            " JOIN files ON files.id = used.file WHERE identifiers.name = ? ORDER BY path",
            (name,),
        )
        return [path for (path,) in rows]

    def symbols(self, query: str, limit: int, cancel: CancelToken = NEVER) -> list[tuple[str, Symbol]]:
        """Return (path, symbol) pairs whose name holds the query's letters in order, the closest first."""
        cancel.check()
        letters = "%".join(re.sub(r"([%_\\])", r"\\\1", letter) for letter in query.rpartition(".")[2])
        rows = self._database.read(
            "SELECT path, name, qualified_name, kind, signature, docstring, spans FROM symbols"
            " JOIN files ON files.id = symbols.file WHERE name LIKE ? ESCAPE '\\'",
            (f"%{letters}%",),
        )
        rows.sort(key=lambda row: (closeness(query, row[1], row[2]), row[2]))
        return [(row[0], _symbol(row[1:])) for row in rows[:limit]]

    def beginning(self, prefix: str, limit: int) -> list[tuple[str, Symbol]]:
        """Return (path, symbol) of what modules define at their top level, by the start of its name."""
        rows = self._database.read(
            "SELECT path, name, qualified_name, kind, signature, docstring, spans FROM symbols"
            " JOIN files ON files.id = symbols.file"
            " WHERE name >= ? AND name < ? AND qualified_name = module || '.' || name"
            " ORDER BY name, path LIMIT ?",
            (prefix, prefix + "\U0010ffff", limit),
        )
        return [(row[0], _symbol(row[1:])) for row in rows]

    def binding(self, name: str) -> list[tuple[str, str, str]]:
        """Return (path, module, symbol) of the imports that bind a name."""
        return self._database.read(
            "SELECT path, bindings.module, symbol FROM bindings JOIN files ON files.id = bindings.file"
            " WHERE name = ? ORDER BY path",
            (name,),
        )

    def imported(self) -> list[str]:
        """Return the modules that the workspace imports, sorted."""
        return [
            name for (name,) in self._database.read("SELECT DISTINCT module FROM imports ORDER BY module")
        ]

    def api_uses(self, names: Iterable[str]) -> list[tuple[str, int]]:
        """Return (path, count) of the files that write one of some qualified names, most first."""
        return self._database.read(
            "SELECT path, sum(count) AS total FROM api_uses JOIN files ON files.id = api_uses.file"
            " WHERE name IN (SELECT value FROM json_each(?)) GROUP BY path ORDER BY total DESC, path",
            (json.dumps(list(names)),),
        )

    def popularity(self, names: Iterable[str]) -> dict[str, int]:
        """Return how often the workspace writes each of some qualified names, those that it does write."""
        return dict(
            self._database.read(
                "SELECT name, sum(count) FROM api_uses"
                " WHERE name IN (SELECT value FROM json_each(?)) GROUP BY name",
                (json.dumps(list(names)),),
            )
        )

    def reexported(self, name: str) -> list[str]:
        """Return the names that packages give to a qualified name, or to all of its module."""
        module, _, last = name.rpartition(".")
        rows = self._database.read(
            "SELECT alias FROM reexports WHERE target = ? UNION"
            " SELECT replace(alias, '*', ?) FROM reexports WHERE target = ?",
            (name, last, f"{module}.*"),
        )
        return [alias for (alias,) in rows]

    def meant(self, alias: str) -> list[str]:
        """Return what a package may mean by a name that it imports."""
        module, _, last = alias.rpartition(".")
        rows = self._database.read(
            "SELECT target FROM reexports WHERE alias = ? UNION"
            " SELECT replace(target, '*', ?) FROM reexports WHERE alias = ?",
            (alias, last, f"{module}.*"),
        )
        return [target for (target,) in rows]

    def setting(self, key: str) -> str:
        """Return a stored setting, '' where there is none."""
        rows = self._database.read("SELECT value FROM settings WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else ""


def closeness(query: str, name: str, qualified_name: str) -> int:
    """Rank a match, smaller is better: exact, qualified, by prefix, within, letters in order, none (9)."""
    wanted, last, lowered = query.lower(), query.lower().rpartition(".")[2], name.lower()
    if "." in wanted and not qualified_name.lower().endswith(wanted):
        return 9 if wanted.rpartition(".")[0] not in qualified_name.lower() else 6
    if name == query or "." in wanted:
        return 0
    if lowered == last:
        return 1
    if lowered.startswith(last):
        return 2
    if last in lowered:
        return 3
    rest = iter(lowered)
    return 4 if all(letter in rest for letter in last) else 9


def _packed(symbol: Symbol) -> str:
    name, whole = symbol.name_span, symbol.span
    numbers = (name.line, name.column, name.end_line, name.end_column)
    return " ".join(map(str, (*numbers, whole.line, whole.column, whole.end_line, whole.end_column)))


def _symbol(row: Sequence[str]) -> Symbol:
    name, qualified_name, kind, signature, docstring, spans = row
    numbers = [int(number) for number in spans.split()]
    return Symbol(
        name,
        qualified_name,
        kind,  # type: ignore[arg-type]  # stored from a Symbol
        Span(*numbers[:4]),
        Span(*numbers[4:]),
        signature,
        docstring,
    )


def _texts(symbol: Symbol) -> tuple[str, str]:
    """Return signature and docstring as SQLite can store them: lone surrogates become question marks."""
    texts = symbol.signature, symbol.docstring
    return tuple(text.encode("utf-8", errors="replace").decode("utf-8") for text in texts)  # type: ignore[return-value]
