from textwrap import dedent

from typewright.indexer.syntax import parse
from typewright.indexer.visible_types import Survey, VisibleType, visible_types


def seen(code: str) -> dict[str, VisibleType]:
    return {visible.name: visible for visible in visible_types(parse(dedent(code)))}


def test_classes_aliases_and_imports_are_seen() -> None:
    found = seen(
        """
        from typing import TYPE_CHECKING, Any, TypeVar
        from .base import Base as Root, helper
        if TYPE_CHECKING:
            from pathlib import Path
        T = TypeVar("T")
        Rows = list[int]
        LIMIT = 3
        class Table(Root, abc.ABC):
            \"\"\"A table.\"\"\"
            size: int = 0
            def __init__(self): self.rows = []
            def add(self, row): Root()
        def f(p: Path): ...
        """
    )
    assert {name: visible.origin for name, visible in found.items()} == {
        "Root": "import",
        "Path": "import",
        "T": "alias",
        "Rows": "alias",
        "Table": "class",
    }
    assert found["Table"].members == ("size", "__init__", "rows", "add")
    assert found["Table"].bases == ("Root", "ABC")
    assert found["Table"].documentation == "A table."
    assert (found["Root"].module, found["Root"].imported_name) == (".base", "Base")
    assert found["T"].bases == ("TypeVar",)


def test_names_that_only_annotations_use_are_not_spoken() -> None:
    found = seen("from a import B, C\ndef f(x: B) -> B: return C()\n")
    assert (found["B"].spoken, found["C"].spoken) == (False, True)


def test_damaged_text_gives_what_is_left() -> None:
    assert "Kept" in seen("class Kept: pass\ndef broken(:\n")


def test_survey_inherits_members_and_counts_importers_and_subclasses() -> None:
    modules = [
        "class Base:\n  def draw(self): ...\n",
        "from .a import Base\nclass Shape(Base):\n  def move(self): Base()\n",
        "from .a import Base\nfrom lib import Outside\ndef f(x: Base): Outside()\n",
    ]
    seen_by = [visible_types(parse(code)) for code in modules]
    survey = Survey(seen_by)
    shape, base = survey.definitions["Shape"], survey.definitions["Base"]
    assert shape.members == ("move", "draw")
    assert (base.importers, base.subclasses) == (2, 1)
    outside = next(visible for visible in seen_by[2] if visible.name == "Outside")
    assert survey.definition(outside) is None
    assert survey.complete(outside).importers == 1
    assert Survey(seen_by, spoken_only=True).definitions["Base"].importers == 1


def test_classes_that_inherit_from_each_other_are_surveyed() -> None:
    survey = Survey([visible_types(parse("class A(B):\n  x = 1\nclass B(A):\n  y = 1\n"))])
    assert set(survey.definitions["A"].members) == {"x", "y"}
