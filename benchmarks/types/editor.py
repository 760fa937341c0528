"""How long an editor waits for hints after an edit, and how long until they are those of the new text.

A language server opens the largest files of a package; a line is inserted into a function, a returned
expression changed, each edit undone. After each, the hints of the 60 lines around it are asked for, as an
editor does. Wall times: until the first answer, and until the server no longer tells the editor to ask again.

    python benchmarks/types/editor.py FOLDER [--files 8] [--edits 4] [--seed 0] [--no-neural]
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from language_client import LanguageClient
from warm import edits

PAGE = 60  # lines that an editor shows


def main() -> None:
    """Measures one package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=8, help="the largest files to edit")
    parser.add_argument("--edits", type=int, default=4, help="functions to edit in each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-neural", action="store_true")
    options = parser.parse_args()
    choice = random.Random(options.seed)
    folder = options.folder.resolve()
    paths = sorted(folder.rglob("*.py"), key=lambda path: -path.stat().st_size)[: options.files]
    settings = {"typewright": {"neural": not options.no_neural, "indexLibraries": False}}
    with tempfile.TemporaryDirectory(prefix="typewright-benchmark-") as cache:
        command = [sys.executable, "-m", "typewright.cli.main", "serve"]
        client = LanguageClient(command, folder, settings, {"TYPEWRIGHT_CACHE": cache})
        opened, first, settled = [], [], []
        for path in paths:
            text = path.read_text(encoding="utf-8")
            begin = time.perf_counter()
            client.open(path, text)
            hints(client, path, 0, text.count("\n") + 1)
            opened.append(1000 * (time.perf_counter() - begin))
            before, version = text, 1
            for _, edited in edits(text, choice, options.edits):
                version += 1
                pairs = enumerate(zip(before.split("\n"), edited.split("\n"), strict=False))
                line = next((line for line, (one, other) in pairs if one != other), 0)
                for times, taken in zip(
                    (first, settled), after_edit(client, path, edited, version, line), strict=True
                ):
                    times.append(taken)
                before = edited
        client.close()
    changed = sum(late > early for early, late in zip(first, settled, strict=True))
    print(
        f"{folder.name}: {len(paths)} files opened, {len(first)} edits, "
        f"after {changed} of which hints changed once more; milliseconds, wall"
    )
    for what, times in (
        ("a file is opened", opened),
        ("first answer after an edit", first),
        ("settled", settled),
    ):
        ordered = sorted(times)
        print(
            f"{what}: median {statistics.median(ordered):.0f}, "
            f"95th percentile {ordered[int(0.95 * (len(ordered) - 1))]:.0f}, most {ordered[-1]:.0f}"
        )


def after_edit(client: LanguageClient, path: Path, text: str, version: int, line: int) -> tuple[float, float]:
    """Milliseconds until the first answer after an edit, and until the last one."""
    first, last = max(0, line - PAGE // 2), line + PAGE // 2
    news = threading.Event()
    client.on["workspace/inlayHint/refresh"] = news.set
    identifier = {"uri": path.as_uri(), "version": version}
    begin = time.perf_counter()
    client.tell("textDocument/didChange", {"textDocument": identifier, "contentChanges": [{"text": text}]})
    hints(client, path, first, last)
    waited = end = time.perf_counter()
    here = {"textDocument": {"uri": path.as_uri()}, "position": {"line": 0, "character": 0}}
    while True:
        client.ask([("textDocument/definition", here)])  # answered after the work on the hints
        if not news.is_set():
            return 1000 * (waited - begin), 1000 * (end - begin)
        news.clear()
        hints(client, path, first, last)
        end = time.perf_counter()


def hints(client: LanguageClient, path: Path, first: int, last: int) -> None:
    """Ask for the hints of some lines."""
    extent = {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}
    client.ask([("textDocument/inlayHint", {"textDocument": {"uri": path.as_uri()}, "range": extent})])


if __name__ == "__main__":
    main()
