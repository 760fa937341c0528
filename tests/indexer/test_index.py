"""The index of a workspace: updates, snapshots, bad input."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, StorageError, TypewrightError, UnreadableSource
from typewright.indexer.index import Index

FILES = {
    "pyproject.toml": "[tool.setuptools]\npackage-dir = {'' = 'src'}\n",
    "src/shop/__init__.py": '"""A shop."""\nfrom .cart import Cart\n',
    "src/shop/cart.py": "class Cart:\n    def total(self) -> int:\n        return sum(self.items)\n",
    "src/shop/till.py": "from shop import Cart\n\n\ndef charge(cart: Cart):\n    return cart.total()\n",
    "notes.ipynb": '{"cells": [{"cell_type": "code", "source": "import shop\\nprice = 3"}]}',
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def index(root: Path, tmp_path: Path) -> Iterator[Index]:
    index = Index.open(root, cache=tmp_path / "cache")
    yield index
    index.close()


def names(index: Index, query: str) -> list[str]:
    return [symbol.qualified_name for _, symbol in index.snapshot().find_symbols(query)]


def relative(index: Index, paths: object) -> list[str]:
    return [path.relative_to(index.root).as_posix() for path in paths]  # type: ignore[attr-defined]


def test_a_first_update_reads_everything_and_a_second_nothing(index: Index) -> None:
    stages: list[tuple[str, int, int]] = []
    first = index.update(progress=lambda *each: stages.append(each))
    second = index.update()
    assert (first.files, first.indexed, first.removed) == (4, 4, 0)
    assert (second.files, second.indexed, second.unchanged, second.symbols) == (4, 0, 4, first.symbols)
    assert stages[0] == ("files", 0, 4)
    assert stages[-1] == ("files", 4, 4)


def test_a_snapshot_answers(index: Index) -> None:
    index.update()
    snapshot = index.snapshot()
    cart = index.root / "src/shop/cart.py"
    assert relative(index, snapshot.files()) == ["notes.ipynb", *list(FILES)[1:4]]
    assert snapshot.module_name(cart) == "shop.cart"
    assert snapshot.source_roots[0] == index.root / "src"
    assert relative(index, snapshot.files_using("total")) == ["src/shop/cart.py", "src/shop/till.py"]
    assert snapshot.files_using("tot") == []
    assert names(index, "cart") == ["shop.cart.Cart"]
    assert names(index, "Cart.total") == ["shop.cart.Cart.total"]
    assert names(index, "chg") == ["shop.till.charge"]
    assert names(index, "price") == ["notes.price"]
    assert names(index, "%") == names(index, "_") == []
    found = snapshot.find_module("shop.cart")
    assert found is not None and found.path == cart
    assert list(snapshot.submodules("shop")) == ["cart", "till"]
    assert snapshot.text(index.root / "notes.ipynb") == "import shop\nprice = 3\n"
    assert [each.name for each in snapshot.outline(cart).symbols] == ["Cart", "total"]


def test_imports_are_found_by_the_name_they_bind(index: Index) -> None:
    till, new = index.root / "src/shop/till.py", index.root / "src/shop/new.py"
    index.update()
    package = (index.root / "src/shop/__init__.py", "shop.cart", "Cart")
    assert index.snapshot().imports_of("Cart") == [package, (till, "shop", "Cart")]
    assert index.snapshot().imports_of("Ca") == []
    text = "import os.path\nimport shop.cart as wagon\nfrom . import till as desk\nfrom shop import *\n"
    snapshot = index.snapshot({till: "", new: text})
    assert snapshot.imports_of("Cart") == [package]
    assert snapshot.imports_of("os") == [(new, "os.path", "")]
    assert snapshot.imports_of("wagon") == [(new, "shop.cart", "")]
    assert snapshot.imports_of("desk") == [(new, "shop", "till")]


def test_what_modules_define_is_found_by_its_beginning(index: Index) -> None:
    index.update()
    new = index.root / "src/shop/new.py"
    snapshot = index.snapshot({new: "class Case:\n    def Cage(self): ...\n"})
    assert [(path.name, each.name) for path, each in snapshot.top_level_symbols("Ca")] == [
        ("cart.py", "Cart"),
        ("new.py", "Case"),
    ]
    assert [each.name for _, each in snapshot.top_level_symbols("Ca", limit=1)] == ["Cart"]
    assert snapshot.top_level_symbols("total") == snapshot.top_level_symbols("%") == []


def test_open_buffers_hide_files(index: Index) -> None:
    index.update()
    till, new = index.root / "src/shop/till.py", index.root / "src/shop/new.py"
    snapshot = index.snapshot({till: "def refund(): ...\n", new: "def fresh(): total\n"})
    assert new in snapshot.files()
    assert snapshot.text(till) == "def refund(): ...\n"
    assert relative(index, snapshot.files_using("total")) == ["src/shop/cart.py", "src/shop/new.py"]
    assert [symbol.name for _, symbol in snapshot.find_symbols("r")] == ["refund", "price", "Cart", "fresh"]
    assert names(index, "refund") == []
    assert snapshot.syntax(till) is index.snapshot({till: "def refund(): ...\n"}).syntax(till)


def test_the_names_of_an_open_buffer_follow_its_text(index: Index) -> None:
    index.update()
    path = index.root / "src/shop/new.py"
    first, second = index.snapshot({path: "alpha\n"}), index.snapshot({path: "beta\n"})
    for snapshot, name, other in ((first, "alpha", "beta"), (second, "beta", "alpha")) * 2:
        assert snapshot.files_using(name) == [path]
        assert snapshot.files_using(other) == []


def test_a_snapshot_does_not_change_when_a_file_does(index: Index) -> None:
    index.update()
    path = index.root / "src/shop/cart.py"
    snapshot = index.snapshot()
    before = snapshot.text(path)
    path.write_text("changed = 1\n")
    assert snapshot.text(path) == before
    assert index.snapshot().text(path) == "changed = 1\n"


@pytest.mark.parametrize("given", [True, False])
def test_changed_new_and_deleted_files(index: Index, given: bool) -> None:
    index.update()
    cart, till, new = (index.root / "src/shop" / name for name in ("cart.py", "till.py", "new.py"))
    cart.write_text("class Basket: ...\n")
    new.write_text("def added(): ...\n")
    till.unlink()
    report = index.update([cart, till, new] if given else None)
    assert (report.indexed, report.removed, report.files) == (2, 1, 4)
    assert names(index, "Cart") == names(index, "charge") == []
    assert names(index, "Basket") == ["shop.cart.Basket"]
    assert names(index, "added") == ["shop.new.added"]
    assert index.snapshot().find_module("shop.till") is None
    assert index.snapshot().find_module("shop.new") is not None


def test_equal_text_with_another_time_is_not_read_again(index: Index) -> None:
    index.update()
    path = index.root / "src/shop/cart.py"
    os.utime(path, (1, 1))
    assert index.update().indexed == 0
    os.utime(path, (1, 1))
    assert index.update([path]).unchanged == 1


def test_a_folder_that_is_renamed_or_deleted(index: Index) -> None:
    index.update()
    (index.root / "src/shop").rename(index.root / "src/store")
    report = index.update([index.root / "src/shop", index.root / "src/store"])
    assert (report.indexed, report.removed) == (3, 3)
    assert names(index, "Cart") == ["store.cart.Cart"]
    shutil.rmtree(index.root / "src/store")
    assert index.update([index.root / "src/store"]).removed == 3


def test_what_is_ignored_stays_out_when_it_is_saved(index: Index) -> None:
    index.update()
    (index.root / ".gitignore").write_text("till.py\nsecret.py\n")
    report = index.update([index.root / ".gitignore"])
    assert (report.removed, report.files) == (1, 3)
    (index.root / "secret.py").write_text("x = 1\n")
    report = index.update([index.root / "secret.py"])
    assert [each.reason for each in report.skipped] == ["ignored by .gitignore"]
    assert names(index, "x") == []


def test_another_layout_renames_modules(index: Index) -> None:
    index.update()
    (index.root / "pyproject.toml").write_text("[tool.setuptools]\npackage-dir = {'market' = 'src/shop'}\n")
    index.update([index.root / "pyproject.toml"])
    assert names(index, "Cart") == ["market.cart.Cart"]
    assert index.snapshot().find_module("market.cart") is not None


def test_a_cancelled_update_keeps_what_it_had(index: Index) -> None:
    for number in range(150):
        (index.root / f"m{number}.py").write_text(f"name_{number} = 1\n")
    token = CancelToken()

    def progress(_stage: str, done: int, _total: int) -> None:
        if done == 100:
            token.cancel()

    with pytest.raises(Cancelled):
        index.update(progress=progress, cancel=token)
    kept = len(index.snapshot().files())
    assert 0 < kept < 150
    report = index.update()
    assert (report.files, report.indexed + kept) == (154, 154)


def test_updates_and_questions_from_many_threads(index: Index) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                path = index.root / f"thread_{number}.py"
                path.write_text(f"value_{number} = {turn}\n")
                index.update([path])
                snapshot = index.snapshot({path: f"open_{number} = 1\n"})
                assert path in snapshot.files_using(f"open_{number}")
                assert snapshot.find_symbols(f"open_{number}")
        except BaseException as error:  # noqa: BLE001 - whatever a thread dies of is shown below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(names(index, "value_")) == 6


def test_files_that_cannot_be_read_are_listed(index: Index) -> None:
    (index.root / "binary.py").write_bytes(b"\x7fELF\0\0")
    (index.root / "bad.ipynb").write_text("not json")
    (index.root / "latin.py").write_bytes(b"name = '\xe9'\n")
    (index.root / "broken.py").write_text("def half(a,\nclass Whole: pass\n")
    report = index.update()
    assert sorted(each.path.name for each in report.skipped) == ["bad.ipynb", "binary.py"]
    assert names(index, "half") == ["broken.half"]
    assert names(index, "Whole") == ["broken.Whole"]
    assert index.update().skipped == report.skipped
    with pytest.raises(UnreadableSource, match="binary"):
        index.snapshot().text(index.root / "binary.py")


def test_a_file_that_turns_binary_is_forgotten(index: Index) -> None:
    index.update()
    (index.root / "src/shop/cart.py").write_bytes(b"\0")
    report = index.update([index.root / "src/shop/cart.py"])
    assert (report.removed, names(index, "Cart")) == (1, [])


def test_missing_empty_and_single_roots(tmp_path: Path) -> None:
    with pytest.raises(TypewrightError, match="no such file or folder"):
        Index.open(tmp_path / "missing", cache=tmp_path / "cache")
    (tmp_path / "empty").mkdir()
    index = Index.open(tmp_path / "empty", cache=tmp_path / "cache")
    assert (index.update().files, index.snapshot().files(), names(index, "x")) == (0, (), [])
    (tmp_path / "one.py").write_text("x = 1\n")
    (tmp_path / "two.py").write_text("x = 1\n")
    index = Index.open(tmp_path / "one.py", cache=tmp_path / "cache")
    assert index.update().files == 1
    assert names(index, "x") == ["one.x"]


def test_a_damaged_database_is_rebuilt(root: Path, tmp_path: Path) -> None:
    index = Index.open(root, cache=tmp_path / "cache")
    index.update()
    index.close()
    (index.folder / "workspace.db").write_bytes(b"garbage" * 1000)
    index = Index.open(root, cache=tmp_path / "cache")
    assert index.notices == ["The index workspace.db was damaged and is rebuilt."]
    assert index.update().indexed == 4


def test_a_cache_that_cannot_be_written_means_memory(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    index = Index.open(root, cache=tmp_path / "file")
    assert "in memory" in index.notices[0]
    assert index.update().indexed == 4
    assert names(index, "charge") == ["shop.till.charge"]


def test_a_full_disk_keeps_the_former_state(index: Index) -> None:
    index.update()
    index._database.read("PRAGMA max_page_count = 1")
    (index.root / "large.py").write_text("\n".join(f"name_{number} = {number}" for number in range(20_000)))
    with pytest.raises(StorageError, match="no space left"):
        index.update()
    assert names(index, "charge") == ["shop.till.charge"]
    assert names(index, "name_") == []


def test_links_to_the_root_name_the_same_files(index: Index, tmp_path: Path) -> None:
    index.update()
    (tmp_path / "link").symlink_to(index.root)
    path = tmp_path / "link" / "src" / "shop" / "till.py"
    snapshot = index.snapshot({path: "x = 1\n"})
    assert snapshot.text(index.root / "src/shop/till.py") == "x = 1\n"
    assert snapshot.module_name(path) == "shop.till"
    assert index.update([path]).unchanged == 1
