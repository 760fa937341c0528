"""Annotates copies of real packages and checks that they are still what they were.

    python benchmarks/annotate/run.py PACKAGE_FOLDER… [--python PATH] [--checker mypy] [--gate]

For each package: `typewright annotate --write` on a copy, then four questions. Do all files parse? Do all
modules that imported before still import, in a child process of the interpreter given? Does a second run
change anything? Which errors does the type checker report that it did not report before? `--gate` lets
`annotate` ask the checker itself. Prints one table; exit code 1 where an answer is bad.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from typewright.assist.checkers import CHECKERS, find_checker
from typewright.indexer.environment import discover

IMPORTER = """
import importlib, io, json, sys
failed = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = f"{type(error).__name__}: {error}"
json.dump(failed, open(sys.argv[2], "w"))
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What one package went through."""

    name: str
    files: int
    slots: int
    annotations: int
    broken_files: int
    broken_imports: dict[str, str]
    changed_again: int
    new_errors: tuple[str, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing was broken."""
        return not (self.broken_files or self.broken_imports or self.changed_again or self.new_errors)


def measure(package: Path, options: argparse.Namespace) -> Result:
    """Annotate a copy of one package and check it."""
    with tempfile.TemporaryDirectory(prefix="typewright-benchmark-") as temporary:
        root = Path(temporary).resolve() / "project"
        root.mkdir()
        (root / "pyproject.toml").write_text("[project]\nname = 'benchmark'\n", encoding="utf-8")
        copy = root / package.name
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
        imports_before = failing_imports(copy, options.python)
        errors_before = checker_errors(root, copy, options)
        files = sorted(copy.rglob("*.py"))
        slots = sum(open_slots(path) for path in files)
        started = time.perf_counter()
        annotate(root, copy, options, "--write")
        seconds = time.perf_counter() - started
        broken_files = sum(not parses(path) for path in files)
        imports_after = failing_imports(copy, options.python)
        new = checker_errors(root, copy, options) - errors_before
        left = sum(open_slots(path) for path in files)
        again = [json.loads(line) for line in annotate(root, copy, options, "--json").splitlines()]
        if options.keep:
            shutil.copytree(copy, options.keep / package.name, dirs_exist_ok=True)
    return Result(
        package.name,
        len(files),
        slots,
        slots - left,
        broken_files,
        {name: why for name, why in imports_after.items() if name not in imports_before},
        sum(row["changed"] for row in again),
        tuple(sorted(new.elements())),
        seconds,
    )


def annotate(root: Path, package: Path, options: argparse.Namespace, mode: str) -> str:
    """Run `typewright annotate` and return what it prints."""
    command = [sys.executable, "-m", "typewright.cli.main", "annotate", str(package), mode]
    command += ["--root", str(root), "--cache", str(root.parent / "cache"), "--python", str(options.python)]
    command += ["--min-confidence", str(options.min_confidence)]
    command += ["--checker", options.checker] if options.gate else []
    command += ["--no-neural"] if options.no_neural else []
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"annotate failed on {package.name}: {done.stderr.strip()}")
    return done.stdout


def open_slots(path: Path) -> int:
    """How many parameters and returns of a file have no annotation."""
    count = 0
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return 0
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            names += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
            count += sum(a.annotation is None and a.arg not in ("self", "cls") for a in names)
            count += node.returns is None
    return count


def parses(path: Path) -> bool:
    """Whether Python takes the file."""
    try:
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def failing_imports(package: Path, python: Path) -> dict[str, str]:
    """Import every module of a package in a child process; return those that fail, and why."""
    modules = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        if parts[-1] != "__main__" and all(part.isidentifier() for part in parts):
            modules.append(".".join(parts).removesuffix(".__init__"))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "failed.json"
        subprocess.run(
            [str(python), "-W", "ignore", "-c", IMPORTER, json.dumps(modules), str(report)],
            cwd=package.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=600,
            check=False,
        )
        if not report.exists():
            return {package.name: "the interpreter ended while it imported"}
        return dict(json.loads(report.read_text(encoding="utf-8")))


def checker_errors(root: Path, package: Path, options: argparse.Namespace) -> Counter[str]:
    """The checker's errors, without their lines."""
    if options.checker == "none":
        return Counter()
    checker = find_checker(options.checker, discover(root, options.python))
    files = [path.relative_to(root) for path in sorted(package.rglob("*.py"))]
    found = checker.errors(root, files)
    return Counter(f"{path}: {message} [{code}]" for path, code, message in (e.identity for e in found))


def table(results: list[Result]) -> str:
    """The results as one Markdown table."""
    head = "package|files|open slots|annotated|broken files|broken imports|changed again|new errors|seconds"
    rows = [head.split("|"), ["---"] * 9]
    rows += [
        [
            result.name, str(result.files), str(result.slots),
            f"{result.annotations} ({result.annotations / max(result.slots, 1):.0%})",
            str(result.broken_files), str(len(result.broken_imports)), str(result.changed_again),
            str(len(result.new_errors)), f"{result.seconds:.1f}",
        ]
        for result in results
    ]  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Measure every package named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("packages", nargs="+", type=Path)
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="the interpreter to import with"
    )
    parser.add_argument("--checker", choices=(*CHECKERS, "none"), default="mypy")
    parser.add_argument("--gate", action="store_true", help="annotate with --checker")
    parser.add_argument("--min-confidence", type=float, default=0.8)
    parser.add_argument("--no-neural", action="store_true")
    parser.add_argument("--keep", type=Path, help="copy the annotated packages here")
    options = parser.parse_args()
    options.python = options.python.absolute()  # not resolved: a link is how an environment is told apart
    results = [measure(package.resolve(), options) for package in options.packages]
    print(table(results))
    for result in results:
        for what in (*(f"{name}: {why}" for name, why in result.broken_imports.items()), *result.new_errors):
            print(f"{result.name}: {what}")
    return int(not all(result.good for result in results))


if __name__ == "__main__":
    sys.exit(main())
