"""Stubs of definitions, and code like other code."""

from __future__ import annotations

from typewright.indexer.excerpts import SHOWN, SimilarCode, stub
from typewright.indexer.outline import symbols
from typewright.indexer.syntax import parse

SHOP = '''
TAX = 0.2

def net(gross: float, tax: float = TAX) -> float:
    return gross / (1 + tax)

class Basket(dict):
    """What somebody wants."""
    owner: str = ""
    def __init__(self, owner):
        self.owner = owner
    def add(self, item: str) -> None: ...
    def _pack(self): ...
'''


def test_a_stub_is_what_a_caller_has_to_know() -> None:
    found = symbols(parse(SHOP), "shop")
    assert stub(found, "shop.net") == "def net(gross: float, tax: float = TAX) -> float: ...\n"
    text = stub(found, "shop.Basket")
    assert text.startswith("class Basket(dict):\n")
    assert "    def add(self, item: str) -> None: ...\n" in text
    assert "_pack" not in text
    assert parse(text, remember=False).damage == ()
    assert stub(found, "shop.TAX") == stub(found, "shop.missing") == ""


def _export(name: str) -> str:
    rows = "".join(f"    writer.add_row(customer.address, column_{n})\n" for n in range(12))
    return (
        f"def export_{name}(writer, customer):\n{rows}    writer.finish_{name}()\n    return writer.summary\n"
    )


def test_what_follows_similar_lines_elsewhere_is_shown() -> None:
    other = "\n".join(
        f"def unrelated_{n}(value):\n    return compute_{n}(value) + offset_{n}\n" for n in range(30)
    )
    search = SimilarCode({"a.py": _export("orders"), "b.py": other, "c.py": _export("bills")})
    above = _export("letters").partition("    writer.finish")[0]
    found = search.nearest(above, "c.py", limit=2)
    assert found
    assert {each.path for each in found} == {"a.py"}, "neither its own file nor what is unlike it"
    assert "writer.finish_orders()" in found[0].text
    lines = _export("orders").splitlines()
    assert found[0].text.splitlines() == lines[found[0].line - 1 : found[0].line - 1 + SHOWN]
    assert 0.2 <= found[0].score <= 1.0001


def test_nothing_is_like_nothing() -> None:
    assert SimilarCode({}).nearest("import os\n", "a.py", limit=2) == []
    search = SimilarCode({"a.py": _export("orders")})
    assert search.nearest("", "b.py", limit=2) == []
    assert search.nearest("zebra = giraffe(lion)\n", "b.py", limit=2) == []
