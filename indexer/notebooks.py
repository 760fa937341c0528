"""A Jupyter notebook as one Python text, with a map back to its cells."""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Final

from .errors import UnreadableSource

# A line that IPython reads itself: magics, shell commands, help. Its first mark becomes a comment's.
_MAGIC: Final = re.compile(r"^(\s*)[%!?](?=\S)|^(\s*)(?=[^#'\"\n]*\w\?{1,2}\s*$)", re.MULTILINE)
_CAPTURED: Final = re.compile(r"^(\s*[\w.]+\s*=\s*)[!%].*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell: its place among all cells of the notebook, and its lines in the joined text."""

    index: int
    line: int
    line_count: int


@dataclass(frozen=True, slots=True)
class Notebook:
    """The code cells joined in order; line n of the text is line n of exactly one cell."""

    text: str
    cells: tuple[Cell, ...]

    def cell_at(self, line: int) -> tuple[int, int] | None:
        """Return (cell index, 1-based line in the cell) of a 1-based line of the text."""
        place = bisect_right([cell.line for cell in self.cells], line) - 1
        if place < 0 or line >= self.cells[place].line + self.cells[place].line_count:
            return None
        return self.cells[place].index, line - self.cells[place].line + 1

    def line_at(self, cell_index: int, line: int) -> int | None:
        """Return the 1-based line of the text of a 1-based line in a cell."""
        for cell in self.cells:
            if cell.index == cell_index and 1 <= line <= cell.line_count:
                return cell.line + line - 1
        return None


def read_notebook(text: str, name: str = "notebook") -> Notebook:
    """Join the code cells of a notebook (nbformat 3 or 4). Raises `UnreadableSource` if it is none.

    Magics and shell lines become comments of the same length; cells in another language become blank lines.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableSource(f"{name}: not a notebook ({error}).") from error
    if not isinstance(document, dict):
        raise UnreadableSource(f"{name}: not a notebook (no JSON object).")
    return join_cells(
        [
            (index, source)
            for index, cell in enumerate(_cells(document))
            if (source := _code(cell)) is not None
        ],
        python=_is_python(document),
    )


def join_cells(sources: list[tuple[int, str]], *, python: bool = True) -> Notebook:
    """Join (cell index, source) pairs, e.g. the cells that an editor has open."""
    lines: list[str] = []
    cells = []
    for index, source in sources:
        own = _as_python(source, python).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        cells.append(Cell(index, len(lines) + 1, len(own)))
        lines += own
    return Notebook("\n".join(lines) + ("\n" if lines else ""), tuple(cells))


def _cells(document: dict[str, Any]) -> list[Any]:
    found = document.get("cells")
    if not isinstance(found, list):  # nbformat 3 keeps them in worksheets
        sheets = document.get("worksheets")
        found = [
            cell
            for sheet in (sheets if isinstance(sheets, list) else [])
            if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
            for cell in sheet["cells"]
        ]
    return found


def _code(cell: object) -> str | None:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return None
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _is_python(document: dict[str, Any]) -> bool:
    metadata = document.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = kernel.get("language", "python") if isinstance(kernel, dict) else "python"
    return isinstance(language, str) and language.lower().startswith(("python", "ipython"))


def _as_python(source: str, python: bool) -> str:
    magic = re.match(r"\s*%%(\w+)", source)
    if not python or (magic and magic[1] not in ("time", "timeit", "capture", "prun")):
        return re.sub(r"[^\r\n]+", "", source)
    source = _CAPTURED.sub(lambda match: match[1] + "None", source)
    return _MAGIC.sub(lambda match: (match[1] if match[1] is not None else match[2]) + "#", source)
