"""Workspaces made of texts, and marks in them."""

from __future__ import annotations

import tempfile
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


_LIBRARIES: dict[tuple[tuple[str, str], ...], tuple[Path, Index, Analysis]] = {}
_FOLDER = tempfile.TemporaryDirectory()


def analysed(files: Mapping[str, str] | str) -> Marked:
    """Analyses main.py (a text alone) as an open buffer, beside the other files; one may hold the mark ^.

    Workspaces with the same other files share their index and what was read of the standard library.
    """
    if isinstance(files, str):
        files = {"main.py": files}
    texts = {name: textwrap.dedent(source) for name, source in files.items()}
    marked, line, column = "main.py", 1, 1
    for name, text in texts.items():
        before, mark, after = text.partition("^")
        if mark:
            marked, line, column = name, before.count("\n") + 1, len(before) - before.rfind("\n")
            texts[name] = before + after
    main = texts.pop("main.py")
    root, index, earlier = _workspace(texts)
    analysis = Analysis(index.snapshot({root / "main.py": main}), earlier)
    return Marked(analysis, root, root / marked, line, column)


def _workspace(texts: dict[str, str]) -> tuple[Path, Index, Analysis]:
    key = tuple(sorted(texts.items()))
    if key not in _LIBRARIES:
        place = Path(_FOLDER.name) / str(len(_LIBRARIES))
        root = place / "workspace"
        root.mkdir(parents=True)
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        index = Index.open(root, cache=place / "cache")
        index.update()
        analysis = Analysis(index.snapshot())
        _LIBRARIES[key] = (root, index, analysis)
    return _LIBRARIES[key]
