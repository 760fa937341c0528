"""Inlay hints: the types nobody wrote, shown where they could stand and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.placement import Placement, Site
from typewright.assist.types import SlotType, types
from typewright.indexer.cancellation import NEVER, CancelToken

if TYPE_CHECKING:
    from typewright.analysis.evidence import Evidence
    from typewright.assist.session import Session

MAXIMUM_LABEL = 60
_MAXIMUM_EVIDENCE = 5
_ORIGINS = {
    "static": "known from the code",
    "neural": "guessed by the type model",
    "hybrid": "known from the code in part, completed by the type model",
}


@dataclass(frozen=True, slots=True)
class Hint:
    """A label before the character at (`line`, `column`), 1-based, and what a tooltip says about it."""

    line: int
    column: int
    label: str
    tooltip: str
    slot: SlotType


def hints(
    session: Session,
    path: Path,
    *,
    lines: tuple[int, int] | None = None,
    overlay: Mapping[Path, str] | None = None,
    cancel: CancelToken = NEVER,
) -> Sequence[Hint]:
    """Return the hints of a file, those on `lines` (first and last, both included) where they are given.

    A parameter or return is shown where it is sure enough; a variable only where its value does not tell.
    `annotation_edits` writes a hint's slot into the code, with its import.
    """
    syntax = session.snapshot(overlay, cancel=cancel).syntax(path)
    placement = Placement(syntax)
    found: list[Hint] = []
    for slot in types(session, [path], overlay=overlay, cancel=cancel):
        if slot.confidence < session.settings.minimum_confidence or slot.annotation is None:
            continue
        site = placement.sites.get((slot.kind, slot.line, slot.col))
        if site is None or _is_obvious(site):
            continue
        edit = placement.edit(site, slot.annotation.text)
        if edit is None or (lines and not lines[0] <= edit.span.line <= lines[1]):
            continue
        label = _shortened(slot.annotation.text)
        arrow = f" -> {label}" if slot.kind == "return" else f": {label}"
        found.append(Hint(edit.span.line, edit.span.column, arrow, _tooltip(slot), slot))
    return sorted(found, key=lambda hint: (hint.line, hint.column))


def _is_obvious(site: Site) -> bool:
    """Whether the value beside a variable already says its type: a literal, a constructor, another name."""
    node = site.node
    if not isinstance(node, ast.Assign):
        return False
    if not isinstance(node.targets[0], (ast.Name, ast.Attribute)):
        return True
    value = node.value
    if isinstance(value, ast.Constant):
        return value.value is not None
    if isinstance(value, (ast.JoinedStr, ast.Lambda, ast.Name)):
        return True
    if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        return bool(value.elts)
    if isinstance(value, ast.Dict):
        return bool(value.keys)
    if isinstance(value, ast.Call):
        callee = value.func
        name = callee.id if isinstance(callee, ast.Name) else getattr(callee, "attr", "")
        return name.lstrip("_")[:1].isupper()
    return False


def _shortened(text: str) -> str:
    return text if len(text) <= MAXIMUM_LABEL else f"{text[: MAXIMUM_LABEL - 1]}…"


def _tooltip(slot: SlotType) -> str:
    """The type in full, how likely it is, and why, as Markdown."""
    assert slot.annotation is not None
    lines = [f"`{slot.annotation.text}`", f"{slot.confidence:.0%} likely: {_ORIGINS[slot.source]}"]
    reasons = [_reason(evidence) for evidence in slot.evidence[:_MAXIMUM_EVIDENCE]]
    if len(slot.evidence) > _MAXIMUM_EVIDENCE:
        reasons.append(f"- and {len(slot.evidence) - _MAXIMUM_EVIDENCE} more")
    return "\n\n".join([*lines, *(["\n".join(reasons)] if reasons else [])])


def _reason(evidence: Evidence) -> str:
    text = evidence.text.replace("`", "'")
    return f"- {evidence.kind}: `{text}` ({evidence.path.name}:{evidence.line})"
