"""What a request is about: a document and all open buffers at one moment, and who answers for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from typewright.assist.edits import TextEdit
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import UnreadableSource
from typewright.indexer.source import Span

from .convert import Encoding, View, path_to_uri
from .workspaces import EditorSession


@dataclass(frozen=True, slots=True)
class Context:
    """The state that a request is answered from; immutable, so that any thread may use it."""

    session: EditorSession
    document: View | None  # None where a request is about a whole workspace
    overlay: Mapping[Path, str]
    uris: Mapping[Path, str]  # of open buffers, as the client spells them
    cells: Mapping[Path, Sequence[View]]  # of open notebooks
    encoding: Encoding

    @property
    def view(self) -> View:
        """The document that the request names."""
        assert self.document is not None
        return self.document

    @property
    def path(self) -> Path:
        """Where that document lies."""
        return self.view.path

    def location(self, path: Path, span: Span, cancel: CancelToken) -> types.Location | None:
        """Return a place in any file; None where the file cannot be read (any more)."""
        for cell in self.cells.get(path, ()):
            if cell.holds(span.line):
                return types.Location(cell.uri, cell.range(span))
        if self.document is not None and path == self.document.path:
            return types.Location(self.document.uri, self.document.range(span))
        try:
            text = self.session.snapshot(self.overlay, cancel=cancel).text(path)
        except UnreadableSource:
            return None
        view = View.of(self.uris.get(path) or path_to_uri(path), path, text, self.encoding)
        return types.Location(view.uri, view.range(span))

    def workspace_edit(self, edits: Sequence[TextEdit]) -> types.WorkspaceEdit:
        """Return edits of the document's text; in a notebook they may fall into several cells."""
        changes: dict[str, list[types.TextEdit]] = {}
        for edit in edits:
            views = (*self.cells.get(self.path, ()), self.view)
            view = next((view for view in views if view.holds(edit.span.line)), self.view)
            changes.setdefault(view.uri, []).append(text_edit(view, edit))
        return types.WorkspaceEdit(changes=changes)


def text_edit(view: View, edit: TextEdit) -> types.TextEdit:
    """Return one edit as the protocol writes it, with the document's own line ends."""
    text = edit.text.replace("\n", "\r\n") if view.lines[0].endswith("\r\n") else edit.text
    return types.TextEdit(view.range(edit.span), text)
