"""Which files belong to a workspace, and what they are imported as."""

import os
import subprocess
from pathlib import Path

import pytest
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError
from typewright.indexer.layout import read_layout, source_roots
from typewright.indexer.workspace import Limits, skip_reason, walk


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def found(root: Path, limits: Limits | None = None) -> list[str]:
    return [path.relative_to(root).as_posix() for path in walk(root, limits or Limits()).files]


def reasons(root: Path, limits: Limits | None = None) -> dict[str, str]:
    skipped = walk(root, limits or Limits()).skipped
    return {each.path.relative_to(root).as_posix(): each.reason for each in skipped}


def test_python_files_and_notebooks_are_found(tmp_path: Path) -> None:
    tree(tmp_path, dict.fromkeys(("a.py", "b.pyi", "c.ipynb", "d.txt", "p/e.py", "f.pyc", "p/g"), ""))
    assert found(tmp_path) == ["a.py", "b.pyi", "c.ipynb", "p/e.py"]


def test_what_is_no_source_is_left_out_with_a_reason(tmp_path: Path) -> None:
    places = ["node_modules/a.py", "build/lib/a.py", "x.egg-info/a.py", "myenv/lib/a.py", "__pycache__/a.py"]
    tree(tmp_path, dict.fromkeys((*places, "myenv/pyvenv.cfg", "src/build/__init__.py", "ok.py"), ""))
    assert found(tmp_path) == ["ok.py", "src/build/__init__.py"]
    assert reasons(tmp_path) == {
        "node_modules": "not source",
        "build": "build output",
        "x.egg-info": "not source",
        "myenv": "a virtual environment",
    }


def test_gitignore_is_read_as_git_reads_it(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            ".gitignore": "*.py\n!keep.py\n/top/\nlogs/*\n!logs/in.py\n",
            "inner/.gitignore": "!back.py\nkeep.py\n",
            **dict.fromkeys(("a.py", "keep.py", "inner/back.py", "inner/keep.py", "inner/top/keep.py"), ""),
            **dict.fromkeys(("top/keep.py", "logs/out.pyi", "logs/in.py", "ok.pyi"), ""),
        },
    )
    assert found(tmp_path) == ["inner/back.py", "keep.py", "logs/in.py", "ok.pyi"]
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    git = ["git", "ls-files", "--others", "--exclude-standard", "*.py", "*.pyi"]
    listed = subprocess.run(git, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert sorted(listed) == found(tmp_path)


def test_rules_above_the_root_count_unless_they_ignore_it(tmp_path: Path) -> None:
    tree(tmp_path, {".gitignore": "a.py\nvendor/\n", "p/a.py": "", "p/b.py": "", "vendor/a.py": ""})
    (tmp_path / ".git").mkdir()
    assert found(tmp_path / "p") == ["b.py"]
    assert found(tmp_path / "vendor") == ["a.py"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", {"p/a.py": ""})
    outside = tree(tmp_path / "outside", {"secret.py": ""})
    (root / "p" / "loop").symlink_to(root)
    (root / "out").symlink_to(outside)
    (root / "out.py").symlink_to(outside / "secret.py")
    (root / "gone.py").symlink_to(root / "nowhere")
    assert found(root) == ["p/a.py"]
    assert set(reasons(root)) == {"p/loop", "out", "out.py", "gone.py"}


def test_caps_of_size_depth_and_number(tmp_path: Path) -> None:
    tree(tmp_path, {"big.py": "x" * 200, "a/b/c/d.py": "", "a/e.py": "", "f.py": ""})
    limits = Limits(file_bytes=100, depth=2, files=1)
    assert found(tmp_path, limits) == ["a/e.py"]
    assert reasons(tmp_path, limits) == {
        "a/b/c": "nested deeper than 2 folders",
        "big.py": "larger than 100 bytes",
        "f.py": "more than 1 files",
    }


def test_odd_entries_do_not_stop_the_walk(tmp_path: Path) -> None:
    tree(tmp_path, {"a.py": "", ".gitignore": "\\\n[\n!\n"})
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / os.fsdecode(b"\xff.py")).write_text("")
    assert "a.py" in found(tmp_path)
    assert reasons(tmp_path)["pipe.py"] == "not a regular file"


def test_a_folder_that_cannot_be_read_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, {"closed/a.py": "", "b.py": ""})
    (tmp_path / "closed").chmod(0)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # a relative root needs no permission for the folders above it
    user = os.geteuid()
    try:
        if user == 0:  # nothing is closed to root
            os.seteuid(65534)
        found = walk(Path())
    finally:
        os.seteuid(user)
        (tmp_path / "closed").chmod(0o755)
    assert [(each.path, each.reason) for each in found.skipped] == [(Path("closed"), "Permission denied")]
    assert found.files == (Path("b.py"),)


def test_single_files_missing_paths_and_cancellation(tmp_path: Path) -> None:
    tree(tmp_path, {"a.py": ""})
    assert walk(tmp_path / "a.py").files == (tmp_path / "a.py",)
    assert walk(tmp_path / "a.py").skipped == ()
    with pytest.raises(TypewrightError, match="no such file or folder"):
        walk(tmp_path / "missing")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        walk(tmp_path, cancel=token)


def test_skip_reason_agrees_with_the_walk(tmp_path: Path) -> None:
    tree(tmp_path, {".gitignore": "x/\n", "x/a.py": "", "node_modules/b.py": "", "c.py": "", "d.txt": ""})
    assert skip_reason(tmp_path, tmp_path / "c.py") is None
    assert skip_reason(tmp_path, tmp_path / "x/a.py") == "ignored by .gitignore"
    assert skip_reason(tmp_path, tmp_path / "node_modules/b.py") == "not source"
    assert skip_reason(tmp_path, tmp_path / "d.txt") == "not Python"
    assert skip_reason(tmp_path, tmp_path.parent / "e.py") == "outside the workspace"


@pytest.mark.parametrize(
    ("build", "file", "module"),
    [
        ("[tool.setuptools]\npackage-dir = {'' = 'code'}", "code/p/m.py", "p.m"),
        ("[tool.setuptools]\npackage-dir = {'a.b' = 'b', 'a' = 'x'}", "b/c/d.py", "a.b.c.d"),
        ("[tool.setuptools]\npackage-dir = {'a.b' = 'b', 'a' = 'x'}", "x/__init__.py", "a"),
        ("[tool.setuptools.packages.find]\nwhere = ['one', 'two']", "two/p/__init__.py", "p"),
        ("[tool.poetry]\npackages = [{include = 'p', from = 'code'}]", "code/p/m.py", "p.m"),
        ("[tool.hatch.build.targets.wheel]\npackages = ['code/p']", "code/p/m.py", "p.m"),
        ("[tool.hatch.build.targets.wheel.sources]\n'lib/x' = 'y/z'", "lib/x/m.py", "y.z.m"),
        ("[tool.pdm.build]\npackage-dir = 'code'", "code/m.py", "m"),
        ("[tool.maturin]\npython-source = 'py'", "py/p/m.pyi", "p.m"),
        ("", "src/space/p/m.py", "space.p.m"),
        ("", "p/__init__.pyi", "p"),
        ("", "tests/test_a.py", "tests.test_a"),
        ("", "work/notes.ipynb", "work.notes"),
        ("", "p-stubs/m.pyi", "p.m"),
        ("this is = not toml [", "src/m.py", "m"),
        ("tool = 3", "m.py", "m"),
    ],
)
def test_module_names_follow_the_build_file(tmp_path: Path, build: str, file: str, module: str) -> None:
    tree(tmp_path, {"pyproject.toml": build, file: ""})
    assert read_layout(tmp_path).module_name(tmp_path / file) == module


def test_setup_cfg_and_uv_members(tmp_path: Path) -> None:
    tree(tmp_path, {"setup.cfg": "[options]\npackage_dir =\n    =code\n", "code/m.py": ""})
    assert read_layout(tmp_path).module_name(tmp_path / "code/m.py") == "m"
    tree(
        tmp_path,
        {
            "pyproject.toml": "[tool.uv.workspace]\nmembers = ['libs/*', '/etc/*']",
            "libs/one/pyproject.toml": "[tool.setuptools]\npackage-dir = {one = 'source'}",
            "libs/one/source/m.py": "",
            "libs/two/pyproject.toml": "",
            "libs/two/src/two/m.py": "",
        },
    )
    layout = read_layout(tmp_path)
    assert layout.module_name(tmp_path / "libs/one/source/m.py") == "one.m"
    assert layout.module_name(tmp_path / "libs/two/src/two/m.py") == "two.m"


def test_a_root_inside_a_package_keeps_its_name(tmp_path: Path) -> None:
    tree(tmp_path, {"p/__init__.py": "", "p/q/__init__.py": "", "p/q/m.py": ""})
    assert read_layout(tmp_path / "p/q").module_name(tmp_path / "p/q/m.py") == "p.q.m"
    assert source_roots(tmp_path / "p/q/m.py") == (tmp_path / "p/q",)


def test_our_own_layout() -> None:
    root = Path(__file__).parents[2]
    layout = read_layout(root)
    assert layout.module_name(root / "indexer" / "layout.py") == "typewright.indexer.layout"
    assert layout.module_name(root / "tests" / "conftest.py") == "tests.conftest"
