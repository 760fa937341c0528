"""SQLite as this layer uses it: one database file that is rebuilt rather than repaired.

Everything stored can be made again from the sources, so a database that is damaged or of another schema
version is moved aside, and one that cannot be written is replaced by one in memory; both leave a notice.
"""

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from .errors import StorageError

BUSY_SECONDS: Final = 10.0
_CHECKED_BYTES: Final = 64 * 1024 * 1024
_SIDE_FILES: Final = ("-wal", "-shm")
_MARK: Final = ".damaged"
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_UNUSABLE: Final = {
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_NOTADB: "is damaged",
    sqlite3.SQLITE_FULL: "is full",
    sqlite3.SQLITE_IOERR: "cannot be written",
    sqlite3.SQLITE_READONLY: "is read-only",
    sqlite3.SQLITE_BUSY: "is held by another process",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
}


def cache_folder() -> Path:
    """Return the folder of what can be made again: TYPEWRIGHT_CACHE, else the user's cache folder."""
    chosen = os.environ.get("TYPEWRIGHT_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("typewright", appauthor=False)


class Database:
    """One SQLite connection that threads share; each statement or transaction has it alone."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection: Final = connection
        self._lock: Final = threading.RLock()
        self.path: Final = path
        """The file, or None for a database in memory."""

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one query and return its rows. Raises `StorageError`."""
        with self._lock, self._translated():
            return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for a write that happens whole or not at all; one within another is part of it.

        Raises `StorageError` where it could not be written; any error rolls it back.
        """
        with self._lock, self._translated():
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk may have rolled it back already
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if type(error) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
                raise
            if self.path is not None and _code(error) in _DAMAGED:
                with suppress(OSError):  # so that the next start rebuilds it
                    _side(self.path, _MARK).touch()
            raise _storage_error(self.path, error) from error

    def size(self) -> int:
        """Bytes that the database takes on disk, its write-ahead log included; 0 in memory."""
        if self.path is None:
            return 0
        files = (self.path, *(_side(self.path, suffix) for suffix in _SIDE_FILES))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Close; what was committed is on disk."""
        with self._lock:
            self._connection.close()


def connect(path: Path, schema: str, version: int, notices: list[str]) -> Database:
    """Open the database at `path`, made with the SQL script `schema` where it is not there yet.

    `version` counts the changes of what is put in. A damaged database, or one of another version or schema,
    is moved aside to `NAME.old` and started afresh; where nothing can be written, the database lives in
    memory. `notices` is told of both in one sentence. Raises `StorageError` if another process holds the
    file too long.
    """
    stamp = _stamp(schema, version)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        reason = _unusable(path, stamp)
        if reason:
            _move_aside(path)
            notices.append(f"The index {path.name} {reason} and is rebuilt.")
        return Database(_open(path, schema, stamp), path)
    except (OSError, sqlite3.Error) as error:
        if _code(error) == sqlite3.SQLITE_BUSY:
            raise _storage_error(path, error) from error
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        notices.append(
            f"The index lives in memory and is gone at exit: {path.parent} cannot be used ({why})."
        )
        return Database(_prepared(sqlite3.connect(":memory:", check_same_thread=False), schema, stamp), None)


def _stamp(schema: str, version: int) -> int:
    """Return what `user_version` says of a database's schema and content; 0 means that nothing is there."""
    return zlib.crc32(f"{version} {schema}".encode()) & 0x7FFFFFFF or 1


def _open(path: Path, schema: str, stamp: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        return _prepared(connection, schema, stamp)
    except BaseException:
        connection.close()
        raise


def _prepared(connection: sqlite3.Connection, schema: str, stamp: int) -> sqlite3.Connection:
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("BEGIN IMMEDIATE")  # also the test that the folder can be written
    if connection.execute("PRAGMA user_version").fetchone()[0] != stamp:
        for statement in _statements(schema):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {stamp}")
    connection.execute("COMMIT")
    return connection


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements (`executescript` would end the transaction)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _unusable(path: Path, stamp: int) -> str:
    """Say why an existing database cannot be used; '' where it can, or where there is none."""
    if not path.exists() or path.stat().st_size == 0:
        return ""
    if _side(path, _MARK).exists():
        return "was damaged"
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found != stamp:
                return "is of another version" if found else "was left half made"
            small = path.stat().st_size <= _CHECKED_BYTES
            if small and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                return "was damaged"
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        if _code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR):
            raise
        return "was damaged"
    except sqlite3.DatabaseError:
        return "was damaged"
    return ""


def _move_aside(path: Path) -> None:
    path.replace(path.with_name(path.name + ".old"))
    _side(path, _MARK).unlink(missing_ok=True)
    for suffix in _SIDE_FILES:
        with suppress(FileNotFoundError):
            _side(path, suffix).replace(_side(path.with_name(path.name + ".old"), suffix))


def _side(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _code(error: BaseException) -> int:
    """Return SQLite's primary result code of an error (0 where it is no SQLite error)."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _storage_error(path: Path | None, error: BaseException) -> StorageError:
    where = str(path) if path else "The index in memory"
    if _code(error) == sqlite3.SQLITE_FULL:
        return StorageError(f"{where}: no space left on the disk; the index is as it was before.")
    reason = _UNUSABLE.get(_code(error))
    return StorageError(f"{where} {reason} ({error})." if reason else f"{where}: {error}.")
