"""One workspace as `assist` sees it: index, analysis and inference process, opened when needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from typewright.assist.memory import Memory
from typewright.assist.visible import VisibleTypesCache
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError, UnreadableSource

if TYPE_CHECKING:
    from typewright.analysis.queries import Analysis
    from typewright.indexer.index import Index, Snapshot, UpdateReport
    from typewright.models.process import Inference
    from typewright.models.protocol import RankedType

# The nearest folder upwards that holds one of these is the project's.
ROOT_MARKERS = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    ".git",
    ".hg",
    ".venv",
    "pyrightconfig.json",
    "mypy.ini",
)
# A batch is bounded by its steps, so that what it says does not depend on how busy the machine is; this is
# only for what must never be.
BATCH_SECONDS = 1800.0
PYTHON_SUFFIXES = frozenset({".py", ".pyi"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may choose for a session."""

    python: Path | None = None  # the interpreter (or environment folder) of the project; None = discovered
    cache: Path | None = None  # where the index lies; None = the user's cache folder
    device: str = "auto"
    language_model: str | None = None  # a catalogue name or a folder; None = the default of the catalogue
    minimum_confidence: float = 0.5
    neural: bool = True  # False = nothing is guessed, only what can be known is said


class Session:
    """One workspace; thread-safe. Every function of `assist` takes it first.

    Index, analysis and inference are opened at first use and kept until `close`. The first question reads the
    workspace; with `waits` off, answers come from what is stored and what is open until `refresh` is called.
    Works without weights: guesses are then left out, and `notices` says so.
    """

    def __init__(self, root: Path, *, settings: Settings = Settings(), waits: bool = True) -> None:
        if not root.is_dir():
            raise TypewrightError(f"{root} is not a folder")
        self.root = root.resolve()
        self.settings = settings
        self._lock = threading.RLock()
        self._index: Index | None = None
        self._inference: Inference | None = None
        self._notices: dict[str, None] = {}
        self._waits = waits
        self._refreshed = False
        self._snapshot: Snapshot | None = None
        self._analysis: Analysis | None = None
        self._overlay: Mapping[Path, str] = {}
        self.visible_types = VisibleTypesCache()
        self.predictions: Memory[str, Sequence[Sequence[Sequence[RankedType]]]] = Memory(2_000)

    @property
    def index(self) -> Index:
        """The index of the workspace, opened at first use."""
        with self._lock:
            if self._index is None:
                from typewright.indexer.index import Index

                self._index = Index.open(self.root, python=self.settings.python, cache=self.settings.cache)
            return self._index

    @property
    def inference(self) -> Inference:
        """The client of the inference process, which starts at its first request."""
        with self._lock:
            if self._inference is None:
                from typewright.models.process import Inference

                self._inference = Inference(
                    device=self.settings.device, language_model=self.settings.language_model
                )
            return self._inference

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know (weights missing, index rebuilt), each once, oldest first."""
        with self._lock:
            if self._index is not None:  # which opens the environment's database late
                self._notices.update(dict.fromkeys(self._index.notices))
            return tuple(self._notices)

    def notice(self, text: str) -> None:
        """Add a notice; a repeated one is dropped."""
        with self._lock:
            self._notices.setdefault(text)

    def refresh(
        self,
        paths: Iterable[Path] | None = None,
        *,
        progress: Progress | None = None,
        cancel: CancelToken = NEVER,
    ) -> UpdateReport:
        """Bring the index up to date with the disk: all of the workspace, or only `paths`."""
        report = self.index.update(paths, progress=progress, cancel=cancel)
        with self._lock:
            self._refreshed = self._refreshed or paths is None
            self._snapshot = None
        return report

    def snapshot(self, overlay: Mapping[Path, str] | None = None, *, cancel: CancelToken = NEVER) -> Snapshot:
        """Return what is known now, with the open buffers of `overlay` in place of what lies on disk.

        The workspace is read at the first call, if `refresh` was not called before and the session waits.
        """
        if self._waits and not self._refreshed:
            self.refresh(cancel=cancel)
        overlay = overlay or {}
        with self._lock:
            if self._snapshot is None or overlay != self._overlay:
                self._snapshot = self.index.snapshot(overlay)
                self._overlay = dict(overlay)
            return self._snapshot

    def analysis(self, overlay: Mapping[Path, str] | None = None, *, cancel: CancelToken = NEVER) -> Analysis:
        """Return the analysis of the snapshot of now; what an edit leaves valid is kept."""
        from typewright.analysis.fixpoint import Budget
        from typewright.analysis.queries import Analysis

        snapshot = self.snapshot(overlay, cancel=cancel)
        with self._lock:
            if self._analysis is None or self._analysis.snapshot is not snapshot:
                budget = Budget(seconds=BATCH_SECONDS) if self._waits else Budget()
                self._analysis = Analysis(snapshot, self._analysis, budget=budget)
            return self._analysis

    def forget_analysis(self) -> None:
        """Begin the analysis anew: where cycles were cut short, answers depend on what was asked before."""
        with self._lock:
            self._analysis = None

    def files(
        self,
        paths: Iterable[Path],
        *,
        overlay: Mapping[Path, str] | None = None,
        cancel: CancelToken = NEVER,
    ) -> tuple[Path, ...]:
        """Return the Python files that `paths` (files and folders) stand for, each once, in order.

        A folder stands for what the index sees of it; one that the index leaves out as a whole (ignored by
        git, outside the root) is walked by itself, since the user named it. Raises TypewrightError where a
        path is missing or is no Python file, `UnreadableSource` where it cannot be read; what cannot be read
        within a folder becomes a notice.
        """
        from typewright.indexer.snapshot import located
        from typewright.indexer.workspace import walk

        snapshot = self.snapshot(overlay, cancel=cancel)
        found: dict[Path, None] = {}
        for path in paths:
            absolute = located(path, self.root)
            if absolute.is_file() or absolute in (overlay or ()):
                if absolute.suffix not in PYTHON_SUFFIXES:
                    raise TypewrightError(f"{path}: not a Python file.")
                snapshot.text(absolute)
                found.setdefault(absolute)
            elif absolute.is_dir():
                inside = [file for file in snapshot.files() if file.is_relative_to(absolute)]
                walked = () if inside else walk(absolute, cancel=cancel).files
                found.update(dict.fromkeys(inside or self._readable(snapshot, walked)))
            else:
                raise TypewrightError(f"{path}: no such file or folder.")
        return tuple(file for file in found if file.suffix in PYTHON_SUFFIXES)

    def _readable(self, snapshot: Snapshot, paths: Iterable[Path]) -> Iterator[Path]:
        """Yield the files that can be read; the others become notices."""
        for path in paths:
            try:
                snapshot.text(path)
            except UnreadableSource as error:
                self.notice(str(error))
            else:
                yield path

    def close(self) -> None:
        """Stop the inference process and close the index. A closed session opens again when it is used."""
        with self._lock:
            inference, index = self._inference, self._index
            self._inference = self._index = self._snapshot = self._analysis = None
            self._refreshed = False
        if inference is not None:
            inference.close()
        if index is not None:
            index.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def find_root(paths: Sequence[Path]) -> Path:
    """Return the folder that holds the project of `paths` (the working directory where there are none).

    That is the nearest folder upwards with a project file, never the home folder or the top of the disk;
    without one, the folder that holds the outermost package, so that its modules keep their full names.
    """
    # realpath, unlike Path.resolve, takes a loop of links as it is
    real = [Path(os.path.realpath(path)) for path in paths]
    folders = [path if path.is_dir() else path.parent for path in real]
    start = _common_folder(folders) if folders else Path.cwd()
    for folder in (start, *start.parents):
        if folder == Path.home() or folder == folder.parent:
            break
        if any((folder / marker).exists() for marker in ROOT_MARKERS):
            return folder
    while (start / "__init__.py").exists() and start != start.parent:
        start = start.parent
    return start


def _common_folder(folders: Sequence[Path]) -> Path:
    first, *others = folders
    for folder in (first, *first.parents):
        if all(other.is_relative_to(folder) for other in others):
            return folder
    return first
