"""A small real workspace: a package, a private library in its own environment, a notebook, documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lsprotocol import types

from .client import Client

FILES = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
    ".gitignore": ".venv/\n",
    "shop/__init__.py": "",
    "shop/models.py": '''"""What the shop sells."""

from dataclasses import dataclass


@dataclass
class Product:
    """Something for sale."""

    name: str
    price: float
    tags: list[str]

    def label(self):
        return f"{self.name}: {self.price:.2f}"


class Basket:
    """What a customer is about to buy."""

    def __init__(self):
        self.products = []

    def add(self, product, count=1):
        """Put a product in, `count` times."""
        for _ in range(count):
            self.products.append(product)
        return self

    def total(self):
        return sum(product.price for product in self.products)
''',
    "shop/orders.py": '''"""Buying."""

from shop.models import Basket, Product


def checkout(basket, ledger):
    total = basket.total()
    ledger.post("sales", total)
    return total


def describe(product, separator=", "):
    words = separator.join(product.tags)
    return product.label().upper() + words


def sample():
    basket = Basket()
    pen = Product("pen", 1.5, ["blue"])
    basket.add(pen, 3)
    describe(pen)
    return basket
''',
    "shop/files.py": '''"""Reading price lists."""

import json


def read_prices(path):
    with open(path) as file:
        return json.loads(file.read())


def write_prices(prices, folder):
    # write text to a file
    target = Path(folder) / "prices.json"
    target.write_text(json.dumps(prices))
    return target
''',
    "shop/books.py": """from ledger import Ledger


def book(amount):
    ledger = Ledger("main")
    ledger.post("sales", amount)
    return ledger.balance("sales")
""",
    "shop/wrong.py": '''"""APIs that do not exist."""

import json
from shop.models import Basket, Produkt

text = json.dumpss({})
basket = Basket()
basket.addd(None)
''',
    "docs/guide.md": "# Ledger\n\nTo book an amount:\n\n```python\nledger.post('sales', 10.0)\n```\n",
}
LEDGER = '''"""A private ledger."""


class Ledger:
    """An account book."""

    def __init__(self, name: str) -> None:
        self.name = name

    def post(self, account: str, amount: float) -> int:
        """Book an amount to an account and return the number of the entry."""
        return 1

    def balance(self, account: str) -> float:
        """Return what is in an account."""
        return 0.0


def open_ledger(name: str, *, readonly: bool = False) -> Ledger:
    """Open the ledger called `name`."""
    return Ledger(name)
'''
CELLS = [
    "import json\nfrom shop.models import Basket",
    "def widen(text, factor=2):\n    return text * factor",
    "widen('a')\njson.dumpss",
]


def make_shop(root: Path) -> Path:
    """Write the workspace to `root` and return it."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    notebook = {
        "cells": [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in CELLS],
        "metadata": {"kernelspec": {"language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root / "explore.ipynb").write_text(json.dumps(notebook))
    site = root / ".venv" / "lib" / "python3.11" / "site-packages"
    (site / "ledger").mkdir(parents=True)
    (site / "ledger" / "__init__.py").write_text(LEDGER)
    (site / "ledger" / "py.typed").write_text("")
    information = site / "ledger-2.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: ledger\nVersion: 2.1\n")
    (information / "RECORD").write_text("ledger/__init__.py,,\nledger/py.typed,,\n")
    (information / "top_level.txt").write_text("ledger\n")
    (root / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.0\n")
    return root


def place(text: str, marked: str) -> types.Position:
    """Return the position of the bar in `marked`, which without the bar stands once in `text`."""
    before, after = marked.split("|")
    assert text.count(before + after) == 1, marked
    offset = text.index(before + after) + len(before)
    line = text.count("\n", 0, offset)
    return types.Position(line, offset - (text.rfind("\n", 0, offset) + 1))


def edited(text: str, edits: object) -> str:
    """Apply protocol edits (in UTF-16 of ASCII lines) to a text."""
    lines = [*text.splitlines(keepends=True), ""]
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    located = sorted(
        (
            starts[edit.range.start.line] + edit.range.start.character,
            starts[edit.range.end.line] + edit.range.end.character,
            edit.new_text,
        )
        for edit in edits  # type: ignore[attr-defined]
    )
    for start, end, new in reversed(located):
        text = text[:start] + new + text[end:]
    return text


def document(uri: str) -> types.TextDocumentIdentifier:
    """Name a document as requests do."""
    return types.TextDocumentIdentifier(uri)


def whole() -> types.Range:
    """Return a range that holds every line."""
    return types.Range(types.Position(0, 0), types.Position(1000, 0))


def opened(client: Client, root: Path, name: str, text: str | None = None) -> tuple[str, str]:
    """Open a file of the workspace, perhaps with another text than on disk; return its URI and its text."""
    content = FILES[name] if text is None else text
    return client.open(root / name, content), content


async def actions_at(client: Client, uri: str, position: types.Position, *only: str) -> list[Any]:
    """Ask for the code actions at a place, perhaps only for some kinds."""
    context = types.CodeActionContext([], only=list(only) or None)
    params = types.CodeActionParams(document(uri), types.Range(position, position), context)
    return await client.request(types.TEXT_DOCUMENT_CODE_ACTION, params)


async def test_an_undefined_name_is_imported(client: Client, root: Path) -> None:
    await client.indexed("Reading the libraries", 100)
    text = FILES["shop/files.py"] + "\n\nbooks = open_ledger('books'), Basket()\n"
    uri, _ = opened(client, root, "shop/files.py", text)
    for name, statement in (
        ("open_ledger", "from ledger import open_ledger"),
        ("Basket", "from shop.models import Basket"),
    ):
        actions = await actions_at(client, uri, place(text, f"|{name}("))
        action = next((action for action in actions if statement in action.title), None)
        assert action is not None, [action.title for action in actions]
        after = edited(text, action.edit.changes[uri])
        assert statement in after.split("def read_prices")[0]
        compile(after, "after", "exec")
