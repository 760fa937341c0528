from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typewright.assist.complete import SHOWN_CONFIDENCE, items, suggest
from typewright.assist.edits import apply
from typewright.assist.repository_context import BUDGET, EXCERPT, EXCERPTS, repository_context
from typewright.assist.session import Session, Settings
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import Cancelled

PRICES = '''
TAX = 0.2


def net_price(gross: float, tax: float = TAX) -> float:
    """The price without tax."""
    return gross / (1 + tax)


class Basket:
    """What somebody wants to buy."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._lines: list[tuple[str, int]] = []

    def add(self, item: str, count: int = 1) -> None:
        self._lines.append((item, count))

    def total_price(self, prices: dict[str, float]) -> float:
        return sum(prices[item] * count for item, count in self._lines)
'''


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    (root / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    (root / "shop").mkdir()
    (root / "shop" / "__init__.py").write_text("")
    (root / "shop" / "prices.py").write_text(PRICES)
    (root / "shop" / "app.py").write_text("SECRET_ON_DISK = 'the answer'\n")
    return root


@pytest.fixture(scope="module")
def session(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with Session(root, settings=Settings(cache=tmp_path_factory.mktemp("index"))) as session:
        yield session


class Buffer:
    """An open buffer for `shop/app.py` with the cursor at `|`."""

    def __init__(self, session: Session, text: str) -> None:
        prefix, _, suffix = text.partition("|")
        self.session = session
        self.path = session.root / "shop" / "app.py"
        self.overlay = {self.path: prefix + suffix}
        lines = prefix.replace("\r\n", "\n").split("\n")
        self.place = (len(lines), len(lines[-1]) + 1)

    def items(self) -> list[str]:
        found = items(self.session, self.path, *self.place, overlay=self.overlay)
        assert [item.sort_text for item in found.items] == sorted(item.sort_text for item in found.items)
        return [item.label for item in found.items]

    def item(self, label: str):
        found = items(self.session, self.path, *self.place, overlay=self.overlay)
        return next(item for item in found.items if item.label == label)

    def suggest(self, **options):
        return suggest(self.session, self.path, *self.place, overlay=self.overlay, **options)


def before(labels: list[str], first: str, second: str) -> bool:
    return labels.index(first) < labels.index(second)


# Items.


def test_members_with_the_own_ones_first(session: Session) -> None:
    buffer = Buffer(session, "from shop.prices import Basket\n\nbasket = Basket('me')\nbasket.|\n")
    labels = buffer.items()
    assert set(labels[:3]) == {"add", "owner", "total_price"}
    assert before(labels, "total_price", "_lines")
    assert before(labels, "_lines", "__init__")
    assert buffer.item("add").kind == "method"


def test_members_that_the_file_uses_come_first(session: Session) -> None:
    text = "from shop.prices import Basket\n\nb = Basket('me')\nb.total_price({})\nb.total_price({})\nb.|\n"
    assert Buffer(session, text).items()[0] == "total_price"


def test_members_of_the_standard_library_and_of_values(session: Session) -> None:
    assert "exists" in Buffer(session, "from pathlib import Path\n\nPath('x').|\n").items()
    assert "join" in Buffer(session, "import os\n\nos.path.jo|\n").items()
    assert Buffer(session, "import os\n\nos.path.joi|\n").items()[0] == "join"
    assert "upper" in Buffer(session, "'a'.|\n").items()


def test_a_dot_behind_the_unknown_offers_nothing(session: Session) -> None:
    assert Buffer(session, "def f(x):\n    x.nothing_known().|\n").items() == []


def test_names_from_the_innermost_scope_outwards(session: Session) -> None:
    text = "margin = 1\n\n\ndef f(measure):\n    mean = 2\n    m|\n"
    labels = Buffer(session, text).items()
    assert before(labels, "mean", "margin")
    assert before(labels, "measure", "margin")
    assert before(labels, "margin", "max")
    assert before(labels, "max", "print"), "names that continue the word go first"


def test_what_can_be_imported(session: Session) -> None:
    labels = Buffer(session, "from shop.prices import |\n").items()
    assert {"Basket", "net_price", "TAX"} <= set(labels)
    assert "prices" in Buffer(session, "import shop.|\n").items()
    assert "shop" in Buffer(session, "import sh|\n").items()


def test_keyword_arguments_that_are_not_given_yet(session: Session) -> None:
    head = "from shop.prices import net_price\n\n"
    assert Buffer(session, head + "net_price(|)\n").items()[:2] == ["gross=", "tax="]
    labels = Buffer(session, head + "net_price(gross=1, |)\n").items()
    assert labels[0] == "tax="
    assert "gross=" not in labels
    assert "tax=" not in Buffer(session, head + "net_price(1 + |)\n").items()
    assert "tax=" not in Buffer(session, head + "net_price([|])\n").items()
    item = Buffer(session, head + "net_price(|)\n").item("tax=")
    assert (item.insert_text, item.detail) == ("tax=", "tax: float = TAX")


def test_names_that_bring_their_import(session: Session) -> None:
    buffer = Buffer(session, '"""Doc."""\n\nimport os\n\nmine = Bask|\n')
    item = buffer.item("Basket")
    assert item.detail == "from shop.prices import Basket"
    text = apply(buffer.overlay[buffer.path], item.import_edit)
    assert "from shop.prices import Basket\n" in text
    assert text.index("from shop.prices") < text.index("mine")
    imported = Buffer(session, "from shop.prices import Basket\n\nmine = Bask|\n")
    assert imported.item("Basket").import_edit == ()


@pytest.mark.parametrize(
    "text",
    ["# a comment |\n", "x = 'a string |'\n", '"""Doc|\n"""\n', "x = 3.|\n", "x = 'unfinished |\n"],
)
def test_nothing_is_offered_in_comments_strings_and_numbers(session: Session, text: str) -> None:
    assert Buffer(session, text).items() == []


def test_broken_code_is_completed(session: Session) -> None:
    text = "from shop.prices import Basket\n\ndef f(:\n    x = (\n\nclass\nb = Basket('me')\nif b.|\n"
    assert "total_price" in Buffer(session, text).items()


def test_cancelling_items(session: Session) -> None:
    cancel = CancelToken()
    cancel.cancel()
    buffer = Buffer(session, "x = Bask|\n")
    with pytest.raises(Cancelled):
        items(session, buffer.path, *buffer.place, overlay=buffer.overlay, cancel=cancel)


# What the model is told.


def context(session: Session, text: str) -> dict[str, str]:
    buffer = Buffer(session, text)
    snapshot = session.snapshot(buffer.overlay)
    texts: dict[str, str] = {}
    for piece in repository_context(snapshot, buffer.path, text.partition("|")[0], NEVER):
        texts[piece.path] = texts.get(piece.path, "") + piece.text
    return texts


def test_the_model_is_told_definitions_of_imported_workspace_symbols(session: Session) -> None:
    found = context(session, "import os\nfrom shop.prices import net_price, Basket as B\n\nx = |")
    text = found["shop/prices.py"]
    assert "def net_price(gross: float, tax: float = TAX) -> float: ...\n" in text
    assert "class Basket:\n" in text
    assert "    def add(self, item: str, count: int = 1) -> None: ...\n" in text
    definition = text[text.index("class Basket:") :].partition("\n\n")[0]
    assert "_lines" not in definition


def test_the_model_is_shown_code_like_the_code_above(root: Path, session: Session) -> None:
    body = "\n".join(f"    receipt.write_row(customer, article_{number})" for number in range(8))
    for name in ("receipts", "invoices"):
        (root / "shop" / f"{name}.py").write_text(
            f"def export_{name}(receipt, customer):\n{body}\n    finish()\n"
        )
    session.refresh([root / "shop" / "receipts.py", root / "shop" / "invoices.py"])
    text = f"def export_orders(receipt, customer):\n{body}\n    |"
    found = context(session, text)
    assert set(found) == {"shop/receipts.py", "shop/invoices.py"}
    assert all("finish()" in each for each in found.values())
    assert context(session, text.replace("|", "fin|")) == found, "stable while typing"


def test_the_file_on_disk_does_not_leak(session: Session) -> None:
    found = context(session, "from shop.app import SECRET_ON_DISK\nfrom .prices import TAX\n\nx = |")
    assert not any("SECRET_ON_DISK" in text for text in found.values())


def test_the_budget_goes_to_what_the_function_uses(root: Path, session: Session) -> None:
    names = [f"function_with_quite_a_long_name_{number}" for number in range(40)]
    (root / "shop" / "many.py").write_text("".join(f"def {name}(a, b=1): ...\n" for name in names))
    session.refresh([root / "shop" / "many.py"])
    head = "from shop.many import " + ", ".join(names) + "\n\n"
    unused = context(session, head + "def f():\n    x = |")
    assert not unused["shop/many.py"].startswith(f"def {names[30]}(")
    found = context(session, head + f"def f():\n    {names[30]}(1)\n    x = |")
    assert found["shop/many.py"].startswith(f"def {names[30]}(a, b=1): ...\n")
    assert len(found["shop/many.py"]) <= BUDGET + EXCERPTS * EXCERPT
    assert context(session, head + f"def f():\n    {names[30]}(1)\n    x = y|") == found, (
        "stable while typing"
    )


# Ghost text.


@pytest.fixture
def _weights(language_model_weights: Path) -> Path:
    return language_model_weights


@pytest.mark.usefixtures("_weights")
def test_the_rest_of_the_line(session: Session) -> None:
    above = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return a - b\n\n\n"
    suggestion = Buffer(session, above + "def multiply(a, b):\n    return |\n").suggest()
    assert suggestion.completion == "a * b"
    assert suggestion.shown
    assert suggestion.confidence >= SHOWN_CONFIDENCE
    assert 0 < suggestion.first_token_ms <= suggestion.total_ms
    assert suggestion.tokens >= 3
    assert suggestion.layers_run > 0
    windows = Buffer(session, "def add(a, b):\r\n    return |\r\n").suggest()
    assert windows.completion == "a + b"


@pytest.mark.usefixtures("_weights")
@pytest.mark.parametrize(
    "text",
    [
        "def add(a, b):\n    # return |\n",
        'def add(a, b):\n    """Return |"""\n',
        "def add(a, b):\n    return | - c\n",
        "def add(a, b):\n    |\n    return a + b\n",
    ],
)
def test_what_is_better_not_shown(session: Session, text: str) -> None:
    assert not Buffer(session, text).suggest().shown


@pytest.mark.usefixtures("_weights")
def test_only_closers_behind_the_cursor_are_no_hindrance(session: Session) -> None:
    text = "import os\n\n\ndef join(a, b):\n    return os.path.join(|)\n"
    suggestion = Buffer(session, text).suggest()
    assert suggestion.completion == "a, b"
    assert suggestion.shown is (suggestion.confidence >= SHOWN_CONFIDENCE)


def test_nothing_is_computed_where_the_editor_asks_in_vain(root: Path, tmp_path: Path) -> None:
    with Session(root, settings=Settings(cache=tmp_path)) as session:
        assert Buffer(session, "# a comment |\n").suggest(automatic=True).completion == ""
        assert Buffer(session, "x = | + 1\n").suggest(automatic=True).completion == ""
        assert session.inference.status()["running"] is False


def test_without_weights_the_rest_works_and_says_so(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TYPEWRIGHT_CACHE", str(tmp_path))
    with Session(root) as session:
        suggestion = Buffer(session, "def add(a, b):\n    return |\n").suggest()
        assert (suggestion.completion, suggestion.shown) == ("", False)
        assert any("typewright models pull smollm2-135m" in notice for notice in session.notices)
        assert "add" in Buffer(session, "def add(a, b):\n    return a|\n").items()


def test_guesses_can_be_switched_off(root: Path, tmp_path: Path) -> None:
    with Session(root, settings=Settings(cache=tmp_path, neural=False)) as session:
        assert Buffer(session, "def add(a, b):\n    return |\n").suggest().completion == ""
        assert not [notice for notice in session.notices if "pull" in notice]


@pytest.mark.usefixtures("_weights")
def test_a_deadline_gives_nothing_rather_than_something_late(session: Session) -> None:
    assert Buffer(session, "def add(a, b):\n    return |\n").suggest(deadline=0.0).completion == ""
    assert Buffer(session, "def add(a, b):\n    return |\n").suggest().completion == "a + b"
