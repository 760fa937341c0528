"""Commands about the user's own code: types, annotate, check."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.cli.output import count, print_json, progress_bar, say, shown
from typewright.cli.workspace import workspace

if TYPE_CHECKING:
    from typewright.analysis.evidence import Evidence
    from typewright.assist.annotate import AnnotatedFile
    from typewright.assist.types import SlotType


def types(options: Namespace) -> int:
    """Print the type of every slot without an annotation."""
    from typewright.assist.types import types as infer

    with workspace(options, options.paths) as session, progress_bar() as progress:
        for slot in infer(session, session.files(options.paths), progress=progress):
            if slot.confidence < options.min_confidence:
                continue
            if options.json:
                print_json(slot_row(slot))
            else:
                name = ".".join(part for part in (slot.function, slot.name) if part) or slot.name
                where = f"{shown(slot.file)}:{slot.line}:{slot.col}"
                print(f"{where}: {slot.kind} {name}: {slot.type}  ({slot.confidence:.0%}, {slot.source})")
    return 0


def slot_row(slot: SlotType) -> dict[str, object]:
    """Return the JSON row of a slot."""
    return {
        "file": shown(slot.file),
        "line": slot.line,
        "col": slot.col,
        "kind": slot.kind,
        "function": slot.function,
        "name": slot.name,
        "type": slot.type,
        "confidence": round(slot.confidence, 4),
        "source": slot.source,
        "evidence": [evidence_row(evidence) for evidence in slot.evidence],
    }


def evidence_row(evidence: Evidence) -> dict[str, object]:
    """Return the JSON row of a piece of evidence."""
    row: dict[str, object] = {"kind": evidence.kind, "text": evidence.text}
    if evidence.path is not None:
        row |= {"file": shown(evidence.path), "line": evidence.line}
    return row


def annotate(options: Namespace) -> int:
    """Show or write annotations."""
    from typewright.assist.annotate import MINIMUM_CONFIDENCE, AnnotateOptions
    from typewright.assist.annotate import annotate as annotated
    from typewright.cli.annotation_summary import summary

    wanted = AnnotateOptions(
        select=frozenset(options.select),
        minimum_confidence=MINIMUM_CONFIDENCE if options.min_confidence is None else options.min_confidence,
        checker=options.checker,
        try_import=options.try_import,
    )
    files: dict[Path, AnnotatedFile] = {}
    with workspace(options, options.paths) as session, progress_bar() as progress:
        for file in annotated(session, session.files(options.paths), wanted, progress=progress):
            if options.write:
                file.write()
            files[file.path] = file
    for file in files.values():
        if options.json:
            print_json(_annotated_row(file))
        elif not options.write:
            print(file.diff(shown(file.path)), end="")
        if file.problem and not options.json:
            say(f"{shown(file.path)}: left as it is: {file.problem}")
    changed = sum(file.changed for file in files.values())
    if not options.json:
        say(summary(files.values(), written=options.write))
    return int(changed > 0 and not options.write and not options.json)


def _annotated_row(file: AnnotatedFile) -> dict[str, object]:
    return {
        "file": shown(file.path),
        "changed": file.changed,
        "problem": file.problem or None,
        "annotations": [slot_row(slot) for slot in file.slots],
        "taken_back": [slot_row(slot) | {"reason": reason} for slot, reason in file.taken_back],
        "left": dict(file.left),
        "checkers": list(file.checkers),
        "diff": file.diff(shown(file.path)),
    }


def check(options: Namespace) -> int:
    """Print APIs that do not exist, with the nearest real ones."""
    from typewright.assist.check import check as findings

    found = 0
    with workspace(options, options.paths) as session:
        files = session.files(options.paths)
        for finding in findings(session, files):
            found += 1
            span, where = finding.span, shown(finding.path)
            if options.json:
                print_json(
                    {
                        "file": where,
                        "line": span.line,
                        "col": span.column,
                        "end_line": span.end_line,
                        "end_col": span.end_column,
                        "kind": finding.kind,
                        "name": finding.name,
                        "receiver": finding.receiver,
                        "message": finding.message,
                        "nearest": list(finding.candidates),
                        "confidence": round(finding.confidence, 4),
                        "evidence": evidence_row(finding.evidence),
                    }
                )
            else:
                nearest = f" (nearest: {', '.join(finding.candidates)})" if finding.candidates else ""
                print(f"{where}:{span.line}:{span.column}: {finding.kind}: {finding.message}{nearest}")
    if not options.json:
        say(f"{count(found, 'finding')} in {count(len(files), 'file')}" if found else "nothing found")
    return int(found > 0)
