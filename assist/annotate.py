"""Annotations written into code: only what is sure enough, never what would change or break the code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.assist.annotation_work import (
    MINIMUM_CONFIDENCE,
    AnnotatedFile,
    AnnotateOptions,
    Work,
    readers_of,
    target_of,
)
from typewright.assist.edits import TextEdit
from typewright.assist.gate import Gate
from typewright.assist.plan import annotated_text, plan
from typewright.assist.try_import import Importer
from typewright.assist.types import SlotType
from typewright.indexer.cancellation import NEVER, CancelToken, Progress

if TYPE_CHECKING:
    from typewright.assist.session import Session

__all__ = ["MINIMUM_CONFIDENCE", "AnnotateOptions", "AnnotatedFile", "annotate", "annotation_edits"]

_EVERYTHING_SURE = AnnotateOptions()
_BATCH = 400  # files that are settled together: whoever stops a run keeps those before


def annotation_edits(
    session: Session, path: Path, slots: Sequence[SlotType], *, overlay: Mapping[Path, str] | None = None
) -> Sequence[TextEdit]:
    """Return the edits that annotate `slots` of one file, imports included; none where that is not safe."""
    snapshot = session.snapshot(overlay)
    syntax = snapshot.syntax(path)
    made = plan(syntax, target_of(snapshot, path, readers_of(snapshot)), slots)
    return made.edits if made.edits and annotated_text(syntax, made) is not None else ()


def annotate(
    session: Session,
    paths: Iterable[Path],
    options: AnnotateOptions = _EVERYTHING_SURE,
    *,
    progress: Progress | None = None,
    cancel: CancelToken = NEVER,
) -> Iterator[AnnotatedFile]:
    """Yield every file of `paths` with the annotations that are sure enough; nothing is written.

    Many files are settled in batches and then once more together: a file comes again where the others made
    more of it known. Raises TypewrightError where a path is no Python file or the checker is not installed.
    """
    work = Work(session, session.files(paths, cancel=cancel), options, progress=progress, cancel=cancel)
    batches = [work.paths[start : start + _BATCH] for start in range(0, len(work.paths), _BATCH)]
    batches += [work.paths] if len(batches) != 1 else []
    with Gate(session, options.checker, work.paths, progress=progress, cancel=cancel) as gate:
        importer = Importer(session, work.paths, cancel=cancel) if options.try_import else None
        for batch in batches:
            _settle(work, gate, batch)
            if importer is not None:
                while broken := importer.broken(work.texts()):
                    for path, reason in broken.items():
                        work.give_up(path, reason)
            yield from work.results(batch, gate.names)


def _settle(work: Work, gate: Gate, paths: Sequence[Path]) -> None:
    """Annotate until nothing new is found and no checker objects.

    Every pass keeps what stood after those before. The last one is what a second run would do, and comes to
    nothing.
    """
    while True:
        while work.settle(paths):
            gate.settle(work)
        if not gate.names or not work.keep():
            break
        gate.restart(work)
