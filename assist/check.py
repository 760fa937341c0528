"""APIs that do not exist, each with the nearest real ones as text edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from typewright.assist.edits import TextEdit
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import UnreadableSource
from typewright.indexer.source import Span

if TYPE_CHECKING:
    from typewright.analysis.absent import Absent
    from typewright.analysis.evidence import Evidence
    from typewright.assist.session import Session

Severity = Literal["error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Finding:
    """An API that does not exist; `replacements` write the nearest real names, `candidates`, in its place."""

    kind: Literal["member", "import", "module", "keyword"]
    name: str
    receiver: str
    path: Path
    span: Span
    candidates: tuple[str, ...]
    evidence: Evidence
    confidence: float
    message: str
    severity: Severity
    replacements: tuple[TextEdit, ...]


def check(
    session: Session,
    paths: Sequence[Path],
    *,
    overlay: Mapping[Path, str] | None = None,
    cancel: CancelToken = NEVER,
) -> Iterator[Finding]:
    """Yield what provably does not exist in each file, in source order.

    A `# typewright: ignore` comment silences its line (`ignore[member]` only findings of that kind), and
    `# typewright: ignore-file` near the top the file. A file that cannot be read becomes a notice.
    """
    analysis = session.analysis(overlay, cancel=cancel)
    for path in paths:
        cancel.check()
        try:
            found = analysis.absent(path.absolute(), cancel)
        except UnreadableSource as error:
            session.notice(str(error))
            continue
        for absent in found:
            yield _finding(absent)


def _finding(absent: Absent) -> Finding:
    return Finding(
        absent.kind,
        absent.name,
        absent.receiver,
        absent.path,
        absent.span,
        absent.candidates,
        absent.evidence,
        absent.confidence,
        message(absent),
        severity(absent.confidence),
        tuple(TextEdit(absent.span, name) for name in absent.candidates),
    )


def message(absent: Absent) -> str:
    """One sentence that says what is missing from what, and the nearest real name."""
    match absent.kind:
        case "module" if not absent.receiver:
            text = f"No module {absent.name!r} is installed here"
        case "module":
            text = f"{absent.receiver} has no module {absent.name!r}"
        case "keyword":
            text = f"{absent.receiver}() takes no keyword argument {absent.name!r}"
        case _:
            text = f"{absent.receiver} has no member {absent.name!r}"
    return f"{text}; did you mean {absent.candidates[0]!r}?" if absent.candidates else f"{text}."


def severity(confidence: float) -> Severity:
    """How loud a finding of this confidence is."""
    if confidence >= 0.9:
        return "error"
    return "warning" if confidence >= 0.7 else "information"
