"""Times the index on a package of yours: cold, warm, its libraries, one changed file.

    python benchmarks/indexing/measure.py PATH [--python ENVIRONMENT] [--no-libraries]

PATH is copied to a temporary folder and indexed with a temporary cache: nothing of yours changes. Each step
runs in a process of its own, as the command line does; seconds include its start. Prints a Markdown table.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EDITS = 25
EDITED_LINES = 500


def main() -> None:
    """Run every step and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--python", type=Path, help="interpreter or environment whose libraries are read")
    parser.add_argument("--no-libraries", action="store_true", help="measure the package alone")
    parser.add_argument("--step", choices=["files", "libraries", "edit"], help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(step(options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / options.path.resolve().name
        shutil.copytree(options.path, root, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv"))
        arguments = [str(root), "--cache", str(Path(folder) / "cache")]
        if options.python:
            arguments += ["--python", str(options.python.absolute())]
        rows = [("package, cold", run(arguments, "files")), ("package, warm", run(arguments, "files"))]
        if not options.no_libraries:
            rows += [("libraries, cold", run(arguments, "libraries"))]
            rows += [("libraries, warm", run(arguments, "libraries"))]
        edit = run(arguments, "edit")
    print("| step | wall s | CPU s | what | per CPU second | peak memory MiB | database MiB |")
    print("|---|---|---|---|---|---|---|")
    for name, row in rows:
        print(table_row(name, row))
    print()
    print(
        f"One changed file ({edit['lines']} lines, {EDITS} edits): median {edit['median_ms']:.1f} ms,"
        f" slowest {edit['slowest_ms']:.1f} ms (CPU: median {edit['cpu_median_ms']:.1f} ms)."
    )


def table_row(name: str, row: dict[str, float]) -> str:
    """Return one line of the table."""
    counts = {key: row[key] for key in ("files", "symbols", "libraries", "apis") if row.get(key)}
    what = ", ".join(f"{int(count):,} {key}" for key, count in counts.items())
    rates = ", ".join(
        f"{count / row['cpu']:,.0f} {key}"
        for key, count in counts.items()
        if key in ("files", "symbols", "apis")
    )
    sizes = f"{row['memory'] / 2**20:.0f} | {row['database'] / 2**20:.1f}"
    return f"| {name} | {row['wall']:.1f} | {row['cpu']:.1f} | {what} | {rates} | {sizes} |"


def run(arguments: list[str], name: str) -> dict[str, float]:
    """Run one step in a process of its own."""
    started = time.perf_counter()
    command = [sys.executable, __file__, *arguments, "--step", name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "wall": time.perf_counter() - started}


def step(options: argparse.Namespace) -> dict[str, float]:
    """Do one step in this process and say what it took."""
    from typewright.indexer.index import Index

    index = Index.open(options.path, python=options.python, cache=options.cache)
    found: dict[str, float] = {}
    if options.step == "files":
        report = index.update()
        found = {"files": report.files, "symbols": report.symbols, "database": folder_size(index.folder)}
    elif options.step == "libraries":
        libraries = index.add_libraries()
        found = {"libraries": len(libraries.read) + len(libraries.unchanged)}
        found |= {"apis": sum(count for _, _, count in libraries.read)}
        found |= {"database": folder_size(options.cache / "environments")}
    else:
        found = edit(index)
    index.close()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    scale = 1 if sys.platform == "darwin" else 1024
    return {**found, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss * scale}


def edit(index: "Index") -> dict[str, float]:  # type: ignore[name-defined]  # noqa: F821 - imported in `step`
    """Change the file of about 500 lines again and again, and index each change."""
    files = {path: index.snapshot().text(path).count("\n") for path in index.snapshot().files()}
    path = min(
        (each for each in files if each.suffix == ".py"), key=lambda each: abs(files[each] - EDITED_LINES)
    )
    text = path.read_text("utf-8")
    walls, cpus = [], []
    for number in range(EDITS):
        path.write_text(
            f"{text}\n\ndef added_{number}(value: int = {number}) -> int:\n    return value\n", "utf-8"
        )
        wall, cpu = time.perf_counter(), time.process_time()
        index.update([path])
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
    return {
        "lines": files[path],
        "median_ms": statistics.median(walls),
        "slowest_ms": max(walls),
        "cpu_median_ms": statistics.median(cpus),
    }


def folder_size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
