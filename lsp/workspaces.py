"""The workspace folders that an editor has open, each with a session of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from typewright.assist.session import Session, Settings, find_root
from typewright.indexer.errors import TypewrightError

from .lane import Lane

logger = logging.getLogger(__name__)


class EditorSession(Session):
    """A session whose index is brought up to date in the background, so that no request waits for it."""

    def __init__(self, root: Path, *, settings: Settings) -> None:
        super().__init__(root, settings=settings, waits=False)
        self.lane = Lane(root.name)


class Workspaces:
    """Which session answers for a file. Used on the loop only; sessions may be given to threads."""

    def __init__(self) -> None:
        self._roots: dict[Path, EditorSession] = {}
        self._loose: dict[Path, EditorSession] = {}  # of single files, by the folder of their project
        self.settings = Settings()

    @property
    def sessions(self) -> Sequence[EditorSession]:
        """The sessions of the roots, in the order they were opened."""
        return tuple(self._roots.values())

    def add(self, roots: Iterable[Path]) -> list[EditorSession]:
        """Open sessions for `roots`; return the new ones. A root that is no folder is logged and left out."""
        added = []
        for root in roots:
            resolved = root.resolve()
            if resolved in self._roots:
                continue
            try:
                session = EditorSession(resolved, settings=self.settings)
            except TypewrightError as error:
                logger.warning("workspace folder: %s", error)
                continue
            self._roots[resolved] = session
            added.append(session)
        return added

    def remove(self, roots: Iterable[Path]) -> list[EditorSession]:
        """Give up the sessions of `roots`; return them for the caller to close."""
        return [session for root in roots if (session := self._roots.pop(root.resolve(), None)) is not None]

    def replace_settings(self, settings: Settings) -> list[EditorSession]:
        """Open every session anew with `settings`; return the old ones for the caller to close."""
        old = [*self._roots.values(), *self._loose.values()]
        self.settings = settings
        self._loose.clear()
        roots = list(self._roots)
        self._roots.clear()
        self.add(roots)
        return old

    def session_for(self, path: Path) -> EditorSession | None:
        """Return the session of the innermost root that holds `path`.

        A file outside of every root (of a library, mostly) is answered by the first one. Where no folder is
        open at all, the file's own project answers, without being indexed as a whole.
        """
        holding = [root for root in self._roots if path.is_relative_to(root)]
        if holding:
            return self._roots[max(holding, key=lambda root: len(root.parts))]
        if self._roots:
            return next(iter(self._roots.values()))
        try:
            folder = find_root([path]) if path.parent.is_dir() else Path.cwd()
            if folder not in self._loose:
                self._loose[folder] = EditorSession(folder, settings=self.settings)
            return self._loose[folder]
        except (TypewrightError, OSError) as error:
            logger.warning("no session for a buffer: %s", error)
            return None

    def all(self) -> Sequence[EditorSession]:
        """Every session, loose ones included."""
        return (*self._roots.values(), *self._loose.values())
