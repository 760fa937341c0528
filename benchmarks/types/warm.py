"""How long the types of an open file take after an edit, and how many slots a cold analysis settles.

Edits inside functions are replayed on the files of a package: a line is inserted, a returned expression is
changed, and each edit is undone. After every edit all slots of the file are asked for again, as an editor's
inlay hints do. Times are CPU times of this process; the package is analysed once before.

    python benchmarks/types/warm.py FOLDER [--files 12] [--edits 4] [--seed 0] [--compare]

With --compare every warm answer is compared with that of a fresh analysis (slow).
"""

from __future__ import annotations

import argparse
import ast
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from typewright.analysis.queries import Analysis, Slot
from typewright.analysis.types import render
from typewright.assist.session import Session, Settings

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def edits(text: str, choice: random.Random, count: int) -> Iterator[tuple[str, str]]:
    """Edited texts and what was done, each followed by the text as it was."""
    lines = text.split("\n")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, _FUNCTIONS)]
    for function in choice.sample(functions, min(count, len(functions))):
        returns = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Return) and node.value is not None and node.lineno == node.end_lineno
        ]
        last = function.body[-1]
        indent = " " * last.col_offset
        inserted = [*lines[: last.lineno - 1], f"{indent}inserted = len('')", *lines[last.lineno - 1 :]]
        yield "insert a line", "\n".join(inserted)
        yield "undo", text
        if returns:
            node = choice.choice(returns)
            line = lines[node.lineno - 1].encode()
            changed = line[: node.col_offset].decode() + "return [1.5]" + line[node.end_col_offset :].decode()
            yield "change a result", "\n".join([*lines[: node.lineno - 1], changed, *lines[node.lineno :]])
            yield "undo", text


def answers(slots: list[Slot]) -> list[tuple[object, ...]]:
    """What can be compared of slots."""
    return [
        (
            s.kind,
            s.line,
            s.column,
            s.function,
            s.name,
            render(s.inferred.type),
            round(s.inferred.certainty, 6),
        )
        for s in slots
    ]


def main() -> None:
    """Measures one package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=12, help="the largest files to edit")
    parser.add_argument("--edits", type=int, default=4, help="functions to edit in each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    choice = random.Random(options.seed)
    session = Session(options.folder, settings=Settings(neural=False, cache=options.cache))
    session.refresh()
    analysis = session.analysis()
    start = time.process_time()
    counts = {path: len(analysis.slots(path)) for path in analysis.snapshot.files()}
    cold = time.process_time() - start
    total = sum(counts.values())
    print(
        f"cold: {total} slots of {len(counts)} files in {cold:.1f} s CPU, {total / cold:.0f} slots a second"
    )
    times: dict[str, list[float]] = {}
    different = 0
    for path in sorted(counts, key=lambda path: -counts[path])[: options.files]:
        text = analysis.snapshot.text(path)
        for what, edited in edits(text, choice, options.edits):
            overlay = {path: edited}
            snapshot = session.snapshot(overlay)
            snapshot.syntax(path)
            start = time.process_time()
            analysis = session.analysis(overlay)
            slots = list(analysis.slots(path))
            times.setdefault(what, []).append(1000 * (time.process_time() - start))
            if options.compare:
                fresh = Analysis(session.index.snapshot(overlay))
                for each in counts:
                    fresh.slots(each)
                known = answers(list(fresh.slots(path)))
                wrong = [pair for pair in zip(answers(slots), known, strict=True) if pair[0] != pair[1]]
                different += len(wrong)
                for one, other in wrong[:3]:
                    print(f"  {path.name}, {what}: {one} where a fresh analysis says {other}")
    for what, taken in times.items():
        ordered = sorted(taken)
        print(
            f"{what}: {len(taken)} edits, median {statistics.median(taken):.0f} ms CPU, "
            f"95th percentile {ordered[int(0.95 * (len(ordered) - 1))]:.0f} ms"
        )
    every = sorted(value for taken in times.values() for value in taken)
    print(
        f"all edits: median {statistics.median(every):.0f} ms CPU, "
        f"95th percentile {every[int(0.95 * (len(every) - 1))]:.0f} ms, most {every[-1]:.0f} ms"
    )
    if options.compare:
        print(f"{different} slots differ from a fresh analysis")


if __name__ == "__main__":
    main()
