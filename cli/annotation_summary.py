"""What `annotate` says at its end: what was written, what was left and why, and who had the last word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from typewright.cli.output import count, table

if TYPE_CHECKING:
    from typewright.assist.annotate import AnnotatedFile

_BANDS = ((0.95, "0.95 and more"), (0.9, "0.90 to 0.95"), (0.8, "0.80 to 0.90"), (0.0, "below 0.80"))
_EXAMPLES = 5


def summary(files: Collection[AnnotatedFile], *, written: bool) -> str:
    """Return the summary, a few lines."""
    slots = [slot for file in files for slot in file.slots]
    taken_back = [(file, *found) for file in files for found in file.taken_back]
    changed = sum(file.changed for file in files)
    lines = []
    if slots:
        done = "written to" if written else "proposed for"
        hint = "" if written else "; --write writes them"
        lines.append(f"{count(len(slots), 'annotation')} {done} {count(changed, 'file')}{hint}")
        lines.append(table(_by_source(files), indent="  "))
    else:
        lines.append("nothing to annotate: no open slot is sure enough")
    left: Counter[str] = Counter()
    for file in files:
        left.update(file.left)
    reasons = {**left, "taken back": len(taken_back)}
    told = [f"{number:,} {reason}" for reason, number in reasons.items() if number]
    if told:
        lines.append(f"left open: {', '.join(told)}")
    reported = Counter(reason for _, _, reason in taken_back)
    for reason, number in reported.most_common(_EXAMPLES):
        lines.append(f"  taken back ({number:,}): {reason}")
    checkers = next((file.checkers for file in files if file.checkers), ())
    if slots or taken_back:
        lines.append(f"the last word: {', '.join(checkers) or 'no type checker'}")
    return "\n".join(lines)


def _by_source(files: Collection[AnnotatedFile]) -> list[list[str]]:
    slots = [slot for file in files for slot in file.slots]
    sources = [name for name, _ in Counter(slot.source for slot in slots).most_common()]
    cells = Counter((slot.source, _band(slot.confidence)) for slot in slots)
    bands = [name for _, name in _BANDS if any(cells[source, name] for source in sources)]
    rows = [["confidence", *sources]]
    rows += [[band, *(f"{cells[source, band]:,}" for source in sources)] for band in bands]
    return rows


def _band(confidence: float) -> str:
    return next(name for least, name in _BANDS if confidence >= least)
