"""Which names a file has for its annotations."""

from __future__ import annotations

from typewright.assist.sight import sight, size
from typewright.indexer.syntax import parse

SOURCE = """
from __future__ import annotations
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from .other import Thing

Pair = tuple
class Own: pass

def f(a, b: 'list[PurePath]'): return Path(os.name)
"""


def test_names_stand_to_a_file_in_one_of_four_ways() -> None:
    seen = sight(parse(SOURCE), is_package=False)
    assert seen.waiting
    assert seen.standings("Iterator[Thing] | Mapping[str, int]") == {"silent": 3}
    assert seen.standings("dict[Own, Pair | Path | PurePath | os.PathLike[str]]") == {"own": 2, "used": 3}
    assert seen.standings("'Sequence[Own]' | None") == {"absent": 1, "own": 1}
    assert seen.standings("list[int] | None") == {}
    assert seen.standings("not a type") == {}


def test_what_a_package_imports_and_does_not_use_it_exports() -> None:
    text = "from .other import Thing\nfrom typing import Sequence\ndef f(): ...\n"
    seen = sight(parse(text), is_package=True)
    assert seen.standings("Thing") == {"used": 1}
    assert seen.standings("Sequence") == {"silent": 1}
    assert not sight(parse("def f(): ...\n"), is_package=False).waiting


def test_the_size_counts_names() -> None:
    assert size("int") == 1
    assert size("dict[str, list['Thing']] | None") == 4
