"""The index behind the editor: whole workspaces in the background, single files as they change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from typewright.assist.recommend import embed
from typewright.assist.session import Session
from typewright.indexer.cancellation import CancelToken, Progress
from typewright.indexer.errors import Cancelled, TypewrightError

from . import hints
from .diagnostics import publish_all
from .options import Options
from .progress import with_progress
from .server import Server

logger = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 0.3  # file events come in bursts (a checkout, a formatter): one update for each burst
EMBEDDING_SECONDS: Final = 120.0  # at each start, in the inference process; what is left waits for the next
MANY_FILES: Final = 200  # from here on, looking at the whole workspace is cheaper than at each file


async def index_workspaces(ls: Server, sessions: Sequence[Session]) -> None:
    """Bring whole workspaces up to date behind progress bars: files first, then libraries and documents."""
    for session in sessions:
        for title, step in _steps(session, ls.options):
            try:
                await with_progress(ls, f"{title} {session.root.name}", step)
            except Cancelled:
                logger.info("%s %s: cancelled", title, session.root)
                break
            except Exception:
                logger.exception("%s %s failed", title, session.root)
                break
            refresh_answers(ls)
        await ls.work(_report(ls, session))


def _report(ls: Server, session: Session) -> Callable[[CancelToken], None]:
    return lambda _cancel: ls.report_notices(session)


def _steps(session: Session, options: Options) -> list[tuple[str, Callable[[CancelToken, Progress], object]]]:
    def files(cancel: CancelToken, progress: Progress) -> None:
        session.refresh(progress=progress, cancel=cancel)

    def documents(cancel: CancelToken, progress: Progress) -> None:
        paths = [session.root / name for name in options.documents]
        session.index.add_documents(paths, progress=progress, cancel=cancel)

    def libraries(cancel: CancelToken, progress: Progress) -> None:
        session.index.add_libraries(progress=progress, cancel=cancel)

    def vectors(cancel: CancelToken, progress: Progress) -> None:
        try:
            embed(session, seconds=EMBEDDING_SECONDS, progress=progress, cancel=cancel)
        except TypewrightError as error:  # no weights: questions are answered by words alone
            logger.info("nothing is embedded: %s", error)

    return [
        ("Indexing", files),
        *([("Reading the documents of", documents)] if options.documents else []),
        *([("Reading the libraries of", libraries)] if options.index_libraries else []),
        *([("Learning the APIs of", vectors)] if options.index_libraries and session.settings.neural else []),
    ]


async def refresh_files(ls: Server, paths: Iterable[Path]) -> None:
    """Bring the index up to date with `paths`, together with all that change in the same moment."""
    waiting = bool(ls.changed_files)
    ls.changed_files.update(paths)
    if waiting or not ls.changed_files:
        return  # the update that is waiting takes these along
    await asyncio.sleep(SETTLE_SECONDS)
    by_session: dict[Session, list[Path]] = {}
    for path in ls.changed_files:
        if (session := ls.workspaces.session_for(path)) is not None:
            by_session.setdefault(session, []).append(path)
    ls.changed_files.clear()
    for owner, files in by_session.items():
        await ls.work(_refresh(owner, files if len(files) < MANY_FILES else None), background=True)
    refresh_answers(ls)


def _refresh(session: Session, files: list[Path] | None) -> Callable[[CancelToken], object]:
    return lambda cancel: session.refresh(files, cancel=cancel)


def refresh_answers(ls: Server) -> None:
    """Have the editor ask again for what it shows: the world behind the open documents has changed."""
    hints.refresh(ls)
    workspace = ls.client_capabilities.workspace
    if workspace is not None and workspace.diagnostics is not None and workspace.diagnostics.refresh_support:
        ls.workspace_diagnostic_refresh(None)
    publish_all(ls)
