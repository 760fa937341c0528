"""What the language model is told of the repository: signatures of what the file imports from its workspace.

The signatures stand before the file's text, as comments, in the order of the imports: so the beginning
of the prompt stays the same while someone types, and what the model computed for it is used again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.imports import absolute_module
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import UnreadableSource

if TYPE_CHECKING:
    from typewright.indexer.outline import Import, Symbol
    from typewright.indexer.snapshot import Snapshot

BUDGET = 800  # characters; a model on a CPU reads about 1,500 a second
MEMBERS = 8  # of a class
LINE = 160

_WORD = re.compile(r"[^\W\d]\w*")


def repository_context(snapshot: Snapshot, path: Path, prefix: str, cancel: CancelToken) -> str:
    """Return comments with the signatures of imported workspace symbols, at most `BUDGET` characters.

    Where there are too many, those that the current function has used above its last line are kept.
    """
    described: list[tuple[str, str]] = []
    for item in snapshot.outline(path).imports:
        cancel.check()
        described += _describe(snapshot, path, item)
    if sum(len(text) for _, text in described) > BUDGET:
        used = set(_WORD.findall(_current_function(prefix)))
        described = [(name, text) for name, text in described if name in used]
    kept: list[str] = []
    for _, text in described:
        if text not in kept and sum(map(len, kept)) + len(text) <= BUDGET:
            kept.append(text)
    return "".join(kept)


def _current_function(prefix: str) -> str:
    """The text from the last `def` or `class` to the end of the line above the cursor."""
    above = prefix[: prefix.rfind("\n") + 1]
    start = max(above.rfind("\ndef "), above.rfind("\nclass "), above.rfind(" def "))
    return above[max(start, 0) :]


def _describe(snapshot: Snapshot, path: Path, item: Import) -> Iterator[tuple[str, str]]:
    """Yield (the name in this file, its description)."""
    if item.name is None or item.name == "*":
        return
    module = absolute_module(snapshot, path, item.module, item.level)
    found = snapshot.find_module(module)
    if found is None or found.origin != "workspace" or found.kind == "namespace":
        return
    try:
        symbols = snapshot.outline(found.path).symbols
    except UnreadableSource:
        return
    wanted = f"{module}.{item.name}"
    for symbol in symbols:
        if symbol.qualified_name == wanted and symbol.kind in ("class", "function"):
            yield item.alias or item.name, f"# from {module}:\n" + _signature(symbol, symbols)
            return


def _signature(symbol: Symbol, symbols: Sequence[Symbol]) -> str:
    if symbol.kind == "function":
        return f"# def {symbol.signature}"[:LINE] + "\n"
    members = [
        member
        for member in symbols
        if member.qualified_name.rpartition(".")[0] == symbol.qualified_name
        and (not member.name.startswith("_") or member.name == "__init__")
    ]
    lines = [f"# class {symbol.signature}"]
    for member in members[:MEMBERS]:
        word = "def " if member.kind in ("function", "method") else ""
        lines.append(f"#     {word}{member.signature}")
    return "".join(line[:LINE] + "\n" for line in lines)
