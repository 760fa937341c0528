"""Annotated modules imported in a child process, where the user asks for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typewright.assist.annotate import AnnotateOptions, annotate
from typewright.assist.session import Session, Settings
from typewright.assist.try_import import Importer


@pytest.fixture
def session(tmp_path: Path) -> Session:
    root = tmp_path / "project"
    files = {
        "pyproject.toml": "",
        "pkg/__init__.py": "",
        "pkg/good.py": "import pkg.data\n\ndef f():\n    return pkg.data.TEXT\n",
        "pkg/data.py": "from pathlib import Path\nTEXT = (Path(__file__).parent / 'data.txt').read_text()\n",
        "pkg/data.txt": "text",
        "pkg/picky.py": (
            "def f():\n    return 1\n\nif getattr(f, '__annot' + 'ations__'):\n"
            "    raise RuntimeError('annotated')\n"
        ),
        "pkg/user.py": "from pkg.picky import f\n\ndef g():\n    return 2\n",
        "pkg/fails.py": "import nowhere_at_all\n\ndef h():\n    return 3\n",
        "pkg/ends.py": "import os\nos._exit(3)\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Session(
        root, settings=Settings(python=Path(sys.executable), cache=tmp_path / "cache", neural=False)
    )


def test_files_because_of_which_an_import_fails_are_found(session: Session) -> None:
    with session:
        package = session.root / "pkg"
        paths = session.files([session.root])
        importer = Importer(session, paths)
        assert importer.broken({}) == {}
        assert importer.broken({package / "good.py": "import pkg.data\n\ndef f() -> str: ...\n"}) == {}
        [(path, reason)] = importer.broken({package / "data.py": "TEXT: Nope = 1\n"}).items()
        assert path == package / "data.py"
        assert "NameError: name 'Nope' is not defined" in reason
        [(path, reason)] = importer.broken({package / "good.py": "import os\nos._exit(0)\n"}).items()
        assert (path, reason) == (package / "good.py", "import pkg.good would fail: the interpreter ended")
        assert not list(package.rglob("*.pyc"))


def test_they_are_left_as_they_are(session: Session) -> None:
    with session:
        options = AnnotateOptions(minimum_confidence=0.5, try_import=True)
        files = {file.path.name: file for file in annotate(session, [session.root], options)}
        assert "RuntimeError: annotated" in files["picky.py"].problem
        assert not files["picky.py"].changed
        assert "def g() -> int:" in files["user.py"].after
        assert "def h() -> int:" in files["fails.py"].after  # it never imported
