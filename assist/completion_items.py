"""Completion items: the names that may stand at a place, the likeliest first. Static: needs no model."""

from __future__ import annotations

import keyword
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.analysis import cursor
from typewright.assist.imports import import_edits
from typewright.indexer.cancellation import NEVER, CancelToken

if TYPE_CHECKING:
    from typewright.analysis.cursor import Cursor
    from typewright.analysis.queries import Analysis, Member
    from typewright.assist.edits import TextEdit
    from typewright.assist.session import Session

ItemKind = Literal["module", "class", "function", "method", "property", "variable", "attribute", "keyword"]

LIMIT = 500  # items of a list
IMPORTS = 8  # names offered together with their import
IMPORT_LENGTH = 3  # characters typed before such names are looked for
SCOPE_STEP = 1.0  # how much a name loses with each scope outwards, against the logarithm of its uses

_NAME_AT_START = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to choose. `import_edit` are the edits that import it; `sort_text` orders the list."""

    label: str
    kind: ItemKind
    detail: str
    documentation: str
    insert_text: str
    sort_text: str
    import_edit: tuple[TextEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class CompletionList:
    """Items, the likeliest first. `complete` False: more typing may bring others."""

    items: tuple[Item, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class _Scored:
    """An item before it has a place; the higher score goes first."""

    score: float
    name: str
    kind: ItemKind
    detail: str = ""
    documentation: str = ""
    insert: str = ""
    edits: tuple[TextEdit, ...] = ()


def items(
    session: Session,
    path: Path,
    line: int,
    column: int,
    *,
    overlay: Mapping[Path, str] | None = None,
    cancel: CancelToken = NEVER,
) -> CompletionList:
    """Return what may stand at a position: members behind a dot, importable names, arguments, names in scope.

    Members and names are ordered by how often the file uses them, how near their scope is and how public
    they are. Raises `Cancelled`, `UnreadableSource`.
    """
    analysis = session.analysis(overlay, cancel=cancel)
    snapshot = session.snapshot(overlay, cancel=cancel)
    syntax = snapshot.syntax(path)
    at = cursor.at(syntax.text, syntax.offset(line, column))
    if at is None or (at.before and at.before[-1].kind in ("number", "string")):
        return CompletionList((), complete=True)
    uses = Counter(usage.name for usage in snapshot.outline(path).usages)
    members = analysis.members_at(path, line, column, cancel)
    if members is not None:
        scored = [_scored(member, uses, _inherited(member)) for member in members.members]
        return _listed(scored, at.word, complete=True)
    if at.before and at.before[-1].kind == "dot":
        return CompletionList((), complete=True)  # of what nothing is known
    found = list(_arguments(analysis, at, path, line, column, cancel))
    names = analysis.names_at(path, line, column, cancel)
    found += _names(names, uses, at.word)
    found += [
        _Scored(-3.0, word, "keyword") for word in keyword.kwlist if at.word and word.startswith(at.word)
    ]
    if len(at.word) >= IMPORT_LENGTH:
        taken = {member.name for member in names}
        found += _imports(session, path, at.word, taken, overlay, cancel)
    return _listed(found, at.word, complete=len(at.word) >= IMPORT_LENGTH)


def _scored(member: Member, uses: Counter[str], step: float) -> _Scored:
    # The word at the cursor is no use of its name.
    score = math.log1p(uses[member.name]) - SCOPE_STEP * step - _privacy(member.name)
    return _Scored(score, member.name, member.kind, member.detail, member.documentation)


def _privacy(name: str) -> float:
    if name.startswith("__") and name.endswith("__"):
        return 8.0
    return 4.0 if name.startswith("_") else 0.0


def _inherited(member: Member) -> float:
    return 6.0 if member.owner in ("object", "builtins.object", "type", "builtins.type") else 0.0


def _names(names: Sequence[Member], uses: Counter[str], word: str) -> Iterator[_Scored]:
    """Names come from the innermost scope outwards: each new owner is a step further away."""
    steps: dict[str, int] = {}
    for member in names:
        step = steps.setdefault(member.owner, len(steps))
        if member.name != word or uses[member.name] > 1:  # not what is being typed
            yield _scored(member, uses, 4.0 if member.owner == "builtins" else min(step, 3))


def _arguments(
    analysis: Analysis, at: Cursor, path: Path, line: int, column: int, cancel: CancelToken
) -> Iterator[_Scored]:
    """The keyword arguments of the call that the cursor stands in, where an argument begins."""
    if not at.before or at.before[-1].text not in ("(", ","):
        return
    innermost = at.tokens[at.brackets[-1]] if at.brackets else None
    call = analysis.call_at(path, line, column, cancel)
    if call is None or innermost is None or innermost.text != "(":
        return
    given = {match[1] for match in map(_NAME_AT_START.match, at.arguments(innermost)) if match}
    signature = call.signatures[call.active_signature]
    labels = signature.parameters
    positional = labels.index("/") + 1 if "/" in labels else 0
    for place, label in enumerate(labels[positional:]):
        name = re.split(r"[:=]", label)[0].strip()
        if name.isidentifier() and name not in given and name not in ("self", "cls"):
            yield _Scored(6.0 - place / 100, f"{name}=", "variable", label, "", f"{name}=")


def _imports(
    session: Session,
    path: Path,
    word: str,
    taken: set[str],
    overlay: Mapping[Path, str] | None,
    cancel: CancelToken,
) -> Iterator[_Scored]:
    """Symbols of the workspace that begin with the word, each with the edits that import it."""
    snapshot = session.snapshot(overlay, cancel=cancel)
    names: dict[str, ItemKind] = {}
    for where, symbol in snapshot.top_level_symbols(word):
        if where != path and symbol.name not in taken:
            names.setdefault(symbol.name, symbol.kind)
    for name in sorted(names, key=lambda name: (len(name), name))[:IMPORTS]:
        cancel.check()
        for choice in import_edits(session, path, name, overlay=overlay, cancel=cancel)[:1]:
            yield _Scored(-4.0, name, names[name], choice.statement, "", name, tuple(choice.edits))


def _listed(found: Sequence[_Scored], word: str, *, complete: bool) -> CompletionList:
    """Put the items in order: those that continue the word first, then by score, then by name."""
    lower = word.lower()

    def order(item: _Scored) -> tuple[bool, float, str]:
        return not item.name.lower().startswith(lower), -item.score, item.name

    unique: dict[str, _Scored] = {}
    for item in sorted(found, key=order):
        unique.setdefault(item.name, item)
    chosen = list(unique.values())[:LIMIT]
    listed = tuple(
        Item(
            label=item.name,
            kind=item.kind,
            detail=item.detail,
            documentation=item.documentation,
            insert_text=item.insert or item.name,
            sort_text=f"{place:04d}",
            import_edit=item.edits,
        )
        for place, item in enumerate(chosen)
    )
    return CompletionList(listed, complete=complete and len(unique) <= LIMIT)
