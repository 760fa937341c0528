"""What a client can do shapes what it gets; and what it gets when models are there, killed, or missing."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from .client import STATIC, Client, ResponseError, capabilities, connected
from .shop import FILES, make_shop, place


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_shop(tmp_path / "shop")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("preferred", "chosen", "width"),
    [
        (["utf-8", "utf-16"], "utf-8", 4),
        (["utf-32"], "utf-32", 1),
        (["utf-7", "utf-16"], "utf-16", 2),
        (None, "utf-16", 2),
    ],
)
async def test_positions_are_counted_as_the_client_prefers(
    root: Path, cache: Path, preferred: list[str] | None, chosen: str, width: int
) -> None:
    able = capabilities()
    able.general = types.GeneralClientCapabilities(position_encodings=preferred)
    async with connected(root, cache=cache, able=able, initialization_options=STATIC) as client:
        assert client.capabilities is not None
        assert client.capabilities.position_encoding == chosen
        uri = client.open(root / "shop/face.py", "import json\nface = '😀'; json.dumpss\n")
        params = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(uri))
        report = await client.request(types.TEXT_DOCUMENT_DIAGNOSTIC, params)
        assert [item.range.start for item in report.items] == [types.Position(1, 16 + width)]
        position = types.Position(1, 8 + width)
        client.change(uri, 2, (types.Range(types.Position(1, 8), position), "xyz"))
        report = await client.request(types.TEXT_DOCUMENT_DIAGNOSTIC, params)
        assert [item.range.start for item in report.items] == [types.Position(1, 19)]


async def test_a_client_that_does_not_pull_gets_diagnostics_pushed(root: Path, cache: Path) -> None:
    able = types.ClientCapabilities()
    async with connected(root, cache=cache, able=able, initialization_options=STATIC) as client:
        uri = client.open(root / "shop/wrong.py")

        def published() -> list[Any]:
            found = [
                each
                for each in client.notifications[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS]
                if each.uri == uri
            ]
            return list(found[-1].diagnostics) if found else []

        start = place(FILES["shop/wrong.py"], "json.|dumpss")
        await client.until(lambda: start in [item.range.start for item in published()])
        client.change(uri, 2, FILES["shop/wrong.py"].replace("dumpss", "dumps"))
        await client.until(lambda: published() and start not in [item.range.start for item in published()])
        client.notify(
            types.TEXT_DOCUMENT_DID_CLOSE, types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))
        )
        await client.until(lambda: not published())
        assert client.unhandled == []
        assert client.requests == {}  # it said that it can do nothing, and so it is asked for nothing
        assert await client.shut_down() == 0


async def test_indexing_is_shown_and_can_be_cancelled(root: Path, cache: Path) -> None:
    for number in range(300):
        (root / f"module_{number}.py").write_text("def f(x):\n    return x\n" * 50)
    async with connected(root, cache=cache, initialization_options=STATIC) as client:
        begun = await client.until(lambda: client.progress("begin"))
        assert "Indexing shop" in begun[0].value["title"]
        assert begun[0].value["cancellable"] is True
        token = begun[0].token
        client.notify(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, types.WorkDoneProgressCancelParams(token))
        ended = await client.until(lambda: [item for item in client.progress("end") if item.token == token])
        assert ended[0].value["message"] in ("cancelled", "done")
        params = types.DocumentSymbolParams(
            types.TextDocumentIdentifier(client.open(root / "shop/models.py"))
        )
        assert await client.request(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, params)
        assert await client.shut_down() == 0


async def test_a_single_file_without_a_folder(root: Path, cache: Path) -> None:
    async with connected(cache=cache, initialization_options=STATIC) as client:
        uri = client.open(root / "shop/orders.py")
        position = place(FILES["shop/orders.py"], "basket.|add(pen")
        params = types.DefinitionParams(types.TextDocumentIdentifier(uri), position)
        found = await client.request(types.TEXT_DOCUMENT_DEFINITION, params)
        assert [each.uri for each in found] == [(root / "shop/models.py").as_uri()]
        untitled = client.open("untitled:x", "import json\njson.dumpss\n")
        pull = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(untitled))
        report = await client.request(types.TEXT_DOCUMENT_DIAGNOSTIC, pull)
        assert len(report.items) == 1
        assert client.progress("begin") == []
        assert await client.shut_down() == 0


async def test_a_client_without_resolve_gets_a_command(root: Path, cache: Path) -> None:
    async with connected(
        root, cache=cache, able=types.ClientCapabilities(), initialization_options=STATIC
    ) as client:
        uri = client.open(root / "shop/orders.py")
        here = types.Range(
            place(FILES["shop/orders.py"], "words = |sep"), place(FILES["shop/orders.py"], "words = |sep")
        )
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), here, types.CodeActionContext([]))
        actions = await client.request(types.TEXT_DOCUMENT_CODE_ACTION, params)
        command = next(action for action in actions if action.title == "Annotate describe")
        assert isinstance(command, types.Command)
        assert (command.command, command.arguments) == ("typewright.annotateFile", (uri, "describe"))


async def test_links_to_a_workspace_lead_to_the_same_files(root: Path, cache: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    async with connected(link, cache=cache, initialization_options=STATIC) as client:
        uri = client.open(link / "shop/orders.py")
        params = types.DefinitionParams(
            types.TextDocumentIdentifier(uri), place(FILES["shop/orders.py"], "    |describe(pen)")
        )
        found = await client.request(types.TEXT_DOCUMENT_DEFINITION, params)
        assert [each.uri for each in found] == [uri]


# With a language model

MODELS = {"indexLibraries": False}


@pytest.fixture
def cache_with_weights(tmp_path: Path, language_model_weights: Path) -> Path:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "models").symlink_to(language_model_weights.parent)
    return cache


async def inference(client: Client) -> dict[str, Any]:
    params = types.ExecuteCommandParams("typewright.status")
    status = await client.request(types.WORKSPACE_EXECUTE_COMMAND, params)
    found: dict[str, Any] = status["workspaces"][0]["inference"]
    return found


def ghost_text(uri: str, text: str, *, invoked: bool = True) -> types.InlineCompletionParams:
    kind = types.InlineCompletionTriggerKind
    return types.InlineCompletionParams(
        types.InlineCompletionContext(kind.Invoked if invoked else kind.Automatic),
        types.TextDocumentIdentifier(uri),
        types.Position(text.count("\n"), len(text) - (text.rfind("\n") + 1)),
    )


async def first_ghost_text(client: Client, uri: str, text: str) -> types.InlineCompletionList:
    """Ask until the model is there: a busy machine may take longer than the server waits for it."""
    for _ in range(3):
        found = await client.request(types.TEXT_DOCUMENT_INLINE_COMPLETION, ghost_text(uri, text))
        if found.items:
            break
    assert isinstance(found, types.InlineCompletionList)
    return found


async def test_ghost_text_and_a_killed_inference_process(root: Path, cache_with_weights: Path) -> None:
    text = (
        'def parse_numbers(text):\n    """Return the integers in a comma-separated text."""\n'
        "    return [int(part) for part in text."
    )
    async with connected(root, cache=cache_with_weights, initialization_options=MODELS) as client:
        uri = client.open(root / "shop/numbers.py", text)
        found = await first_ghost_text(client, uri, text)
        assert len(found.items) == 1
        assert found.items[0].insert_text.startswith("split(")
        first = await inference(client)
        assert first["running"] is True
        process = int(first["pid"])
        os.kill(process, signal.SIGSTOP)  # so that the request is surely in its hands when it dies
        client.change(uri, 2, text + "sp")
        _, future = client.ask(types.TEXT_DOCUMENT_INLINE_COMPLETION, ghost_text(uri, text + "sp"))
        await asyncio.sleep(0.3)
        os.kill(process, signal.SIGKILL)
        try:
            lost = await asyncio.wait_for(future, 30)
            assert lost.items == ()
        except ResponseError as error:
            assert error.code == types.LSPErrorCodes.RequestFailed.value
        client.change(uri, 3, text + "spl")
        found = await first_ghost_text(client, uri, text + "spl")
        assert found.items[0].insert_text.startswith("it(")
        second = int((await inference(client))["pid"])
        assert second != process
        assert await client.shut_down() == 0
    for _ in range(100):  # the models end with the server
        if not Path(f"/proc/{second}").exists() or "Z" in Path(f"/proc/{second}/stat").read_text().split()[2]:
            break
        await asyncio.sleep(0.1)
    else:
        pytest.fail("the inference process outlives its server")


async def test_newer_ghost_text_takes_the_place_of_older(root: Path, cache_with_weights: Path) -> None:
    text = "import json\n\n\ndef read(path):\n    with open(path) as file:\n        return "
    async with connected(root, cache=cache_with_weights, initialization_options=MODELS) as client:
        uri = client.open(root / "shop/numbers.py", text)
        assert (await first_ghost_text(client, uri, text)).items
        asked = [
            client.ask(types.TEXT_DOCUMENT_INLINE_COMPLETION, ghost_text(uri, text))[1] for _ in range(20)
        ]
        *older, newest = await asyncio.gather(*asked, return_exceptions=True)
        assert newest.items
        codes = {outcome.code for outcome in older if isinstance(outcome, ResponseError)}
        assert codes == {types.LSPErrorCodes.ContentModified.value}
        await client.request(
            types.WORKSPACE_EXECUTE_COMMAND, types.ExecuteCommandParams("typewright.restartInference")
        )
        assert (await inference(client))["running"] is False
        process = (await inference(client)).get("pid")
        assert process is None
        assert await client.shut_down() == 0


async def test_without_weights_the_static_features_work_and_nothing_is_shown(root: Path, cache: Path) -> None:
    async with connected(root, cache=cache, initialization_options=MODELS) as client:
        text = FILES["shop/orders.py"] + "\nvalue = "
        uri = client.open(root / "shop/orders.py", text)
        found = await client.request(
            types.TEXT_DOCUMENT_INLINE_COMPLETION, ghost_text(uri, text, invoked=False)
        )
        assert found.items == ()
        whole = types.Range(types.Position(0, 0), types.Position(1000, 0))
        params = types.InlayHintParams(types.TextDocumentIdentifier(uri), whole)
        hints = await client.request(types.TEXT_DOCUMENT_INLAY_HINT, params)
        assert ": Product" in {hint.label for hint in hints}
        assert types.WINDOW_SHOW_MESSAGE not in client.notifications
        params = types.ExecuteCommandParams("typewright.status")
        status = await client.request(types.WORKSPACE_EXECUTE_COMMAND, params)
        assert any("pull" in notice for notice in status["workspaces"][0]["notices"])
        assert await client.shut_down() == 0
