"""Inlay hints: the types nobody wrote; accepting one writes the annotation and its import.

An edit may change what is known in half of a package, and finding out takes longer than an editor should
wait. So a document that has hints already keeps them, moved with its text, while they are worked out anew;
the editor is told to ask again where something else came out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final

from lsprotocol import types
from typewright.assist.annotate import annotation_edits
from typewright.assist.hints import Hint, hints
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled

from .context import Context, text_edit
from .convert import split_lines
from .lane import Urgency
from .server import Server

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 0.1  # for new hints, where there are earlier ones to show

_OPTION: Final = {"param": "parameter_hints", "return": "return_hints", "variable": "variable_hints"}


@dataclass(slots=True, eq=False)
class HintWork:
    """The hints of a document, being worked out for one moment of all open buffers."""

    context: Context
    future: asyncio.Future[Sequence[Hint]]
    waiting: int = 0  # requests that have no answer yet
    shown: Sequence[Hint] | None = None  # what was answered in the meantime


@dataclass(frozen=True, slots=True)
class KnownHints:
    """The hints that were last worked out for a document, and for which text."""

    text: str
    hints: Sequence[Hint]


def inlay_hint(ls: Server, params: types.InlayHintParams) -> list[types.InlayHint] | Awaitable[object]:
    """Return the hints of the visible part of a document."""
    context = ls.context(params.text_document.uri) if ls.options.hints else None
    if context is None:
        return []
    return _answer(ls, context, params.range, _work(ls, context))


def _work(ls: Server, context: Context) -> HintWork:
    """Start to work out the document's hints, unless that goes on already."""
    running = ls.hint_work.get(context.path)
    if running is not None and running.context.overlay == context.overlay:
        return running
    withdraw(ls, context.path)

    def find(cancel: CancelToken) -> Sequence[Hint]:
        return hints(context.session, context.path, overlay=context.overlay, cancel=cancel)

    work = HintWork(context, ls.analyse(context, find, Urgency.SHOWN))
    ls.hint_work[context.path] = work
    work.future.add_done_callback(lambda _: _worked_out(ls, work))
    return work


async def _answer(ls: Server, context: Context, extent: types.Range, work: HintWork) -> list[types.InlayHint]:
    known = ls.known_hints.get(context.path)
    patience = PATIENCE_SECONDS if known is not None and _asks_again(ls) else None
    work.waiting += 1
    try:
        done, _ = await asyncio.wait({work.future}, timeout=patience)
    except asyncio.CancelledError:
        if work.waiting == 1 and work.shown is None:
            work.future.cancel()
        raise
    finally:
        work.waiting -= 1
    if done or known is None:
        found = work.future.result()
    else:
        found = work.shown = moved(known.hints, known.text, context.view.text)
    kinds = {kind for kind, option in _OPTION.items() if getattr(ls.options, option)}
    first, last = (context.view.place(end)[0] for end in (extent.start, extent.end))
    return [
        _as_inlay_hint(context, hint)
        for hint in found
        if hint.slot.kind in kinds and first <= hint.line <= last and context.view.holds(hint.line)
    ]


def _worked_out(ls: Server, work: HintWork) -> None:
    """Keep what came out, and have the editor ask again where it shows something else."""
    path = work.context.path
    if ls.hint_work.get(path) is work:
        del ls.hint_work[path]
    if work.future.cancelled():
        return
    if (error := work.future.exception()) is not None:
        if work.shown is not None and not isinstance(error, Cancelled):
            logger.error("the hints of a document failed", exc_info=error)
        return
    found = work.future.result()
    if ls.documents.get(work.context.view.uri) is not None:
        ls.known_hints[path] = KnownHints(work.context.view.text, found)
    if work.shown is not None and _labels(work.shown) != _labels(found):
        ls.workspace_inlay_hint_refresh(None)


def _labels(found: Sequence[Hint]) -> list[tuple[int, int, str]]:
    return [(hint.line, hint.column, hint.label) for hint in found]


def _asks_again(ls: Server) -> bool:
    """Whether the editor can be told to ask for hints again."""
    workspace = ls.client_capabilities.workspace
    return (
        workspace is not None
        and workspace.inlay_hint is not None
        and bool(workspace.inlay_hint.refresh_support)
    )


def withdraw(ls: Server, path: Path) -> None:
    """Stop working on the hints of a document whose text has changed."""
    if (work := ls.hint_work.pop(path, None)) is not None:
        work.future.cancel()


def forget(ls: Server, path: Path) -> None:
    """Give up what is known of a document that was closed."""
    withdraw(ls, path)
    ls.known_hints.pop(path, None)


def refresh(ls: Server) -> None:
    """Have the editor ask again: something else than the documents' own text has changed."""
    for path, work in list(ls.hint_work.items()):
        del ls.hint_work[path]  # what it finds is that of before
        if not work.waiting:
            work.future.cancel()
    if _asks_again(ls):
        ls.workspace_inlay_hint_refresh(None)


def moved(found: Sequence[Hint], before: str, after: str) -> list[Hint]:
    """Return hints of the text `before` where their places stand in `after`; those in what changed fall."""
    if before == after:
        return list(found)
    old, new = split_lines(before), split_lines(after)
    lines: dict[int, int] = {}  # those that are the same, and those edited in place
    edited: set[int] = set()
    for what, start, end, first, last in SequenceMatcher(None, old, new).get_opcodes():
        if what == "equal" or (what == "replace" and end - start == last - first):
            lines.update(zip(range(start, end), range(first, last), strict=True))
        if what == "replace":
            edited.update(range(start, end))
    kept = []
    for hint in found:
        line, column = hint.line - 1, hint.column - 1
        if line not in lines:
            continue
        place = _moved_within(column, old[line], new[lines[line]]) if line in edited else column
        if place is not None:
            kept.append(replace(hint, line=lines[line] + 1, column=place + 1))
    return kept


def _moved_within(offset: int, old: str, new: str) -> int | None:
    """Return where an offset stands in an edited line; None in, or between, what was edited."""
    pairs = enumerate(zip(old, new, strict=False))
    head = next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))
    if offset <= head:
        return offset
    rest = len(old) - offset
    return len(new) - rest if old[offset:] == new[-rest:] and len(new) - rest >= head else None


def resolve(ls: Server, hint: types.InlayHint) -> object:
    """Add what is only needed once somebody looks: the evidence, and the edits that write the annotation."""
    data: Any = hint.data
    context = ls.context(data["uri"]) if isinstance(data, dict) and isinstance(data.get("uri"), str) else None
    if context is None:
        return hint

    def work(cancel: CancelToken) -> types.InlayHint:
        line, _ = context.view.place(hint.position)
        for found in hints(
            context.session, context.path, lines=(line, line), overlay=context.overlay, cancel=cancel
        ):
            if found.label == hint.label and context.view.position(found.line, found.column) == hint.position:
                edits = annotation_edits(context.session, context.path, [found.slot], overlay=context.overlay)
                hint.tooltip = types.MarkupContent(types.MarkupKind.Markdown, found.tooltip)
                # A hint may only edit its own document: in a notebook, the import may belong to another cell.
                if all(context.view.holds(edit.span.line) for edit in edits):
                    hint.text_edits = [text_edit(context.view, edit) for edit in edits]
                break
        return hint

    return ls.analyse(context, work, Urgency.ASKED)


def _as_inlay_hint(context: Context, hint: Hint) -> types.InlayHint:
    return types.InlayHint(
        context.view.position(hint.line, hint.column),
        hint.label,
        kind=types.InlayHintKind.Type,
        data={"uri": context.view.uri},
    )


def register(server: Server) -> None:
    """Register inlay hints with the server."""
    server.feature(types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintOptions(resolve_provider=True))(inlay_hint)
    server.feature(types.INLAY_HINT_RESOLVE)(resolve)
