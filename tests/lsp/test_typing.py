"""Typing: broken code on every keystroke, long files, one request after the other."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from lsprotocol import types

from .client import STATIC, Client, ResponseError, connected
from .shop import FILES, make_shop

WITHDRAWN = {
    types.LSPErrorCodes.ContentModified.value,
    types.LSPErrorCodes.RequestCancelled.value,
    types.LSPErrorCodes.ServerCancelled.value,
}
TYPED = '''

class Report:
    """What was sold, 😀 by "day"."""

    def __init__(self, basket, title="Überblick"):
        self.basket = basket
        self.lines = [f"{product.label()!r:>{10}}" for product in basket.products if product.price > 0]

    async def write(self, path, *, mode="w"):
        with open(path, mode) as file:
            for number, line in enumerate(self.lines, 1):
                print(number, line, file=file)
        return {"lines": len(self.lines), **{"title": self.title}}


def main(arguments=None):
    basket = sample()
    match arguments:
        case [path, *rest] if rest:
            return Report(basket).write(path)
        case {"title": str() as title}:
            return Report(basket, title)
    return lambda x, /, *, y=(1, [2, 3]): x @ y if y else ...
'''


def requests_at(uri: str, position: types.Position) -> list[tuple[str, Any]]:
    """Every kind of request an editor sends while somebody types."""
    document = types.TextDocumentIdentifier(uri)
    whole = types.Range(types.Position(0, 0), types.Position(10_000, 0))
    here = types.Range(position, position)
    automatic = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
    return [
        (types.TEXT_DOCUMENT_COMPLETION, types.CompletionParams(document, position)),
        (types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionParams(automatic, document, position)),
        (types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintParams(document, whole)),
        (types.TEXT_DOCUMENT_DIAGNOSTIC, types.DocumentDiagnosticParams(document)),
        (types.TEXT_DOCUMENT_SIGNATURE_HELP, types.SignatureHelpParams(document, position)),
        (types.TEXT_DOCUMENT_HOVER, types.HoverParams(document, position)),
        (types.TEXT_DOCUMENT_DEFINITION, types.DefinitionParams(document, position)),
        (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, types.DocumentSymbolParams(document)),
        (
            types.TEXT_DOCUMENT_CODE_ACTION,
            types.CodeActionParams(document, here, types.CodeActionContext([])),
        ),
    ]


async def test_every_keystroke_of_a_typing_session_is_answered(tmp_path: Path) -> None:
    """All kinds of requests, interleaved, on code that is broken most of the time."""
    root = make_shop(tmp_path / "shop")
    chance = random.Random(7)
    async with connected(root, cache=tmp_path / "cache", initialization_options=STATIC) as client:
        await client.indexed()
        text = FILES["shop/orders.py"]
        uri = client.open(root / "shop/orders.py", text)
        line, column = text.count("\n"), 0
        asked: list[tuple[str, asyncio.Future[Any]]] = []
        for version, character in enumerate(TYPED, 2):
            position = types.Position(line, column)
            client.change(uri, version, (types.Range(position, position), character))
            line, column = (
                (line + 1, 0)
                if character == "\n"
                else (line, column + len(character.encode("utf-16-le")) // 2)
            )
            for method, params in requests_at(uri, types.Position(line, column)):
                if chance.random() < 0.15:
                    number, future = client.ask(method, params)
                    asked.append((method, future))
                    if chance.random() < 0.1:
                        client.cancel(number)
            if version % 10 == 0:  # a typist is slower than a loop
                await asyncio.gather(*(future for _, future in asked[-8:]), return_exceptions=True)
        text += TYPED
        outcomes = await asyncio.gather(*(future for _, future in asked), return_exceptions=True)
        for (method, _), outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                assert isinstance(outcome, ResponseError), (method, outcome)
                assert outcome.code in WITHDRAWN, f"{method}: {outcome}\n{client.stderr.decode()}"
        assert len(asked) > 800
        await the_buffer_is(client, uri, text)
        assert client.unhandled == []
        assert b"Traceback" not in client.stderr, client.stderr.decode()
        assert await client.shut_down() == 0


async def the_buffer_is(client: Client, uri: str, text: str) -> None:
    """The server's buffer, seen through the place of the last symbol and a name completed at the very end."""
    symbols = await client.request(
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, types.DocumentSymbolParams(types.TextDocumentIdentifier(uri))
    )
    main = next(symbol for symbol in symbols if symbol.name == "main")
    assert main.range.start.line == text[: text.index("def main")].count("\n")
    assert main.range.end.line == text.rstrip("\n").count("\n")


async def test_a_file_of_twenty_thousand_lines(tmp_path: Path) -> None:
    """A generated module: a long table, and functions behind it."""
    root = tmp_path / "work"
    root.mkdir()
    table = "".join(f'    "code_{number}": ({number}, "é😀", None),\n' for number in range(19_400))
    function = (
        "def look_up_{0}(key, default=1):\n    number, *_ = CODES[key]\n    return number + default\n\n\n"
    )
    text = f"import json\n\nCODES = {{\n{table}}}\n\n\n" + "".join(map(function.format, range(120)))
    (root / "long.py").write_text(text)
    async with connected(root, cache=tmp_path / "cache", initialization_options=STATIC) as client:
        uri = client.open(root / "long.py")
        document = types.TextDocumentIdentifier(uri)
        outline = types.DocumentSymbolParams(document)
        names = [node.name for node in await client.request(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, outline)]
        assert names == ["CODES", *(f"look_up_{number}" for number in range(120))]
        last = text.count("\n")
        assert last > 20_000
        version, remark = 1, "# a remark of some length, typed a letter at a time 😀"
        width = len(remark.encode("utf-16-le")) // 2
        for letter in remark:
            for line in (last, 10_000):  # at the end, and inside the table, which breaks it
                version += 1
                here = types.Position(line, 0)
                client.change(uri, version, (types.Range(here, here), letter))
        for line in (last, 10_000):
            version += 1
            here, there = types.Position(line, 0), types.Position(line, width)
            client.change(uri, version, (types.Range(here, there), ""))
        names = [node.name for node in await client.request(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, outline)]
        assert names == ["CODES", *(f"look_up_{number}" for number in range(120))]
        first = text[: text.index("def look_up_0(")].count("\n")
        window = types.Range(types.Position(first, 0), types.Position(first + 50, 0))
        hints = await client.request(types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintParams(document, window))
        assert hints
        assert {hint.position.line for hint in hints} <= set(range(first, first + 51))
        here = types.Position(last, 0)
        client.change(uri, version + 1, (types.Range(here, here), "json."))
        position = types.CompletionParams(document, types.Position(last, 5))
        found = await client.request(types.TEXT_DOCUMENT_COMPLETION, position)
        assert "dumps" in {item.label for item in found.items}
        assert await client.shut_down() == 0
