"""Annotates real packages and checks that they are still what they were.

    python benchmarks/annotate/run.py [--only NAME…]                   the packages of packages.toml
    python benchmarks/annotate/run.py PACKAGE… [--python PATH] [--strip]   folders and files of yours

For each package: `typewright annotate --write` on a copy, then four questions. Do all files parse? Do all
modules that imported before still import, in a child process? Does a second run change anything? Which errors
do type checkers report that they did not report before? mypy counts twice: as users run it, and with
--check-untyped-defs before and after, which tells errors that annotations bring from those that were always
there, in bodies that mypy does not look into until they are annotated. Prints one table; exit code 1 where an
answer is bad.

Without packages, those of packages.toml and the checkers are installed in an environment of their own
(--environment). `annotate` decides by itself which checkers to ask; --gate gives it the one that --checker
names, --no-gate none.
"""

from __future__ import annotations

import argparse
import ast
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from confidence import without_annotations
from typewright.assist.checkers import CHECKERS, Checker, find_checker
from typewright.assist.edits import SourceFile
from typewright.indexer.environment import discover
from typewright.indexer.errors import TypewrightError
from typewright.indexer.syntax import parse

HERE = Path(__file__).resolve().parent
PACKAGES = HERE / "packages.toml"
ENVIRONMENT = HERE.parents[1] / ".cache" / "annotate-environment"
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
class Package:
    """What is annotated: a folder or a file, and whether its own annotations are taken away first."""

    source: Path
    strip: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What one package went through; `seconds` and `again` are the two runs, in time of a processor."""

    name: str
    files: int
    slots: int
    annotations: int
    taken_back: int
    broken_files: int
    broken_imports: dict[str, str]
    changed_again: int
    new_errors: dict[str, tuple[str, ...]]
    seconds: float
    again: float

    @property
    def good(self) -> bool:
        """Whether nothing was broken."""
        errors = any(self.new_errors.values())
        return not (self.broken_files or self.broken_imports or self.changed_again or errors)


def measure(package: Package, options: argparse.Namespace) -> Result:
    """Annotate a copy of one package and check it."""
    with tempfile.TemporaryDirectory(prefix="typewright-benchmark-") as temporary:
        root = Path(temporary).resolve() / "project"
        root.mkdir()
        (root / "pyproject.toml").write_text("[project]\nname = 'benchmark'\n", encoding="utf-8")
        copy = root / package.source.name
        if package.source.is_dir():
            shutil.copytree(package.source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(package.source, copy)
        files = sorted(copy.rglob("*.py")) if copy.is_dir() else [copy]
        if package.strip:
            for path in files:
                strip(path)
        imports_before = failing_imports(root, files, options.python)
        errors_before = checker_errors(root, files, options)
        slots = sum(open_slots(path) for path in files)
        _, seconds = annotate(root, copy, options, "--write")
        broken_files = sum(not parses(path) for path in files)
        imports_after = failing_imports(root, files, options.python)
        errors_after = checker_errors(root, files, options)
        left = sum(open_slots(path) for path in files)
        again, again_seconds = annotate(root, copy, options, "--json")
        if options.keep:
            kept = options.keep / package.source.name
            shutil.copytree(copy, kept, dirs_exist_ok=True) if copy.is_dir() else shutil.copy(copy, kept)
    return Result(
        package.source.stem + (" (stripped)" if package.strip else ""),
        len(files),
        slots,
        slots - left,
        sum(len(row["taken_back"]) for row in again),
        broken_files,
        {name: why for name, why in imports_after.items() if name not in imports_before},
        sum(row["changed"] for row in again),
        {
            name: tuple(sorted((after - errors_before[name]).elements()))
            for name, after in errors_after.items()
            if name in errors_before
        },
        seconds,
        again_seconds,
    )


def strip(path: Path) -> None:
    """Take the annotations of parameters and returns away, where what is left still parses."""
    try:
        file = SourceFile.read(path)
    except TypewrightError:
        return
    syntax = parse(file.text)
    if not syntax.damage:
        text, _ = without_annotations(syntax)
        if not parse(text).damage:
            file.write(text)


def annotate(
    root: Path, package: Path, options: argparse.Namespace, mode: str
) -> tuple[list[dict[str, list[object]]], float]:
    """Run `typewright annotate`; return the rows that it prints and the processor's time."""
    command = [sys.executable, "-m", "typewright.cli.main", "annotate", str(package), mode]
    command += ["--root", str(root), "--cache", str(root.parent / "cache"), "--python", str(options.python)]
    command += ["--min-confidence", str(options.min_confidence)]
    if options.gate or options.no_gate:
        command += ["--checker", "none" if options.no_gate else options.checker]
    command += ["--no-neural"] if options.no_neural else []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"annotate failed on {package.name}: {done.stderr.strip()}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [json.loads(line) for line in done.stdout.splitlines()], seconds


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


def failing_imports(root: Path, files: list[Path], python: Path) -> dict[str, str]:
    """Import every module in a child process; return those that fail, and why."""
    modules = []
    for path in files:
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] != "__main__" and all(part.isidentifier() for part in parts):
            modules.append(".".join(parts).removesuffix(".__init__"))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "failed.json"
        subprocess.run(
            [str(python), "-W", "ignore", "-c", IMPORTER, json.dumps(modules), str(report)],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=600,
            check=False,
        )
        if not report.exists():
            return {root.name: "the interpreter ended while it imported"}
        return dict(json.loads(report.read_text(encoding="utf-8")))


def checker_errors(root: Path, files: list[Path], options: argparse.Namespace) -> dict[str, Counter[str]]:
    """The errors of each checker, without their lines."""
    found = {}
    for checker in checkers(root, options):
        try:
            errors = checker.errors(root, [path.relative_to(root) for path in files])
        except TypewrightError as error:
            print(f"note: {error}", file=sys.stderr)
            continue
        identities = (error.identity for error in errors)
        found[checker.label] = Counter(f"{path}: {message} [{code}]" for path, code, message in identities)
    return found


def checkers(root: Path, options: argparse.Namespace) -> list[Checker]:
    """The checkers whose errors count: the one that is named, or all that are installed."""
    environment = discover(root, options.python)
    names = (
        [name for name in CHECKERS if name != "pyright"] if options.checker == "all" else [options.checker]
    )
    found = []
    for name in names:
        try:
            checker = find_checker(name, environment) if name != "none" else None
        except TypewrightError:
            if options.checker != "all":
                raise
            continue
        if checker is not None:
            found += [checker, replace(checker, bodies=True)] if name == "mypy" else [checker]
    return found


def installed(options: argparse.Namespace) -> list[Package]:
    """Install the packages of packages.toml and the checkers; return what is to be annotated."""
    listed = tomllib.loads(PACKAGES.read_text(encoding="utf-8"))
    rows = [row for row in listed["package"] if not options.only or Path(row["source"]).stem in options.only]
    python = options.environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(options.environment)], check=True)
    wanted = [*listed["checkers"], *(row["requirement"] for row in listed["package"])]
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
    options.python = python
    [site] = (options.environment / "lib").glob("python3.*/site-packages")
    return [Package(site / row["source"], row.get("strip", False)) for row in rows]


def table(results: list[Result]) -> str:
    """The results as one Markdown table."""
    names = list(dict.fromkeys(name for result in results for name in result.new_errors))
    head = ["package", "files", "open slots", "annotated", "taken back", "broken files", "broken imports"]
    head += ["changed again", *(f"new: {name}" for name in names), "CPU s", "CPU s again"]
    rows = [head, ["---"] * len(head)]
    rows += [
        [
            result.name, str(result.files), str(result.slots),
            f"{result.annotations} ({result.annotations / max(result.slots, 1):.0%})", str(result.taken_back),
            str(result.broken_files), str(len(result.broken_imports)), str(result.changed_again),
            *(str(len(result.new_errors[name])) if name in result.new_errors else "" for name in names),
            f"{result.seconds:.0f}", f"{result.again:.0f}",
        ]
        for result in results
    ]  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Measure every package named on the command line, or listed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("packages", nargs="*", type=Path)
    parser.add_argument("--only", nargs="+", default=[], help="of the listed packages")
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT, help="where they are installed")
    parser.add_argument("--strip", action="store_true", help="take annotations away first")
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="the interpreter to import with"
    )
    parser.add_argument("--checker", choices=(*CHECKERS, "all", "none"), default="all")
    parser.add_argument("--gate", action="store_true", help="annotate with --checker alone")
    parser.add_argument("--no-gate", action="store_true", help="annotate without a checker")
    parser.add_argument("--min-confidence", type=float, default=0.8)
    parser.add_argument("--no-neural", action="store_true")
    parser.add_argument("--keep", type=Path, help="copy the annotated packages here")
    options = parser.parse_args()
    if options.gate and options.checker in ("all", "none"):
        parser.error("--gate needs --checker NAME")
    packages = [Package(path.resolve(), options.strip) for path in options.packages] or installed(options)
    options.python = options.python.absolute()  # not resolved: a link is how an environment is told apart
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    results = []
    for package in packages:
        results.append(measure(package, options))
        print(f"{results[-1].name}: {'good' if results[-1].good else 'bad'}", file=sys.stderr, flush=True)
    print(table(results))
    for result in results:
        errors = [f"{name}: {error}" for name, found in result.new_errors.items() for error in found]
        for what in (*(f"{name}: {why}" for name, why in result.broken_imports.items()), *errors):
            print(f"{result.name}: {what}")
    return int(not all(result.good for result in results))


if __name__ == "__main__":
    sys.exit(main())
