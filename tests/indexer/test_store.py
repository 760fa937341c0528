"""Databases that are damaged, outdated, read-only, full or shared."""

import os
import resource
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from typewright.indexer.errors import StorageError
from typewright.indexer.store import Database, cache_folder, connect

SCHEMA = "CREATE TABLE things (name TEXT PRIMARY KEY, body BLOB);\nCREATE INDEX bodies ON things (body);\n"


def opened(path: Path, version: int = 1) -> tuple[Database, list[str]]:
    notices: list[str] = []
    return connect(path, SCHEMA, version, notices), notices


def add(database: Database, name: str, body: bytes = b"") -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO things VALUES (?, ?)", (name, body))


def names(database: Database) -> list[str]:
    return [name for (name,) in database.read("SELECT name FROM things ORDER BY name")]


def test_what_is_committed_is_there_again(tmp_path: Path) -> None:
    database, notices = opened(tmp_path / "a" / "b" / "index.db")
    add(database, "x")
    assert database.size() > 0
    database.close()
    database, more = opened(tmp_path / "a" / "b" / "index.db")
    assert names(database) == ["x"]
    assert notices == more == []


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database, _ = opened(tmp_path / "index.db")
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.execute("INSERT INTO things VALUES ('x', '')")
        raise ZeroDivisionError
    with pytest.raises(sqlite3.IntegrityError):
        for _ in range(2):
            add(database, "y")
    assert names(database) == ["y"]


def test_a_transaction_within_another_is_part_of_it(tmp_path: Path) -> None:
    database, _ = opened(tmp_path / "index.db")
    with pytest.raises(ZeroDivisionError), database.transaction():
        add(database, "x")
        raise ZeroDivisionError
    assert names(database) == []


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_is_moved_aside(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(damage)
    database, notices = opened(path)
    add(database, "x")
    assert names(database) == ["x"]
    assert notices == ["The index index.db was damaged and is rebuilt."]
    assert (tmp_path / "index.db.old").read_bytes() == damage


def test_damage_in_the_middle_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    database, _ = opened(path)
    for number in range(200):
        add(database, f"thing {number}", os.urandom(500))
    database.close()
    data = bytearray(path.read_bytes())
    data[8192:12288] = b"\x5a" * 4096
    path.write_bytes(data)
    database, notices = opened(path)
    assert names(database) == []
    assert len(notices) == 1


def test_damage_that_a_large_database_shows_only_in_use_is_rebuilt_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typewright.indexer.store._CHECKED_BYTES", 0)
    path = tmp_path / "index.db"
    database, _ = opened(path)
    for number in range(200):
        add(database, f"thing {number}", os.urandom(500))
    database.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)
    path.write_bytes(data)
    database, notices = opened(path)
    assert notices == []
    with pytest.raises(StorageError, match="is damaged"):
        names(database)
    database.close()
    database, notices = opened(path)
    assert names(database) == []
    assert notices == ["The index index.db was damaged and is rebuilt."]
    assert opened(path)[1] == []


def test_another_version_is_rebuilt(tmp_path: Path) -> None:
    database, _ = opened(tmp_path / "index.db", 1)
    add(database, "x")
    database.close()
    database, notices = opened(tmp_path / "index.db", 2)
    assert names(database) == []
    assert notices == ["The index index.db is of another version and is rebuilt."]


def test_a_folder_that_cannot_be_made_means_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database, notices = opened(tmp_path / "file" / "index.db")
    add(database, "x")
    assert names(database) == ["x"]
    assert database.path is None
    assert database.size() == 0
    assert len(notices) == 1
    assert "in memory" in notices[0]


def test_a_read_only_folder_means_memory(tmp_path: Path) -> None:
    database, _ = opened(tmp_path / "index.db")
    database.close()
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    (tmp_path / "index.db").chmod(0o444)
    tmp_path.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        for path in (tmp_path / "index.db", tmp_path / "other.db"):
            database, notices = opened(path)
            add(database, "x")
            assert database.path is None
            assert "in memory" in notices[0]
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)


def test_a_full_disk_is_one_error_and_loses_nothing(tmp_path: Path) -> None:
    database, _ = opened(tmp_path / "index.db")
    add(database, "x")
    database.read("PRAGMA max_page_count = 40")
    with pytest.raises(StorageError, match=r"no space left on the disk; the index is as it was before\.$"):
        add(database, "big", bytes(1_000_000))
    assert names(database) == ["x"]
    database.read("PRAGMA max_page_count = 1000000")
    add(database, "y")
    assert names(database) == ["x", "y"]


def test_a_file_that_may_not_grow_is_one_error_and_loses_nothing(tmp_path: Path) -> None:
    database, _ = opened(tmp_path / "index.db")
    add(database, "x")
    database.close()
    program = f"""
from pathlib import Path
from typewright.indexer.errors import StorageError
from typewright.indexer.store import connect
import resource
database = connect(Path({str(tmp_path / "index.db")!r}), {SCHEMA!r}, 1, [])
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    with database.transaction() as connection:
        connection.execute("INSERT INTO things VALUES ('big', ?)", (bytes(1_000_000),))
except StorageError as error:
    print(error)
print(database.read("SELECT name FROM things"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    error, rows = done.stdout.splitlines()
    assert error.startswith(str(tmp_path / "index.db"))
    assert rows == "[('x',)]"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    database, notices = opened(tmp_path / "index.db")
    assert (names(database), notices) == (["x"], [])


def test_two_processes_and_many_threads_write_at_once(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from typewright.indexer.store import connect
database = connect(Path({str(tmp_path / "index.db")!r}), {SCHEMA!r}, 1, [])
for number in range(40):
    with database.transaction() as connection:
        connection.execute("INSERT INTO things VALUES (?, '')", (sys.argv[1] + str(number),))
"""
    running = [subprocess.Popen([sys.executable, "-c", program, letter]) for letter in "ab"]
    database, notices = opened(tmp_path / "index.db")
    threads = [
        threading.Thread(target=lambda part=part: [add(database, f"{part} {n}") for n in range(10)])
        for part in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait() for process in running] == [0, 0]
    assert len(names(database)) == 120
    assert notices == []


def test_the_cache_folder_is_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPEWRIGHT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("TYPEWRIGHT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name == "typewright"
