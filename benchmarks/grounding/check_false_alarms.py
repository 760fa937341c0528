"""False alarms of the API check on code that works, and mistakes that it finds.

Give it folders of packages that are installed and well tested. Each is copied into an empty workspace and
checked against the environment it came from; whatever is reported there is either a false alarm or a true
oddity of the package, so every finding is printed to be looked at. Then names that exist are replaced, at
random sites, by names that stand elsewhere in the package: the share of these mutants that is reported
says how much the check sees. A mutant whose new name is found to exist as well is no mistake and dropped.

    python benchmarks/grounding/check_false_alarms.py --python .venv .venv/lib/python3.11/site-packages/click
"""

from __future__ import annotations

import argparse
import difflib
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from typewright.analysis.absent import Absent, Checker, Site
from typewright.assist.edits import TextEdit, apply
from typewright.indexer.index import Index, Snapshot

KINDS = ("member", "import", "keyword", "module")


@dataclass
class Result:
    """The figures of one package."""

    name: str
    files: int = 0
    seconds: float = 0.0
    sites: Counter[str] = field(default_factory=Counter)
    decided: Counter[str] = field(default_factory=Counter)
    findings: list[Absent] = field(default_factory=list)
    mutants: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)


def check_package(folder: Path, python: Path | None, mutants: int, seed: int) -> Result:
    """Check one package, then `mutants` mutants of it."""
    result = Result(folder.name)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "workspace"
        ignored = shutil.ignore_patterns("__pycache__", "site-packages", "test", "lib2to3", "idlelib")
        if folder.is_dir():
            shutil.copytree(folder, root / folder.name, ignore=ignored)
        else:
            root.mkdir()
            shutil.copy(folder, root)
        index = Index.open(root, python=python, cache=Path(temporary) / "cache")
        index.update()
        snapshot = index.snapshot()
        started = time.perf_counter()
        checker = Checker(snapshot)
        sites: dict[Path, list[Site]] = {}
        for path in snapshot.files():
            result.files += 1
            result.findings += checker.check(path, sites=sites.setdefault(path, []))
            for site in sites[path]:
                result.sites[site.kind] += 1
                result.decided[site.kind] += site.exists is not None
        result.seconds = time.perf_counter() - started
        if mutants:
            _mutate(result, index, snapshot, checker, sites, mutants, random.Random(seed))
        index.close()
    return result


def _mutate(
    result: Result,
    index: Index,
    snapshot: Snapshot,
    checker: Checker,
    sites: dict[Path, list[Site]],
    mutants: int,
    chance: random.Random,
) -> None:
    """Replace names at random sites, a few a file at a time, and see which are reported."""
    names = {
        kind: sorted({site.name for found in sites.values() for site in found if site.kind == kind})
        for kind in KINDS
    }
    files = [path for path, found in sites.items() if any(_is_mutable(site) for site in found)]
    rounds = 0
    while result.mutants.total() < mutants and files and rounds < 50:
        rounds += 1
        chance.shuffle(files)
        for path in files[: 1 + (mutants - result.mutants.total()) // 4]:
            chosen = list(_choose([site for site in sites[path] if _is_mutable(site)], chance))
            renamed = [(site, _other_name(site, names[site.kind], chance)) for site in chosen]
            edits = [TextEdit(site.span, name) for site, name in renamed]
            text = apply(snapshot.text(path), edits)
            seen: list[Site] = []
            mutated = Checker(index.snapshot({path: text}), checker)
            reported = {(found.span.line, found.name) for found in mutated.check(path, sites=seen)}
            answers = {(site.span.line, site.name): site.exists for site in seen}
            for site, name in renamed:
                answer = answers.get((site.span.line, name))
                if answer:
                    continue
                result.mutants[site.kind] += 1
                if (site.span.line, name) in reported:
                    result.caught[site.kind] += 1
                else:
                    why = "undecided" if answer is None else "kept back"
                    place = f"{path.name}:{site.span.line}"
                    result.missed.append(f"{place}: {site.kind} {site.name} -> {name}: {why}")


def _is_mutable(site: Site) -> bool:
    return site.exists is True and site.kind != "module" and not site.name.startswith("__")


def _choose(sites: list[Site], chance: random.Random) -> Iterator[Site]:
    """Up to six sites on different lines; imports alone, since what they bind is used further down."""
    chance.shuffle(sites)
    if sites[0].kind == "import":
        yield sites[0]
        return
    lines: set[int] = set()
    for site in sites:
        if site.kind != "import" and site.span.line not in lines and len(lines) < 6:
            lines.add(site.span.line)
            yield site


def _other_name(site: Site, names: list[str], chance: random.Random) -> str:
    """One of the names of the same kind, used elsewhere in the package, that are spelled most like it."""
    others = [name for name in names if name != site.name and not name.startswith("_")]
    near = difflib.get_close_matches(site.name, others, n=5, cutoff=0.3)
    return chance.choice(near or others) if others else f"get_{site.name}"


def _table(results: list[Result]) -> str:
    lines = [
        "| package | files | sites | decided | findings | mutants caught | sites / s |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for result in [*results, _sum(results)]:
        sites, decided = result.sites.total(), result.decided.total()
        mutants = result.mutants.total()
        caught = f"{result.caught.total()} / {mutants}" if mutants else ""
        lines.append(
            f"| {result.name} | {result.files} | {sites:,} | {decided / max(sites, 1):.0%} "
            f"| {len(result.findings)} | {caught} | {sites / max(result.seconds, 1e-9):,.0f} |"
        )
    return "\n".join(lines)


def _sum(results: list[Result]) -> Result:
    total = Result("all")
    for result in results:
        total.files += result.files
        total.seconds += result.seconds
        for mine, theirs in (
            (total.sites, result.sites),
            (total.decided, result.decided),
            (total.mutants, result.mutants),
            (total.caught, result.caught),
        ):
            mine.update(theirs)
        total.findings += result.findings
    return total


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", nargs="+", type=Path, help="folders of packages, or single modules")
    parser.add_argument("--python", type=Path, help="the environment they are installed in")
    parser.add_argument("--mutants", type=int, default=0, help="mutants a package")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--missed", action="store_true", help="list the mutants that were not reported")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    results = []
    for package in options.packages:
        result = check_package(package.resolve(), options.python, options.mutants, options.seed)
        results.append(result)
        for finding in result.findings:
            place = f"{result.name}: {finding.path.name}:{finding.span.line}:{finding.span.column}"
            print(f"{place}: {finding.kind}: {finding.evidence.text} ({finding.confidence:.2f})")
        if options.missed:
            print(*result.missed, sep="\n")
        sys.stdout.flush()
    print(_table(results))
    total = _sum(results)
    for kind in KINDS:
        share = total.decided[kind] / max(total.sites[kind], 1)
        caught = (
            f", mutants caught {total.caught[kind]} / {total.mutants[kind]}" if total.mutants[kind] else ""
        )
        print(f"{kind}: {total.sites[kind]:,} sites, {share:.0%} decided{caught}")
    if options.json:
        rows = [
            {
                "package": result.name,
                "files": result.files,
                "seconds": round(result.seconds, 2),
                "sites": result.sites,
                "decided": result.decided,
                "findings": len(result.findings),
                "mutants": result.mutants,
                "caught": result.caught,
            }
            for result in [*results, total]
        ]
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
