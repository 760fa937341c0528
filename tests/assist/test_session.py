"""Sessions: opened lazily, refreshed, with open buffers, and where a project's root is."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest
from typewright.assist.memory import Memory
from typewright.assist.session import Session, Settings, find_root
from typewright.indexer.errors import TypewrightError

from .conftest import Opener


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TypewrightError, match="is not a folder"):
        Session(tmp_path / "nowhere")


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with Session(tmp_path, settings=Settings(cache=cache)) as session:
        assert not cache.exists()
        assert session.index.root == tmp_path.resolve()
        assert cache.exists()


def test_the_workspace_is_read_at_the_first_question(open_session: Opener) -> None:
    session = open_session({"a.py": "x = 1\n", "sub/b.py": "y = 2\n", "notes.txt": "no"})
    assert [path.name for path in session.snapshot().files()] == ["a.py", "b.py"]


def test_a_session_that_does_not_wait_answers_from_what_is_stored(open_session: Opener) -> None:
    read = open_session({"a.py": "x = 1\n"})
    with Session(read.root, settings=read.settings, waits=False) as session:
        assert [path.name for path in session.snapshot({read.root / "b.py": ""}).files()] == ["b.py"]
        session.refresh()
        assert [path.name for path in session.snapshot().files()] == ["a.py"]


def test_an_open_buffer_hides_the_disk_and_nothing_is_kept_of_it(open_session: Opener) -> None:
    session = open_session({"a.py": "def f(): return 1\n"})
    path = session.root / "a.py"
    buffer = {path: "def f(): return 'text'\n"}
    assert [str(s.inferred.type) for s in session.analysis(buffer).slots(path)] == ["str"]
    assert [str(s.inferred.type) for s in session.analysis().slots(path)] == ["int"]


def test_the_analysis_is_kept_until_something_changes(open_session: Opener) -> None:
    session = open_session({"a.py": "x = 1\n"})
    first = session.analysis()
    assert session.analysis() is first
    (session.root / "a.py").write_text("x = 'now longer'\n")
    session.refresh([session.root / "a.py"])
    assert session.analysis() is not first


def test_requests_from_several_threads_share_one_index(open_session: Opener) -> None:
    session = open_session({"a.py": "x = 1\n"})
    found: list[int] = []
    threads = [Thread(target=lambda: found.append(id(session.index))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_notices_are_said_once_each(open_session: Opener) -> None:
    session = open_session({"a.py": ""})
    for text in ("one", "two", "one"):
        session.notice(text)
    assert session.notices == ("one", "two")


def test_files_stand_for_themselves_and_folders_for_what_is_in_them(open_session: Opener) -> None:
    session = open_session({"p/a.py": "", "p/b.pyi": "", "p/c.txt": "", "d.py": ""})
    root = session.root
    assert session.files([root / "p", root / "d.py", root / "p" / "a.py"]) == (
        root / "p" / "a.py", root / "p" / "b.pyi", root / "d.py",
    )  # fmt: skip


def test_a_folder_that_git_ignores_is_read_when_it_is_named(open_session: Opener) -> None:
    session = open_session({".gitignore": "out/\n", "out/a.py": "", "b.py": ""})
    assert [path.name for path in session.files([session.root])] == ["b.py"]
    assert [path.name for path in session.files([session.root / "out"])] == ["a.py"]


@pytest.mark.parametrize(
    ("name", "message"), [("gone.py", "no such file"), ("notes.txt", "not a Python file")]
)
def test_paths_that_are_no_python_files_are_refused(open_session: Opener, name: str, message: str) -> None:
    session = open_session({"notes.txt": ""})
    with pytest.raises(TypewrightError, match=message):
        session.files([session.root / name])


def test_the_root_is_the_nearest_folder_with_a_project_file(tmp_path: Path) -> None:
    package = tmp_path / "outer" / "inner" / "src" / "pkg"
    package.mkdir(parents=True)
    (tmp_path / "outer" / "setup.py").touch()
    (tmp_path / "outer" / "inner" / "pyproject.toml").touch()
    (package / "mod.py").touch()
    assert find_root([package / "mod.py"]) == tmp_path / "outer" / "inner"
    assert find_root([package, tmp_path / "outer"]) == tmp_path / "outer"


def test_without_a_project_file_the_root_holds_the_outermost_package(tmp_path: Path) -> None:
    package = tmp_path / "code" / "pkg" / "sub"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package.parent / "__init__.py").touch()
    assert find_root([package]) == tmp_path / "code"
    assert find_root([tmp_path / "code"]) == tmp_path / "code"


def test_memory_forgets_what_was_unused_for_longest() -> None:
    memory: Memory[str, int] = Memory(2)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.get("a") == 1
    memory.put("c", 3)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == (1, None, 3)
