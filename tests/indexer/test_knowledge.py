"""APIs of the workspace and its libraries, documents, vectors and examples, through the index."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError
from typewright.indexer.index import Index

SITE = ".venv/lib/python3.11/site-packages"
FILES = {
    ".venv/pyvenv.cfg": "home = /nowhere\nversion = 3.11.4\n",
    f"{SITE}/kettle/__init__.py": '"""Boil water."""\nfrom ._core import boil\n',
    f"{SITE}/kettle/_core.py": 'def boil(litres: float) -> str:\n    """Heat water until it bubbles."""\n',
    f"{SITE}/kettle-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: kettle\nVersion: 1.0\n",
    f"{SITE}/kettle-1.0.dist-info/RECORD": "kettle/__init__.py,,\nkettle/_core.py,,\n",
    "tea/__init__.py": "from .pot import Pot\nfrom .leaves import *\n",
    "tea/pot.py": (
        '"""Pots."""\nimport kettle\n\n\nclass Pot:\n    """A vessel for tea."""\n\n'
        '    def __init__(self, size: int = 2, *, lid=True):\n        """Make it.\n\n        Args:\n'
        '            size: How many cups.\n        """\n\n'
        "    def fill(self, cups: int, /, hot: bool = True) -> None:\n"
        '        """Pour water in."""\n        kettle.boil(cups)\n'
        "        self._count = kettle.boil(\n            2,\n        )\n"
    ),
    "tea/leaves.py": "def pluck(garden): ...\ndef _hidden(): ...\n",
    "serve.py": "from tea import Pot\n\n\ndef serve():\n    pot = Pot(3)\n    pot.fill(2)\n    return pot\n",
    "tests/test_tea.py": "from tea import Pot\n\ndef test_pot(): Pot().fill(1)\n",
    "docs/guide.md": "# Brewing\n\nFirst `kettle.boil` the water.\n\n```python\nkettle.boil(1)\n```\n",
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    index = Index.open(tmp_path / "project", cache=tmp_path / "cache")
    index.update()
    yield index
    index.close()


def found(index: Index, query: str) -> list[str]:
    hits = index.snapshot().search_words(query, limit=5)
    return [hit.api.name if hit.api else hit.section.title for hit in hits if hit.api or hit.section]  # type: ignore[union-attr]


def test_the_workspaces_own_apis_are_known(index: Index) -> None:
    snapshot = index.snapshot()
    pot, fill = snapshot.api("tea.pot.Pot"), snapshot.api("tea.pot.Pot.fill")
    assert pot is not None and fill is not None
    assert (pot.kind, pot.signature, pot.summary) == (
        "class",
        "Pot(size: int=2, *, lid=True)",
        "A vessel for tea.",
    )
    assert [(each.name, each.kind, each.default, each.description) for each in pot.parameters] == [
        ("size", "positional or keyword", "2", "How many cups."),
        ("lid", "keyword-only", "True", ""),
    ]
    assert (fill.signature, fill.returns) == ("fill(cups: int, /, hot: bool=True) -> None", "None")
    assert (pot.distribution, pot.path, pot.line) == ("", index.root / "tea/pot.py", 5)
    assert snapshot.api("tea.leaves._hidden") is None
    assert snapshot.api("tests.test_tea.test_pot") is None
    assert found(index, "vessel for tea")[0] == "tea.pot.Pot"


def test_what_packages_import_from_their_modules_is_an_alias(index: Index) -> None:
    snapshot = index.snapshot()
    for alias, name in [("tea.Pot", "Pot"), ("tea.Pot.fill", "Pot.fill"), ("tea.pluck", "pluck")]:
        api = snapshot.api(alias)
        assert api is not None and api.name.endswith(name)
    assert snapshot.api("tea.pot.Pot").aliases == ("tea.Pot",)  # type: ignore[union-attr]
    assert snapshot.api("tea.nothing") is None


def test_apis_are_found_by_their_last_name(index: Index) -> None:
    index.add_libraries(["kettle"])
    snapshot = index.snapshot()
    assert [api.name for api in snapshot.apis_named("boil")] == ["kettle.boil"]
    assert snapshot.apis_named("boil")[0].popularity == 2
    assert [api.name for api in snapshot.apis_named("fill")] == ["tea.pot.Pot.fill"]
    assert snapshot.apis_named("boi") == []


def test_own_apis_change_with_their_file(index: Index) -> None:
    (index.root / "tea/pot.py").write_text('def steep():\n    """Let tea rest in a vessel."""\n')
    (index.root / "tea/leaves.py").unlink()
    index.update()
    assert index.snapshot().api("tea.pot.Pot") is None
    assert index.snapshot().api("tea.leaves.pluck") is None
    assert found(index, "vessel for tea")[0] == "tea.pot.steep"


def test_a_library_is_read_once_a_version(index: Index) -> None:
    first = index.add_libraries(["kettle"])
    assert [each[:2] for each in first.read] == [("kettle", "1.0")]
    boil = index.snapshot().api("kettle.boil")
    assert boil is not None and (boil.distribution, boil.version, boil.popularity) == ("kettle", "1.0", 2)
    assert index.add_libraries(["kettle"]).unchanged == ("kettle",)
    site = index.root / SITE
    (site / "kettle-1.0.dist-info").rename(site / "kettle-2.0.dist-info")
    (site / "kettle-2.0.dist-info/METADATA").write_text("Name: kettle\nVersion: 2.0\n")
    assert index.add_libraries(["kettle"]).read[0][:2] == ("kettle", "2.0")
    assert found(index, "until it bubbles")[0] == "kettle.boil"


def test_another_workspace_shares_the_environments_libraries(index: Index, tmp_path: Path) -> None:
    index.add_libraries(["kettle"])
    other = tmp_path / "other"
    other.mkdir()
    second = Index.open(other, python=index.root / ".venv", cache=tmp_path / "cache")
    assert second.snapshot().api("kettle.boil") is not None
    assert second.add_libraries(["kettle"]).read == ()
    second.close()


def test_what_is_not_installed_is_one_error(index: Index) -> None:
    with pytest.raises(TypewrightError, match="teapot: no such library"):
        index.add_libraries(["teapot"])


def test_a_cancelled_library_is_not_half_there(index: Index) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        index.add_libraries(["kettle"], cancel=token)
    assert index.snapshot().api("kettle.boil") is None
    assert index.add_libraries(["kettle"]).read


def test_documents_are_searched_and_give_examples(index: Index) -> None:
    index.add_libraries(["kettle"])
    report = index.add_documents([index.root / "docs"])
    assert (report.documents, report.sections) == (1, 1)
    assert "Brewing" in found(index, "brewing")
    assert "kettle.boil(1)" in [each.code for each in index.snapshot().examples("kettle.boil", limit=5)]
    (index.root / "docs/guide.md").unlink()
    index.add_documents([index.root / "docs"])
    assert "Brewing" not in found(index, "brewing")
    with pytest.raises(TypewrightError, match="no such file"):
        index.add_documents([index.root / "missing.md"])


def test_examples_are_real_call_sites(index: Index) -> None:
    index.add_libraries(["kettle"])
    snapshot = index.snapshot()
    boiled = snapshot.examples("kettle.boil", limit=2)
    assert [each.code for each in boiled] == ["kettle.boil(cups)", "self._count = kettle.boil(\n    2,\n)"]
    assert (boiled[0].path, boiled[0].line) == (index.root / "tea/pot.py", 17)
    poured = snapshot.examples("tea.Pot.fill", limit=2)
    assert [(each.code, each.path.name) for each in poured] == [
        ("pot.fill(2)", "serve.py"),
        ("def test_pot(): Pot().fill(1)", "test_tea.py"),
    ]
    assert snapshot.examples("nobody.uses.this") == []


def test_vectors_are_made_once_and_searched(index: Index) -> None:
    index.add_libraries(["kettle"])
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        vectors = np.zeros((len(texts), 384), np.float32)
        vectors[:, 0], vectors[:, 1] = (
            ["bubbles" in text for text in texts],
            ["bubbles" not in text for text in texts],
        )
        return vectors

    stages: list[tuple[str, int, int]] = []
    made = index.embed(embed, progress=lambda *each: stages.append(each))
    assert made == len(asked) > 2
    assert stages[-1] == ("vectors", made, made)
    assert index.embed(embed) == 0
    query = np.zeros(384, np.float32)
    query[0] = 1.0
    best = index.snapshot().search_vector(query, limit=1)[0]
    assert best.api is not None and best.api.name == "kettle.boil"
    assert best.score == pytest.approx(1.0, abs=1e-3)


def test_reports_say_what_was_done(index: Index) -> None:
    assert str(index.update()).startswith("files: 5 with ")
    assert str(index.add_libraries(["kettle"])).startswith("libraries: 1 libraries read (")
    assert str(index.add_documents([index.root / "docs"])).startswith("documents: 1 read, 1 sections")
