"""Parameters of tests and fixtures that pytest fills."""

from __future__ import annotations

from pathlib import Path

from typewright.analysis.queries import Analysis
from typewright.analysis.types import render
from typewright.indexer.index import Index

FILES = {
    "conftest.py": """
import pytest
@pytest.fixture
def base(): return 1
@pytest.fixture(scope="module")
def opened(base):
    yield [base]
@pytest.fixture
async def later(): return b"x"
""",
    "plugin.py": """
from pytest import fixture
class Clock: ...
@fixture
def clock(): return Clock()
def helper(): return 1
""",
    "tests/conftest.py": """
import pytest
@pytest.fixture
def near(): return "near"
""",
    "tests/test_it.py": """
import pytest
@pytest.fixture
def base(base): return str(base)
def test_one(base, opened, later, clock, near, helper, tmp_path, unheard): ...
def other(near): ...
class TestMore:
    def test_two(self, near): ...
""",
}


def test_fixtures_fill_parameters(tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    index = Index.open(tmp_path, cache=tmp_path / "cache")
    index.update()
    analysis = Analysis(index.snapshot())
    found = {
        (path.parent.name if path.stem == "conftest" else path.stem, slot.function, slot.name): render(
            slot.inferred.type
        )
        for path in (tmp_path / "conftest.py", tmp_path / "tests" / "test_it.py")
        for slot in analysis.slots(path)
        if slot.kind == "param"
    }
    index.close()
    assert found == {
        (tmp_path.name, "opened", "base"): "int",
        ("test_it", "base", "base"): "int",
        ("test_it", "test_one", "base"): "str",
        ("test_it", "test_one", "opened"): "list[int]",
        ("test_it", "test_one", "later"): "bytes",
        ("test_it", "test_one", "clock"): "Clock",
        ("test_it", "test_one", "near"): "str",
        ("test_it", "test_one", "helper"): "Unknown",
        ("test_it", "test_one", "tmp_path"): "Path",
        ("test_it", "test_one", "unheard"): "Unknown",
        ("test_it", "other", "near"): "Unknown",
        ("test_it", "TestMore.test_two", "near"): "str",
    }
