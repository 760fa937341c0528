"""Hints while they are worked out: the earlier ones, moved with the text, until the new ones are there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types
from typewright.assist.hints import Hint, hints
from typewright.assist.session import Session, Settings
from typewright.lsp import lifecycle
from typewright.lsp.hints import inlay_hint, moved
from typewright.lsp.lane import Urgency
from typewright.lsp.server import Server, create_server

from .client import capabilities

TEXT = """def area(width, height=2):
    return width * height


def greet(name):
    return "hello " + name


area(3)
greet("you")
"""


def labels(found: list[Hint]) -> list[tuple[int, int, str]]:
    return [(hint.line, hint.column, hint.label) for hint in found]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "# a comment\n\n"),  # above
        ("    return width * height\n", "    print(width)\n    return width * height\n"),  # between
        ("area(3)\n", "area(4)\n\n"),  # below
        ("width, height=2", "width, height=22"),  # within a line that has hints
        ("width, height=2", "width,  height=2"),
    ],
)
def test_hints_move_with_the_text(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    session = Session(tmp_path, settings=Settings(neural=False, cache=tmp_path / "cache"))
    session.refresh()
    before = hints(session, path)
    after = TEXT.replace(old, new, 1)
    fresh = hints(session, path, overlay={path: after})
    assert labels(moved(before, TEXT, after)) == labels(list(fresh)) != []
    session.close()


def test_hints_in_what_changed_fall(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    session = Session(tmp_path, settings=Settings(neural=False, cache=tmp_path / "cache"))
    session.refresh()
    found = hints(session, path)
    replaced = TEXT.replace("def greet(name):\n    return", "def greet(\n    name,\n):\n    return")
    assert labels(moved(found, TEXT, replaced)) == [label for label in labels(list(found)) if label[0] == 1]
    assert moved(found, TEXT, "") == []
    assert moved([], "", TEXT) == []
    session.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server in this process, with one workspace; what it sends to the editor goes nowhere."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\n')
    (tmp_path / "a.py").write_text(TEXT)
    made = create_server()
    made.protocol.on_initialize(
        types.InitializeParams(
            capabilities(),
            workspace_folders=[types.WorkspaceFolder(tmp_path.as_uri(), "a")],
            initialization_options={"neural": False, "cache": str(tmp_path / "cache")},
        )
    )
    yield made
    made.close_sessions(made.workspaces.all())


async def test_earlier_hints_stand_in_until_the_new_ones_are_there(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[None] = []
    monkeypatch.setattr(server, "workspace_inlay_hint_refresh", refreshed.append)
    uri = (tmp_path / "a.py").as_uri()
    item = types.TextDocumentItem(uri, "python", 1, TEXT)
    lifecycle.did_open(server, types.DidOpenTextDocumentParams(item))
    whole = types.Range(types.Position(0, 0), types.Position(100, 0))

    async def asked() -> list[tuple[int, str]]:
        answer = inlay_hint(server, types.InlayHintParams(types.TextDocumentIdentifier(uri), whole))
        assert not isinstance(answer, list)
        return [(hint.position.line, hint.label) for hint in await answer]  # type: ignore[attr-defined]

    def edit(text: str) -> None:
        identifier = types.VersionedTextDocumentIdentifier(2, uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        lifecycle.did_change(server, types.DidChangeTextDocumentParams(identifier, [change]))

    async def settled() -> None:
        while server.hint_work:
            await asyncio.sleep(0.01)

    first = await asked()
    assert (4, ": str") in first
    session = server.workspaces.session_for(tmp_path / "a.py")
    assert session is not None

    # The analysis is busy, and the edit changes nothing that is known: nobody needs to ask again.
    busy = threading.Event()
    session.lane.submit(busy.wait, Urgency.TYPING)
    edit("\n" + TEXT)
    assert await asked() == [(line + 1, label) for line, label in first]
    busy.set()
    await settled()
    assert refreshed == []

    # Now it changes a result.
    busy = threading.Event()
    session.lane.submit(busy.wait, Urgency.TYPING)
    edit(TEXT.replace('"hello " + name', "[name]"))
    assert await asked() == first
    busy.set()
    await settled()
    assert refreshed == [None]
    assert (4, " -> list[str]") in await asked()

    # An edit stops the work on the text before it; closing forgets all.
    busy = threading.Event()
    session.lane.submit(busy.wait, Urgency.TYPING)
    edit(TEXT)
    waiting = asyncio.ensure_future(asked())
    await asyncio.sleep(0)
    [work] = server.hint_work.values()
    edit(TEXT + "\n")
    assert server.hint_work == {}
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.future.cancelled()
    busy.set()
    closing = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))
    lifecycle.did_close(server, closing)
    assert server.known_hints == {}


async def test_an_editor_that_cannot_ask_again_waits(server: Server, tmp_path: Path) -> None:
    assert server.client_capabilities.workspace is not None
    server.client_capabilities.workspace.inlay_hint = None
    uri = (tmp_path / "a.py").as_uri()
    item = types.TextDocumentItem(uri, "python", 1, TEXT)
    lifecycle.did_open(server, types.DidOpenTextDocumentParams(item))
    whole = types.Range(types.Position(0, 0), types.Position(100, 0))
    params = types.InlayHintParams(types.TextDocumentIdentifier(uri), whole)
    first = inlay_hint(server, params)
    assert not isinstance(first, list)
    await first
    session = server.workspaces.session_for(tmp_path / "a.py")
    assert session is not None
    busy = threading.Event()
    session.lane.submit(busy.wait, Urgency.TYPING)
    identifier = types.VersionedTextDocumentIdentifier(2, uri)
    change = types.TextDocumentContentChangeWholeDocument("\n" + TEXT)
    lifecycle.did_change(server, types.DidChangeTextDocumentParams(identifier, [change]))
    answer = inlay_hint(server, params)
    assert not isinstance(answer, list)
    waiting = asyncio.ensure_future(answer)
    await asyncio.sleep(0.3)
    assert not waiting.done()
    busy.set()
    assert await waiting
