"""Workspaces made of texts, and marks in them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from typewright.analysis.queries import Analysis
from typewright.indexer.index import Index


@dataclass(frozen=True)
class Marked:
    """An analysed workspace, and where the mark ^ stood."""

    analysis: Analysis
    root: Path
    path: Path
    line: int
    column: int

    @property
    def cursor(self) -> tuple[Path, int, int]:
        return self.path, self.line, self.column


def analysed(root: Path, files: Mapping[str, str] | str) -> Marked:
    """Writes the files (a text alone is main.py) and analyses them; at most one holds the mark ^."""
    if isinstance(files, str):
        files = {"main.py": files}
    workspace = root / "workspace"
    marked = (workspace / "main.py", 1, 1)
    for name, source in files.items():
        text = textwrap.dedent(source)
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before, mark, after = text.partition("^")
        if mark:
            marked = (path, before.count("\n") + 1, len(before) - before.rfind("\n"))
            text = before + after
        path.write_text(text)
    index = Index.open(workspace, cache=root / "cache")
    index.update()
    return Marked(Analysis(index.snapshot()), workspace, *marked)
