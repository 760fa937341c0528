"""Line completion at random places of installed packages: how often the rest of the line is exactly right.

    python benchmarks/completion/line_completion.py --package pygls --package griffe -n 120

Each place is completed twice with the same weights, with token healing and without it. Printed: exact
match, edit similarity, tokens a second, the time to the first token with nothing cached and with all but
the last keystroke cached, and what a threshold on the confidence would show. With `--json FILE` every
answer is kept.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import io
import json
import math
import random
import statistics
import time
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

STEPS, RATE = 20_000, 0.05  # of the fit
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor in a file: the text around it and the rest of its line, which is to be found."""

    path: str
    prefix: str
    expected: str
    suffix: str


def places(packages: Sequence[str], count: int, seed: int) -> list[Place]:
    """Cut `count` places at random, spread evenly over the files of the packages."""
    chance = random.Random(seed)
    files = [file for package in packages for file in _files(package)]
    chance.shuffle(files)
    found: list[Place] = []
    while files and len(found) < count:
        for file in list(files):
            place = _place(file, chance)
            if place is None:
                files.remove(file)
            elif len(found) < count:
                found.append(place)
    return found


def _files(package: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed as a package")
    for folder in spec.submodule_search_locations:
        yield from sorted(Path(folder).rglob("*.py"))


def _place(file: Path, chance: random.Random) -> Place | None:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    code = sorted(_code_lines(text))
    if len(code) < 10:
        return None
    number = chance.choice(code)
    line = lines[number - 1].rstrip("\r\n")
    start = len(line) - len(line.lstrip())
    column = chance.randint(start, len(line.rstrip()) - 1)
    before = "".join(lines[: number - 1]) + line[:column]
    return Place(str(file), before, line[column:].rstrip(), "\n" + "".join(lines[number:]))


def _code_lines(text: str) -> set[int]:
    """Lines with code that are no part of a string of several lines, of a comment or of an import."""
    ast.parse(text)
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            skipped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    found = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT or token.start[0] != token.end[0]:
            skipped.update(range(token.start[0], token.end[0] + 1))
        elif token.type in (tokenize.NAME, tokenize.OP):
            found.add(token.start[0])
    return found - skipped


def similarity(one: str, other: str) -> float:
    """Ratcliff and Obershelp's similarity, from 0 to 1."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def calibration(log_probabilities: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Platt's scaling: (intercept, slope) of the logistic regression of `right`, by gradient descent."""
    intercept, slope = 0.0, 1.0
    kept = [max(-10.0, value) for value in log_probabilities]
    for _ in range(STEPS):
        errors = [1 / (1 + math.exp(-intercept - slope * x)) - y for x, y in zip(kept, right, strict=True)]
        intercept -= RATE * statistics.fmean(errors)
        slope -= RATE * statistics.fmean(error * x for error, x in zip(errors, kept, strict=True))
    return intercept, slope


def main() -> None:
    """Complete all places, then print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="smollm2-135m", help="a catalogue name or a folder")
    parser.add_argument("--package", action="append", required=True)
    parser.add_argument("-n", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--prefix-characters", type=int, default=4000, help="of the text before the cursor")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="keep every answer in this file")
    options = parser.parse_args()

    import torch
    from typewright.models.language_model import LanguageModel
    from typewright.models.protocol import CompletionRequest
    from typewright.models.pull import locate

    torch.set_num_threads(options.threads)
    started = time.perf_counter()
    model = LanguageModel.load(locate(options.model), device="cuda" if torch.cuda.is_available() else "cpu")
    loaded = time.perf_counter() - started
    heal = model.vocabulary.heal

    def raw(text: str) -> tuple[list[int], bytes]:
        return model.vocabulary.encode(text), b""

    rows: list[dict[str, Any]] = []
    for number, place in enumerate(places(options.package, options.n, options.seed)):
        row: dict[str, Any] = {"path": place.path, "expected": place.expected, "line": place.prefix[-80:]}
        for name in ("cold", "healed", "raw"):
            model.vocabulary.heal = raw if name == "raw" else heal  # type: ignore[method-assign]
            # What a keystroke finds cached: the same file, one character before.
            before = place.prefix[-options.prefix_characters :]
            prefix = before[:-1] if name == "cold" else before
            request = CompletionRequest(
                prefix,
                place.suffix,
                max_tokens=1 if name == "cold" else options.max_tokens,
                path=Path(place.path).name,
            )
            answer = model.complete(request)
            row[name] = {
                "text": answer.text.rstrip(),
                "confidence": answer.confidence,
                "tokens": answer.tokens,
                "first_token_ms": answer.first_token_ms,
                "total_ms": answer.total_ms,
            }
        rows.append(row)
        print(f"\r{number + 1} of {options.n}", end="", flush=True)
    print()
    if options.json:
        options.json.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report(options.model, rows, loaded)
    log_probabilities = [
        (math.log(c / (1 - c)) - model.calibration[0]) / model.calibration[1]
        for c in (min(max(row["healed"]["confidence"], 1e-12), 1 - 1e-12) for row in rows)
    ]
    right = [row["healed"]["text"] == row["expected"] for row in rows]
    intercept, slope = calibration(log_probabilities, right)
    print(f"\ncalibration on these places: intercept {intercept:.2f}, slope {slope:.2f}")


def report(model: str, rows: Sequence[dict[str, Any]], loaded: float) -> None:
    """Print what came of `rows`."""
    print(f"{model}: {len(rows)} places, loaded in {loaded:.1f} s")
    print(f"{'':8}{'exact':>8}{'similar':>9}{'tok/s':>8}{'first ms':>10}{'total ms':>10}   (medians)")
    for name in ("raw", "healed"):
        exact = statistics.mean(row[name]["text"] == row["expected"] for row in rows)
        similar = statistics.mean(similarity(row[name]["text"], row["expected"]) for row in rows)
        times = [row[name]["total_ms"] - row[name]["first_token_ms"] for row in rows]
        speed = sum(row[name]["tokens"] - 1 for row in rows) / sum(times) * 1000
        first = statistics.median(row[name]["first_token_ms"] for row in rows)
        total = statistics.median(row[name]["total_ms"] for row in rows)
        print(f"{name:8}{exact:8.1%}{similar:9.3f}{speed:8.1f}{first:10.0f}{total:10.0f}")
    cold = statistics.median(row["cold"]["first_token_ms"] for row in rows)
    print(f"first token with nothing of the file cached: {cold:.0f} ms at the median")
    print(f"\n{'confidence':>10}{'shown':>8}{'right':>8}")
    for threshold in THRESHOLDS:
        shown = [row for row in rows if row["healed"]["text"] and row["healed"]["confidence"] >= threshold]
        right = statistics.mean(row["healed"]["text"] == row["expected"] for row in shown) if shown else 0
        print(f"{threshold:10.1f}{len(shown) / len(rows):8.1%}{right:8.1%}")


if __name__ == "__main__":
    main()
