"""Every feature, end to end, on one workspace and one server."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from .client import Client, ResponseError
from .shop import FILES, actions_at, document, edited, opened, place, whole


async def test_capabilities(client: Client) -> None:
    able = client.capabilities
    assert able is not None
    assert able.position_encoding == "utf-16"
    sync = able.text_document_sync
    assert sync == types.TextDocumentSyncOptions(
        open_close=True,
        change=types.TextDocumentSyncKind.Incremental,
        save=True,
    )
    assert isinstance(able.inlay_hint_provider, types.InlayHintOptions)
    assert able.inlay_hint_provider.resolve_provider
    assert able.inline_completion_provider == types.InlineCompletionOptions()
    assert able.completion_provider is not None
    assert able.completion_provider.trigger_characters == (".",)
    assert able.completion_provider.resolve_provider
    assert isinstance(able.diagnostic_provider, types.DiagnosticOptions)
    assert able.signature_help_provider is not None
    assert all(
        (
            able.hover_provider,
            able.definition_provider,
            able.references_provider,
            able.document_symbol_provider,
            able.workspace_symbol_provider,
            able.code_action_provider,
            able.notebook_document_sync,
        )
    )
    assert able.execute_command_provider is not None
    assert set(able.execute_command_provider.commands) >= {
        "typewright.restartInference",
        "typewright.annotateFile",
        "typewright.recommend",
        "typewright.indexDocuments",
        "typewright.status",
    }


async def test_hints_show_what_nobody_wrote(client: Client, root: Path) -> None:
    uri, text = opened(client, root, "shop/orders.py")
    hints = await client.request(
        types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintParams(document(uri), whole())
    )
    labels = {(hint.position.line, hint.label) for hint in hints}
    line = place(text, "def |describe(product").line
    assert (line, ": Product") in labels
    assert (line, " -> str") in labels
    some = await client.request(
        types.TEXT_DOCUMENT_INLAY_HINT,
        types.InlayHintParams(document(uri), types.Range(types.Position(line, 0), types.Position(line, 80))),
    )
    assert {hint.position.line for hint in some} == {line}


async def test_an_accepted_hint_writes_the_annotation_and_its_import(client: Client, root: Path) -> None:
    uri, text = opened(
        client,
        root,
        "shop/files.py",
        "import os\n\n\ndef first(name):\n    return os.fspath(name)\n\n\n"
        "def when(path):\n    import datetime\n    return datetime.datetime.now()\n",
    )
    hints = await client.request(
        types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintParams(document(uri), whole())
    )
    hint = next(hint for hint in hints if "datetime" in hint.label)
    resolved = await client.request(types.INLAY_HINT_RESOLVE, hint)
    assert resolved.tooltip
    after = edited(text, resolved.text_edits)
    compile(after, "after", "exec")
    assert "import datetime" in after.split("def first")[0] or "from datetime import datetime" in after
    assert "-> datetime" in after


async def test_completion_after_a_dot(client: Client, root: Path) -> None:
    uri, text = opened(
        client, root, "shop/orders.py", FILES["shop/orders.py"].replace("    describe(pen)", "    basket.")
    )
    position = place(text, "    basket.|\n")
    found = await client.request(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionParams(document(uri), position)
    )
    labels = [item.label for item in found.items]
    assert {"add", "total", "products"} <= set(labels)
    item = await client.request(
        types.COMPLETION_ITEM_RESOLVE, next(i for i in found.items if i.label == "add")
    )
    assert "count" in item.documentation.value
    assert item.text_edit.range == types.Range(position, position)


async def test_completion_of_a_name_replaces_what_is_typed(client: Client, root: Path) -> None:
    uri, text = opened(client, root, "shop/orders.py", FILES["shop/orders.py"] + "\nresult = samp\n")
    position = place(text, "result = samp|\n")
    found = await client.request(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionParams(document(uri), position)
    )
    item = next(item for item in found.items if item.label == "sample")
    assert edited(text, [item.text_edit]).endswith("result = sample\n")


async def test_hover_and_signatures(client: Client, root: Path) -> None:
    uri, text = opened(client, root, "shop/orders.py")
    at = types.HoverParams(document(uri), place(text, "basket.|add(pen, 3)"))
    hover = await client.request(types.TEXT_DOCUMENT_HOVER, at)
    assert "add" in hover.contents.value
    help_ = await client.request(
        types.TEXT_DOCUMENT_SIGNATURE_HELP,
        types.SignatureHelpParams(document(uri), place(text, "basket.add(pen, |3)")),
    )
    assert help_.active_parameter == 1
    assert "count" in help_.signatures[0].label


async def test_definition_and_references(client: Client, root: Path) -> None:
    uri, text = opened(client, root, "shop/orders.py")
    found = await client.request(
        types.TEXT_DOCUMENT_DEFINITION, types.DefinitionParams(document(uri), place(text, "basket.|add(pen"))
    )
    models = (root / "shop/models.py").as_uri()
    position = place(FILES["shop/models.py"], "    def |add(self")
    assert [(each.uri, each.range.start) for each in found] == [(models, position)]
    used = await client.request(
        types.TEXT_DOCUMENT_REFERENCES,
        types.ReferenceParams(types.ReferenceContext(False), document(models), position),
    )
    assert (uri, place(text, "basket.|add(pen")) in [(each.uri, each.range.start) for each in used]
    assert (models, position) not in [(each.uri, each.range.start) for each in used]


async def test_symbols(client: Client, root: Path) -> None:
    uri, _ = opened(client, root, "shop/models.py")
    tree = await client.request(
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, types.DocumentSymbolParams(document(uri))
    )
    basket = next(node for node in tree if node.name == "Basket")
    assert {"__init__", "add", "total"} <= {child.name for child in basket.children}
    found = await client.request(types.WORKSPACE_SYMBOL, types.WorkspaceSymbolParams("checkout"))
    assert (found[0].name, found[0].location.uri) == ("checkout", (root / "shop/orders.py").as_uri())


async def test_pulled_diagnostics_and_their_fixes(client: Client, root: Path) -> None:
    uri, text = opened(client, root, "shop/wrong.py")
    report = await client.request(
        types.TEXT_DOCUMENT_DIAGNOSTIC, types.DocumentDiagnosticParams(document(uri))
    )
    starts = [item.range.start for item in report.items]
    for marked in ("json.|dumpss", "basket.|addd", "Basket, |Produkt"):
        assert place(text, marked) in starts
    again = await client.request(
        types.TEXT_DOCUMENT_DIAGNOSTIC,
        types.DocumentDiagnosticParams(document(uri), previous_result_id=report.result_id),
    )
    assert again.kind == "unchanged"
    wrong = report.items[starts.index(place(text, "json.|dumpss"))]
    actions = await client.request(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionParams(
            document(uri), wrong.range, types.CodeActionContext([wrong], only=["quickfix"])
        ),
    )
    assert {action.kind for action in actions} == {"quickfix"}
    best = next(action for action in actions if action.is_preferred)
    assert "text = json.dumps({})" in edited(text, best.edit.changes[uri])


async def test_a_function_and_a_file_are_annotated(client: Client, root: Path) -> None:
    uri, text = opened(client, root, "shop/orders.py")
    actions = await actions_at(client, uri, place(text, "    words = |separator"))
    action = next(action for action in actions if action.title == "Annotate describe")
    assert action.edit is None
    resolved = await client.request(types.CODE_ACTION_RESOLVE, action)
    after = edited(text, resolved.edit.changes[uri])
    compile(after, "after", "exec")
    assert "def describe(product: Product" in after
    assert "def checkout(basket, ledger):" in after
    uri, text = opened(client, root, "shop/models.py")
    source = await actions_at(client, uri, types.Position(0, 0), "source")
    assert [action.kind for action in source] == ["source.annotate.typewright"]
    everything = await client.request(types.CODE_ACTION_RESOLVE, source[0])
    after = edited(text, everything.edit.changes[uri])
    compile(after, "after", "exec")
    assert "def __init__(self) -> None:" in after


async def test_the_command_annotates_through_the_client(client: Client, root: Path) -> None:
    uri, text = opened(client, root, "shop/models.py")
    before = len(client.requests[types.WORKSPACE_APPLY_EDIT])
    params = types.ExecuteCommandParams("typewright.annotateFile", [uri])
    result = await client.request(types.WORKSPACE_EXECUTE_COMMAND, params)
    assert result["applied"] is True
    assert result["edits"] > 0
    asked = client.requests[types.WORKSPACE_APPLY_EDIT][before:]
    assert len(asked) == 1
    assert "def __init__(self) -> None:" in edited(text, asked[0].edit.changes[uri])


async def test_a_comment_asks_for_an_api(client: Client, root: Path) -> None:
    await client.indexed("Reading the libraries", 100)
    uri, text = opened(client, root, "shop/files.py")
    actions = await actions_at(client, uri, place(text, "    # write |text to a file"))
    action = next(action for action in actions if action.title.startswith("Find an API for: write text"))
    command = action.command
    found = await client.request(
        types.WORKSPACE_EXECUTE_COMMAND, types.ExecuteCommandParams(command.command, command.arguments)
    )
    assert found
    assert {"name", "signature", "reason", "score"} <= set(found[0])
    assert any("write" in each["name"] for each in found)


async def test_the_status_tells_what_is_there(client: Client, root: Path) -> None:
    status = await client.request(
        types.WORKSPACE_EXECUTE_COMMAND, types.ExecuteCommandParams("typewright.status")
    )
    (workspace,) = status["workspaces"]
    assert workspace["root"] == str(root)
    assert workspace["files"] >= 5
    assert workspace["environment"] == str(root / ".venv")
    assert status["process"] == client.process.pid


async def test_documents_are_indexed_on_demand(client: Client, root: Path) -> None:
    params = types.ExecuteCommandParams("typewright.indexDocuments", [str(root / "docs")])
    await client.request(types.WORKSPACE_EXECUTE_COMMAND, params)
    assert any("documents" in item.value["title"] for item in client.progress("begin"))
    with pytest.raises(ResponseError) as error:
        params = types.ExecuteCommandParams("typewright.indexDocuments", [str(root / "missing")])
        await client.request(types.WORKSPACE_EXECUTE_COMMAND, params)
    assert error.value.code == -32602


async def test_a_private_api_is_described(client: Client) -> None:
    await client.indexed("Reading the libraries", 100)
    params = types.ExecuteCommandParams("typewright.describe", ["ledger.Ledger.post"])
    assert "Book an amount" in await client.request(types.WORKSPACE_EXECUTE_COMMAND, params)
    params = types.ExecuteCommandParams("typewright.describe", ["ledger.nothing"])
    assert await client.request(types.WORKSPACE_EXECUTE_COMMAND, params) is None


async def test_restarting_the_inference_process_is_harmless(client: Client) -> None:
    params = types.ExecuteCommandParams("typewright.restartInference")
    assert await client.request(types.WORKSPACE_EXECUTE_COMMAND, params) is None


async def test_files_that_change_on_disk_are_seen(client: Client, root: Path) -> None:
    assert any(
        registration.method == types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        for params in client.requests[types.CLIENT_REGISTER_CAPABILITY]
        for registration in params.registrations
    )
    path = root / "shop" / "new.py"
    path.write_text("def freshly_made():\n    return 1\n")

    async def names() -> list[str]:
        found = await client.request(types.WORKSPACE_SYMBOL, types.WorkspaceSymbolParams("freshly_made"))
        return [each.name for each in found]

    async def told(kind: types.FileChangeType) -> None:
        before = len(client.requests[types.WORKSPACE_INLAY_HINT_REFRESH])
        change = types.DidChangeWatchedFilesParams([types.FileEvent(path.as_uri(), kind)])
        client.notify(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, change)
        await client.until(lambda: len(client.requests[types.WORKSPACE_INLAY_HINT_REFRESH]) > before)

    await told(types.FileChangeType.Created)
    assert await names() == ["freshly_made"]
    path.unlink()
    await told(types.FileChangeType.Deleted)
    assert await names() == []


async def test_options_change_without_a_restart(client: Client, root: Path) -> None:
    uri, _ = opened(client, root, "shop/orders.py")
    params = types.InlayHintParams(document(uri), whole())
    refreshed = len(client.requests[types.WORKSPACE_INLAY_HINT_REFRESH])
    client.settings = {"neural": False, "hints": False, "minimumConfidence": "much"}
    client.notify(types.WORKSPACE_DID_CHANGE_CONFIGURATION, types.DidChangeConfigurationParams(None))
    await client.until(lambda: len(client.requests[types.WORKSPACE_INLAY_HINT_REFRESH]) > refreshed)
    assert await client.request(types.TEXT_DOCUMENT_INLAY_HINT, params) == ()
    settings = {"typewright": {"neural": False, "hints": True, "variableHints": False}}
    client.notify(types.WORKSPACE_DID_CHANGE_CONFIGURATION, types.DidChangeConfigurationParams(settings))
    hints = await client.request(types.TEXT_DOCUMENT_INLAY_HINT, params)
    assert hints
    client.settings = {"neural": False}
