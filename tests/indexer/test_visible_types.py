from textwrap import dedent

from typewright.indexer.syntax import parse
from typewright.indexer.visible_types import VisibleType, visible_types


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
