"""The invariants of docs/architecture.md, each as a test."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("indexer", "analysis", "models", "assist", "cli", "lsp")
BELOW = {
    "indexer": set(),
    "analysis": {"indexer"},
    "models": {"indexer"},
    "assist": {"analysis", "models", "indexer"},
    "cli": {"assist", "analysis", "models", "indexer"},
    "lsp": {"assist", "analysis", "models", "indexer"},
}
ONLY_IN = {
    "pygls": "lsp",
    "lsprotocol": "lsp",
    "torch": "models",
    "transformers": "models",
    "onnx": "models",
    "onnxruntime": "models",
    "safetensors": "models",
    "tokenizers": "models",
    "sqlite3": "indexer",
    "faiss": "indexer",
    "tree_sitter": "indexer",
    "tree_sitter_python": "indexer",
    "griffe": "indexer",
}
HEAVY = (
    "torch",
    "transformers",
    "onnx",
    "onnxruntime",
    "pygls",
    "lsprotocol",
    "faiss",
    "griffe",
    "sqlite3",
    "numpy",
)


def layer_files() -> list[tuple[str, Path]]:
    return [(layer, path) for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def imported_modules(path: Path) -> Iterator[str]:
    package = ["typewright", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            if module in ("typewright", ""):
                yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    ("layer", "path"), layer_files(), ids=lambda value: str(value).rpartition(str(ROOT))[2]
)
def test_imports_point_down_and_heavy_packages_stay_in_their_layer(layer: str, path: Path) -> None:
    for module in imported_modules(path):
        top, *rest = module.split(".")
        if top == "typewright" and rest:
            assert rest[0] == layer or rest[0] in BELOW[layer], f"{layer} must not import {module}"
        assert ONLY_IN.get(top, layer) == layer, f"only {ONLY_IN.get(top)}/ may import {top}"


def test_every_module_is_in_the_code_map() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    missing = [
        str(path.relative_to(ROOT))
        for _, path in layer_files()
        if path.name != "__init__.py"
        and f"`{path.name}`" not in text
        and f"/{path.name}`" not in text
        and f"`{path.parent.name}/`" not in text
    ]
    assert not missing, f"docs/architecture.md does not name {missing}"


def test_files_fit_in_one_head() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in ROOT.rglob("*.py")
        if not set(path.relative_to(ROOT).parts) & {".venv", ".cache", "build", "node_modules"}
        and (count := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert not long


def test_help_is_light() -> None:
    program = (
        "import sys, contextlib, io\n"
        "from typewright.cli.main import main\n"
        "sys.argv = ['typewright', '--help']\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "    main()\n"
        "assert 'annotate' in out.getvalue()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


BOOBY_TRAP = "from pathlib import Path\nPath({marker!r}).touch()\n"


@pytest.fixture
def trapped_workspace(tmp_path: Path) -> tuple[Path, Path]:
    """A workspace in which any executed line of Python leaves a mark."""
    marker = tmp_path / "executed"
    trap = BOOBY_TRAP.format(marker=str(marker))
    root = tmp_path / "workspace"
    package = root / "package"
    package.mkdir(parents=True)
    for name in ("setup.py", "conftest.py", "sitecustomize.py", "usercustomize.py", "package/__init__.py"):
        (root / name).write_text(trap)
    (package / "code.py").write_text(
        trap + "import library\n\ndef double(count=1):\n    return library.twice(count)\n"
    )
    prefix = root / ".venv"
    site = prefix / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (prefix / "pyvenv.cfg").write_text(f"home = {Path(sys.base_prefix) / 'bin'}\nversion = 3.11.0\n")
    (site / "trap.pth").write_text(f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n")
    (site / "library").mkdir()
    (site / "library" / "__init__.py").write_text(
        trap + "def twice(count: int) -> int:\n    return count * 2\n"
    )
    (prefix / "bin").mkdir()
    interpreter = prefix / "bin" / "python"
    interpreter.write_text(f"#!/bin/sh\ntouch {marker}\n")
    interpreter.chmod(0o755)
    return root, marker


NO_NETWORK = """
import socket, sys
def refuse(*_args, **_keywords):
    raise AssertionError("the network was used")
socket.socket.connect = refuse
socket.create_connection = refuse
socket.getaddrinfo = refuse
from typewright.cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("index", "{root}", "--json"),
        ("types", "{root}", "--json"),
        ("annotate", "{root}", "--json"),
        ("check", "{root}", "--json"),
        ("recommend", "double a number", "--context", "{root}/package/code.py:4", "--json"),
        ("describe", "library.twice", "--json"),
        ("complete", "{root}/package/code.py:6:12", "--json"),
        ("doctor",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_nothing_of_the_workspace_runs_and_no_network_is_used(
    trapped_workspace: tuple[Path, Path],
    language_model_weights: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
) -> None:
    assert language_model_weights.exists()
    root, marker = trapped_workspace
    command = [argument.format(root=root) for argument in arguments]
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, *command, "--cache", str(tmp_path / "cache")],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert "the network was used" not in done.stderr
    assert not marker.exists()
    if "--json" in arguments:
        for line in done.stdout.splitlines():
            json.loads(line)


def test_the_product_names_no_machine_and_no_registry() -> None:
    forbidden = re.compile(
        r"(^|[^A-Za-z])/(work|root|farm)/|py" r"pi\.org|python" r"hosted|registry\.np" r"mjs", re.MULTILINE
    )
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.fail("this test runs in a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".ts", ".json", ".svg", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not forbidden.search(text), f"{name}: {forbidden.search(text)}"
