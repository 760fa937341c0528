"""Open buffers: incremental edits that lose nothing, and what the layers below see of them."""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lsprotocol import types
from typewright.indexer.notebooks import Notebook as JoinedCells
from typewright.indexer.notebooks import join_cells

from .convert import Encoding, View, characters, split_lines, uri_to_path

logger = logging.getLogger(__name__)

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_PYTHON_SUFFIXES: Final = (".py", ".pyi", ".pyw")


class Lines:
    """A text that is edited in place: an edit costs what it touches, hardly more in a long text."""

    def __init__(self, text: str) -> None:
        self.lines = split_lines(_sound(text))
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The whole text, with its own line ends."""
        if self._text is None:
            self._text = "".join(self.lines)
        return self._text

    def replace(self, extent: types.Range, text: str, encoding: Encoding) -> None:
        """Put `text` in place of `extent`; a position outside the text is moved to the nearest inside."""
        start, end = self._place(extent.start, encoding), self._place(extent.end, encoding)
        if end < start:
            start, end = end, start
        first, last = start[0], end[0]
        new = self.lines[first][: start[1]] + _sound(text) + self.lines[last][end[1] :]
        if first > 0 and new.startswith("\n") and self.lines[first - 1].endswith("\r"):
            first -= 1  # a carriage return and a line feed have met: one line end now
            new = self.lines[first] + new
        replacement = split_lines(new)
        if last + 1 < len(self.lines):
            replacement.pop()  # the end of line `last` was kept, so that the next line follows it
        self.lines[first : last + 1] = replacement
        self._text = None

    def _place(self, position: types.Position, encoding: Encoding) -> tuple[int, int]:
        if position.line >= len(self.lines):
            return len(self.lines) - 1, len(self.lines[-1])
        return position.line, characters(self.lines[position.line], position.character, encoding)


def _sound(text: str) -> str:
    """Replace half surrogate pairs, which no encoding can store, by as many code units of U+FFFD."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


@dataclass(slots=True, eq=False)
class Document:
    """One open buffer."""

    uri: str
    path: Path
    language: str
    version: int
    content: Lines
    notebook: str | None = None  # the notebook's URI, where this is a cell

    @property
    def is_python(self) -> bool:
        """Whether the editor or the name says that this is Python."""
        return self.language == "python" or self.uri.endswith(_PYTHON_SUFFIXES)


@dataclass(slots=True)
class Notebook:
    """An open notebook: its code cells, in order, by the URIs of their documents."""

    uri: str
    path: Path
    cells: list[types.NotebookCell]


class Documents:
    """All open buffers, by URI. Used on the loop only; `View`s and overlays may be given to threads."""

    def __init__(self, encoding: Encoding = "utf-16") -> None:
        self.encoding: Encoding = encoding
        self._documents: dict[str, Document] = {}
        self._notebooks: dict[str, Notebook] = {}

    def __iter__(self) -> Iterator[Document]:
        return iter(list(self._documents.values()))

    def get(self, uri: str) -> Document | None:
        """Return an open buffer."""
        return self._documents.get(uri)

    def open(self, item: types.TextDocumentItem, notebook: str | None = None) -> Document:
        """Open a buffer; one that is open already takes the new text."""
        if item.uri in self._documents:
            logger.warning("%s was opened twice", item.uri)
        path = uri_to_path(item.uri) or _virtual_path(item.uri)
        document = Document(item.uri, path, str(item.language_id), item.version, Lines(item.text), notebook)
        self._documents[item.uri] = document
        return document

    def change(
        self,
        identifier: types.VersionedTextDocumentIdentifier,
        changes: Iterable[types.TextDocumentContentChangeEvent],
    ) -> Document | None:
        """Make edits in the order they came; return None where the buffer is not open."""
        document = self._documents.get(identifier.uri)
        if document is None:
            logger.warning("ignored a change of %s, which is not open", identifier.uri)
            return None
        if identifier.version <= document.version:
            # The edits are still what the user did: the order of the messages counts, not the number.
            logger.warning("%s: version %d after %d", identifier.uri, identifier.version, document.version)
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                document.content.replace(change.range, change.text, self.encoding)
            else:
                document.content = Lines(change.text)
        document.version = identifier.version
        return document

    def close(self, uri: str) -> Document | None:
        """Forget a buffer; return it, None where it was not open."""
        document = self._documents.pop(uri, None)
        if document is None:
            logger.warning("ignored the closing of %s, which is not open", uri)
        return document

    def open_notebook(self, params: types.DidOpenNotebookDocumentParams) -> None:
        """Open a notebook and its cells; below, they are one Python file called `<notebook>.ipynb.py`."""
        uri = params.notebook_document.uri
        path = uri_to_path(uri)
        path = path.with_name(f"{path.name}.py") if path is not None else _virtual_path(uri)
        self._notebooks[uri] = Notebook(uri, path, list(params.notebook_document.cells))
        for item in params.cell_text_documents:
            self.open(item, notebook=uri)

    def change_notebook(self, params: types.DidChangeNotebookDocumentParams) -> Notebook | None:
        """Add, remove, move and edit cells; return None where the notebook is not open."""
        notebook = self._notebooks.get(params.notebook_document.uri)
        cells = params.change.cells
        if notebook is None:
            logger.warning("ignored a change of notebook %s, which is not open", params.notebook_document.uri)
            return None
        if cells is None:
            return notebook
        if (structure := cells.structure) is not None:
            start = min(structure.array.start, len(notebook.cells))
            notebook.cells[start : start + structure.array.delete_count] = structure.array.cells or ()
            for item in structure.did_open or ():
                self.open(item, notebook=notebook.uri)
            for identifier in structure.did_close or ():
                self.close(identifier.uri)
        for edited in cells.text_content or ():
            self.change(edited.document, edited.changes)
        return notebook

    def close_notebook(self, params: types.DidCloseNotebookDocumentParams) -> Notebook | None:
        """Forget a notebook and its cells; return it, None where it was not open."""
        notebook = self._notebooks.pop(params.notebook_document.uri, None)
        for identifier in params.cell_text_documents:
            self.close(identifier.uri)
        return notebook

    def view(self, uri: str) -> View | None:
        """Return an open Python buffer as it is now; None for any other."""
        document = self._documents.get(uri)
        if document is None or not document.is_python:
            return None
        path, text, first_line = document.path, document.content.text, 0
        if (notebook := self._notebooks.get(document.notebook or "")) is not None:
            joined, cells = self._joined(notebook)
            if document in cells:
                path, text = notebook.path, joined.text
                first_line = joined.cells[cells.index(document)].line - 1
        return View(
            uri, path, text, tuple(document.content.lines), self.encoding, first_line, document.version
        )

    def overlay(self) -> dict[Path, str]:
        """Return the text of every open Python buffer by its path; a notebook is one text."""
        texts = {
            document.path: document.content.text
            for document in self._documents.values()
            if document.is_python and document.notebook is None
        }
        for notebook in self._notebooks.values():
            texts[notebook.path] = self._joined(notebook)[0].text
        return texts

    def notebooks(self) -> list[Notebook]:
        """Return the open notebooks."""
        return list(self._notebooks.values())

    def cells_of(self, notebook: Notebook) -> list[View]:
        """Return the code cells of a notebook, in order."""
        cells = self._joined(notebook)[1]
        return [view for cell in cells if (view := self.view(cell.uri)) is not None]

    def _joined(self, notebook: Notebook) -> tuple[JoinedCells, list[Document]]:
        """Return the code cells as one text, and their buffers in the same order."""
        cells = [
            document
            for cell in notebook.cells
            if cell.kind == types.NotebookCellKind.Code
            and (document := self._documents.get(cell.document)) is not None
            and document.is_python
        ]
        return join_cells([(index, cell.content.text) for index, cell in enumerate(cells)]), cells


def _virtual_path(uri: str) -> Path:
    """Return a path for a buffer that is no file: unique, and never there."""
    digest = hashlib.blake2b(uri.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()).resolve() / "typewright-buffers" / f"untitled_{digest}.py"
