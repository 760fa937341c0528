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


SECTION = '''

class Account@:
    """A customer's account, number @."""

    limit = 100

    def __init__(self, owner, balance=0.0):
        self.owner = owner
        self.balance = balance
        self.entries = []

    def book(self, amount, note=""):
        """Add an entry."""
        self.entries.append((amount, note))
        self.balance += amount
        return self

    def describe(self):
        lines = [f"{note}: {amount}" for amount, note in self.entries]
        return "\\n".join(lines)

    def is_open(self):
        return self.balance >= -self.limit


def open_account_@(owner, first=None):
    account = Account@(owner)
    if first:
        account.book(first, "é😀")
    return account


def balance_@(account, rate=1.0):
    if not account.is_open():
        return None
    return round_up_@(account.balance * rate)


def round_up_@(value):
    return int(value + 0.5)


def report_@(names):
    accounts = [open_account_@(name, 5) for name in names]
    totals = {account.owner: balance_@(account) for account in accounts}
    other = open_account_#("other")
    return totals, other.describe(), balance_#(other)
'''


def long_module(sections: int) -> str:
    """Return ordinary code: classes, and functions that call those of their own and of an earlier section."""
    parts = (SECTION.replace("@", str(n)).replace("#", str(n - n % 10)) for n in range(sections))
    return "import json\n" + "".join(parts)


async def test_a_file_of_twenty_thousand_lines(tmp_path: Path) -> None:
    """Every kind of request has the right answer, after edits at the end and in the middle."""
    root = tmp_path / "work"
    root.mkdir()
    text = long_module(420)
    last, middle = text.count("\n"), text[: text.index("class Account200:")].count("\n") - 1
    assert last > 20_000
    (root / "long.py").write_text(text)
    async with connected(root, cache=tmp_path / "cache", initialization_options=STATIC) as client:
        await client.indexed()
        uri = client.open(root / "long.py")
        version, remark = 1, "# a remark, typed a letter at a time 😀"
        for place in (last, middle):
            for letter in remark:  # each before the one that was typed last
                version += 1
                here = types.Position(place, 0)
                client.change(uri, version, (types.Range(here, here), letter))
            version += 1
            here, there = types.Position(place, 0), types.Position(place, len(remark) + 1)
            client.change(uri, version, (types.Range(here, there), ""))
        client.change(uri, version + 1, (types.Range(here, here), "Account200('me').book("))
        inside = types.Position(middle, len("Account200('me').bo"))
        end = types.Position(middle, len("Account200('me').book("))
        asked = [*requests_at(uri, inside), *requests_at(uri, end)]
        references = types.ReferenceParams(
            types.ReferenceContext(True), types.TextDocumentIdentifier(uri), inside
        )
        asked.append((types.TEXT_DOCUMENT_REFERENCES, references))
        asked.append((types.WORKSPACE_SYMBOL, types.WorkspaceSymbolParams("open_account_399")))
        answers = [await client.request(method, params) for method, params in asked]
        members, _, hints, checked, _, hover, definition, outline, _ = answers[:9]
        signature, found, symbols = answers[13], *answers[-2:]
        booking = text[: text.index("def book", text.index("class Account200:"))].count("\n")
        assert {item.label for item in members.items} >= {"book", "describe", "owner", "balance"}
        assert len({hint.position.line for hint in hints}) > 1_000
        assert list(checked.items) == []
        assert "Add an entry." in hover.contents.value
        assert [each.range.start.line for each in definition] == [booking]
        assert [node.name for node in outline][-1] == "report_419"
        assert signature.signatures[0].label.startswith("book(amount")
        assert {middle, booking} < {each.range.start.line for each in found}
        assert [each.name for each in symbols] == ["open_account_399"]
        assert await client.shut_down() == 0
