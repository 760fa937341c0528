"""Where code can lie: notebooks, libraries, buffers without a file, several folders, none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from lsprotocol import types

from .client import Client
from .shop import CELLS, actions_at, document, make_shop, whole


async def test_the_cells_of_a_notebook(client: Client, root: Path) -> None:
    path = root / "explore.ipynb"
    cells = [
        f"{path.as_uri().replace('file', 'vscode-notebook-cell')}#{number}" for number in range(len(CELLS))
    ]
    client.notify(
        types.NOTEBOOK_DOCUMENT_DID_OPEN,
        types.DidOpenNotebookDocumentParams(
            types.NotebookDocument(
                path.as_uri(),
                "jupyter-notebook",
                1,
                [types.NotebookCell(types.NotebookCellKind.Code, uri) for uri in cells],
            ),
            [types.TextDocumentItem(uri, "python", 1, text) for uri, text in zip(cells, CELLS, strict=True)],
        ),
    )
    hints = await client.request(
        types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintParams(document(cells[1]), whole())
    )
    assert ": str" in {hint.label for hint in hints}
    assert {hint.position.line for hint in hints} <= {0, 1}
    report = await client.request(
        types.TEXT_DOCUMENT_DIAGNOSTIC, types.DocumentDiagnosticParams(document(cells[2]))
    )
    assert [item.range.start for item in report.items] == [types.Position(1, 5)]
    found = await client.request(
        types.TEXT_DOCUMENT_DEFINITION, types.DefinitionParams(document(cells[2]), types.Position(0, 1))
    )
    assert [(each.uri, each.range.start) for each in found] == [(cells[1], types.Position(0, 4))]
    client.notify(
        types.NOTEBOOK_DOCUMENT_DID_CLOSE,
        types.DidCloseNotebookDocumentParams(
            types.NotebookDocumentIdentifier(path.as_uri()), [document(uri) for uri in cells]
        ),
    )


async def test_what_is_no_python_or_not_there_has_an_empty_answer(client: Client, root: Path) -> None:
    markdown = client.open(root / "docs/guide.md", language="markdown")
    for uri in (markdown, (root / "missing.py").as_uri(), "untitled:Untitled-1", "nonsense", "None"):
        at = types.Position(0, 0)
        assert await client.request(types.TEXT_DOCUMENT_HOVER, types.HoverParams(document(uri), at)) is None
        assert not (
            await client.request(types.TEXT_DOCUMENT_COMPLETION, types.CompletionParams(document(uri), at))
        )
        hints = await client.request(
            types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintParams(document(uri), whole())
        )
        assert hints == ()
        assert await actions_at(client, uri, at) == ()


async def test_a_buffer_without_a_file_is_served(client: Client) -> None:
    uri = client.open("untitled:Untitled-2", "import json\njson.dumpss\n")
    report = await client.request(
        types.TEXT_DOCUMENT_DIAGNOSTIC, types.DocumentDiagnosticParams(document(uri))
    )
    assert [item.range.start for item in report.items] == [types.Position(1, 5)]


async def test_a_file_of_a_library_is_served(client: Client, root: Path) -> None:
    uri = client.open(root / ".venv/lib/python3.11/site-packages/ledger/__init__.py")
    tree = await client.request(
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, types.DocumentSymbolParams(document(uri))
    )
    assert {"Ledger", "open_ledger"} <= {node.name for node in tree}


async def test_a_root_that_is_deleted_is_survived(client: Client, root: Path) -> None:
    other = make_shop(root.parent / "other")
    folder = types.WorkspaceFolder(other.as_uri(), "other")

    def event(**changes: Any) -> types.DidChangeWorkspaceFoldersParams:
        return types.DidChangeWorkspaceFoldersParams(
            types.WorkspaceFoldersChangeEvent(**({"added": [], "removed": []} | changes))
        )

    ended = len(client.progress("end"))
    client.notify(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, event(added=[folder]))
    await client.until(lambda: len(client.progress("end")) > ended)
    found = await client.request(types.WORKSPACE_SYMBOL, types.WorkspaceSymbolParams("checkout"))
    assert len([each for each in found if each.name == "checkout"]) == 2
    shutil.rmtree(other)
    found = await client.request(types.WORKSPACE_SYMBOL, types.WorkspaceSymbolParams("checkout"))
    assert len(found) >= 1
    client.notify(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, event(removed=[folder]))
    missing = types.WorkspaceFolder((root.parent / "missing").as_uri(), "missing")
    client.notify(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, event(added=[missing]))
    found = await client.request(types.WORKSPACE_SYMBOL, types.WorkspaceSymbolParams("checkout"))
    assert [each.name for each in found] == ["checkout"]
