"""Type inference, Typewright beside its peers: one command for all tables and pictures.

    python benchmarks/types/run.py [--only micro,recover,speed] [--tools NAME,...] [--packages NAME,...]
                                   [--table .cache/type-model/count-table.json] [--plots docs] [--json FILE]

What a tool has said about a package is kept in .cache/type-benchmarks by the tool's version, so that a run
that was interrupted goes on where it was. docs/type-benchmarks.md says how fair this is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import peers
import plots
import recover
import suite
from slots import python_files
from tools import CACHE, ROOT, Answers, Tool, load, measured, save
from type_text import ANY, parse
from worker import TOOLS

KINDS = "param", "return", "variable"
ENSEMBLE = "ensemble of peers"
TABLE = ENSEMBLE + " + count table"
Row = list[str]


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def show(title: str, head: Row, rows: Sequence[Row]) -> None:
    """A table in Markdown, which can go into the documentation as it is."""
    print(f"\n{title}\n")
    for row in [head, ["---", *(["---:"] * (len(head) - 1))], *rows]:
        print("| " + " | ".join(row) + " |")


def percent(right: float, total: float = 1.0) -> str:
    """A share."""
    return f"{100 * right / total:.1f}%" if total else "-"


def answers(tool: Tool, folder: Path, label: str) -> Answers:
    """What a tool says about a folder, from the cache where the same version was asked before."""
    content = hashlib.sha256()
    for path in python_files(folder):
        content.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    name = tool.name.replace(" ", "")
    kept = CACHE / "answers" / f"{name}-{tool.version()}" / f"{label}-{content.hexdigest()[:16]}.jsonl"
    if not kept.is_file():
        say(f"{tool.name} on {label}")
        with TemporaryDirectory() as scratch:
            found, _ = measured(tool, folder, Path(scratch))
        save(found, kept)
    return load(kept)


def micro(tools: Sequence[Tool], plot_folder: Path) -> dict[str, object]:
    """Exact matches on the micro-suite: a fact without an answer is not right."""
    found: dict[str, list[suite.Score]] = {}
    with TemporaryDirectory() as scratch:
        for tool in tools:
            found[tool.name] = [
                score
                for root in suite.roots()
                for score in suite.scores(
                    root, answers(tool, root.copy(Path(scratch)), root.name.replace("/", "-"))
                )
            ]
    names = list(found)
    overall = []
    for name, scores in found.items():
        row = [name, percent(sum(s.right for s in scores), len(scores))]
        for kind in KINDS:
            chosen = [s.right for s in scores if s.fact.place.kind == kind]
            row.append(percent(sum(chosen), len(chosen)))
        overall.append([*row, percent(sum(bool(s.answer) for s in scores), len(scores))])
    count = len(next(iter(found.values())))
    show(
        f"Micro-suite: exact, of all {count} facts",
        ["tool", "all", "parameters", "returns", "variables", "answered"],
        overall,
    )
    groups = sorted({s.fact.group for scores in found.values() for s in scores})
    by_group = []
    for group in groups:
        columns = [[s.right for s in found[name] if s.fact.group == group] for name in names]
        by_group.append([group, str(len(columns[0])), *(percent(sum(c), len(c)) for c in columns)])
    show("Micro-suite by feature group", ["group", "facts", *names], by_group)
    shares = {name: sum(s.right for s in scores) / len(scores) for name, scores in found.items()}
    plots.bars(plot_folder / "types-micro.svg", f"Micro-suite: exact, of all {count} facts", shares)
    wrong = {name: [_wrong(s) for s in scores if not s.right] for name, scores in found.items()}
    return {"exact": shares, "wrong": wrong}


def _wrong(score: suite.Score) -> str:
    fact = score.fact
    place = f"{score.root}: {fact.place.file}:{fact.place.line} {fact.place.kind} {fact.name}"
    return f"{place}: {fact.type}, not {score.answer!r}"


def stripped(tools: Sequence[Tool], options: argparse.Namespace) -> dict[str, object]:
    """Strip and recover, over all packages."""
    outcomes: defaultdict[str, list[recover.Outcome]] = defaultdict(list)
    by_package: dict[str, dict[str, float]] = {}
    chosen = [p for p in recover.packages("recover") if not options.packages or p.name in options.packages]
    data = [(package, *recover.prepare(package)) for package in chosen]
    said = {
        package.name: {tool.name: answers(tool, folder, package.name) for tool in tools}
        for package, folder, _ in data
    }
    for package, _, labels in data:
        for name, found in said[package.name].items():
            outcomes[name] += recover.outcomes(labels, found)
    order = sorted(
        (t.name for t in tools if t in peers.PEERS),
        key=lambda n: recover.precision(outcomes[n]),
        reverse=True,
    )
    table = recover.read_table(options.table) if options.table else {}
    for package, _, labels in data:
        known = said[package.name]
        places = [label.place for label in labels]
        parts = [known[name] for name in order]
        extra = {}
        if len(order) > 1:
            extra[ENSEMBLE] = recover.ensemble(parts, places)
        if table:
            counted = recover.from_table(table, labels)
            extra["count table"] = counted
            extra[TABLE] = recover.ensemble([*parts, counted], places)
        for name, found in extra.items():
            outcomes[name] += recover.outcomes(labels, found)
        by_package[package.name] = {
            name: recover.share(list(recover.outcomes(labels, found)))
            for name, found in {**known, **extra}.items()
        }
    count = len(next(iter(outcomes.values())))
    head = ["tool", "all", "parameters", "returns", "variables", "user-defined", "outermost constructor"]
    show(
        f"Strip and recover: calibrated exact, of {count} annotations in {len(data)} packages",
        [*head, "answered", "precision", "answered at 95% precision"],
        [_recovered(name, found) for name, found in outcomes.items()],
    )
    show(
        "Strip and recover by package: calibrated exact",
        ["package", *outcomes],
        [[p, *(percent(shares[name]) for name in outcomes)] for p, shares in by_package.items()],
    )
    shares = {name: recover.share(found) for name, found in outcomes.items()}
    plots.bars(
        options.plots / "types-recover.svg", f"Strip and recover: exact, of {count} annotations", shares
    )
    curves = {name: reliability(found) for name, found in outcomes.items() if name.startswith("Typewright")}
    for name, points in curves.items():
        rows = [[f"{p:.2f}", percent(r), str(n)] for p, r, n in points]
        show(f"Reliability of {name}", ["confidence", "right", "slots"], rows)
    if curves:
        plots.reliability(options.plots / "types-reliability.svg", curves)
    return {"exact": shares, "by package": by_package}


def _recovered(name: str, found: Sequence[recover.Outcome]) -> Row:
    kinds = [percent(recover.share([o for o in found if o.kind == kind])) for kind in KINDS]
    return [
        name,
        percent(recover.share(found)),
        *kinds,
        percent(recover.share([o for o in found if o.user])),
        percent(recover.share(found, "outer")),
        percent(recover.share(found, "answered")),
        percent(recover.precision(found)),
        percent(recover.coverage(found, 0.95)),
    ]


def reliability(found: Sequence[recover.Outcome]) -> list[tuple[float, float, int]]:
    """(mean confidence, share right, number) for each tenth of the confidence."""
    bins: defaultdict[int, list[recover.Outcome]] = defaultdict(list)
    for outcome in found:
        if outcome.answered:
            bins[min(9, int(outcome.confidence * 10))].append(outcome)
    return [
        (sum(o.confidence for o in inside) / len(inside), recover.share(inside), len(inside))
        for _, inside in sorted(bins.items())
    ]


def speed(tools: Sequence[Tool], options: argparse.Namespace) -> dict[str, object]:
    """Time and memory on a large package, nothing cached; per slot that got a type."""
    rows, result = [], {}
    for package in recover.packages("speed"):
        folder, _ = recover.prepare(package)
        count = len(python_files(folder))
        for tool in tools:
            every = 1 if tool.name.startswith("Typewright") else options.every
            say(f"{tool.name} on {package.name}")
            with TemporaryDirectory() as scratch:
                copy = Path(scratch) / package.name
                shutil.copytree(folder, copy)
                try:
                    found, cost = measured(tool, copy, Path(scratch), every=every, limit=options.limit)
                except RuntimeError as error:
                    rows.append([tool.name, str(error), *([""] * 6)])
                    continue
            slots = sum(1 for answer in found.values() if parse(answer.type) != ANY)
            per_slot = cost.cpu / max(1, slots) * 1000, cost.wall / max(1, slots) * 1000
            result[tool.name] = per_slot[0]
            whole = not isinstance(tool, peers.Jedi | peers.Server)
            files = count if whole else -(-count // every)
            figures = [str(files), str(slots), f"{cost.cpu:.1f} s", f"{cost.wall:.1f} s"]
            rows.append(
                [tool.name, *figures, *(f"{ms:.2f} ms" for ms in per_slot), f"{cost.megabytes:.0f} MB"]
            )
        show(
            f"Speed: {package.name} {package.version}, {count} files, nothing cached",
            [
                "tool",
                "files asked",
                "slots answered",
                "CPU",
                "wall",
                "CPU a slot",
                "wall a slot",
                "peak memory",
            ],
            rows,
        )
    return {"cpu milliseconds a slot": result}


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def chosen_tools(wanted: Sequence[str]) -> Iterator[Tool]:
    """All tools, or those named."""
    known = {tool.name.lower(): tool for tool in TOOLS}
    for name in wanted:
        if name.lower() not in known:
            raise SystemExit(f"no tool is called {name!r}; there are: {', '.join(t.name for t in TOOLS)}")
    yield from (tool for tool in TOOLS if not wanted or tool.name.lower() in {w.lower() for w in wanted})


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", type=_names, default=["micro", "recover", "speed"], metavar="PART,...")
    parser.add_argument("--tools", type=_names, default=[], metavar="NAME,...", help="default: all")
    parser.add_argument("--packages", type=_names, default=[], metavar="NAME,...", help="default: all")
    parser.add_argument("--table", type=Path, help="count-table.json, which training leaves")
    parser.add_argument("--plots", type=Path, default=ROOT / "docs", help="where pictures go (default: docs)")
    parser.add_argument("--json", type=Path, help="write the figures, and what was wrong in the micro-suite")
    parser.add_argument(
        "--every", type=int, default=1, help="speed: ask language servers for every n-th file"
    )
    parser.add_argument("--limit", type=float, default=3600, help="speed: seconds a tool may take")
    options = parser.parse_args()
    tools = list(chosen_tools(options.tools))
    if any(tool in peers.PEERS for tool in tools):
        peers.install()
    result = {}
    if "micro" in options.only:
        result["micro"] = micro(tools, options.plots)
    if "recover" in options.only:
        result["recover"] = stripped(tools, options)
    if "speed" in options.only:
        result["speed"] = speed(tools, options)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
