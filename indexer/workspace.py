"""The workspace: which files belong to it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .cancellation import NEVER, CancelToken
from .errors import TypewrightError
from .source import MAX_SOURCE_BYTES

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

PYTHON_SUFFIXES: Final = frozenset({".py", ".pyi", ".ipynb"})
_EXCLUDED: Final = frozenset(
    {".git", ".hg", ".svn", ".bzr", ".tox", ".nox", ".eggs", ".cache", ".mypy_cache", ".ruff_cache"}
    | {".pytest_cache", ".hypothesis", ".ipynb_checkpoints", ".idea", ".vscode", ".pixi", ".direnv"}
    | {"__pypackages__", "node_modules", "site-packages", "dist-packages"}
)
_BUILD_OUTPUT: Final = frozenset({"build", "dist", "_build"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too much: a file of more bytes, a folder nested deeper, more files than this are left out."""

    file_bytes: int = MAX_SOURCE_BYTES
    notebook_bytes: int = 4 * MAX_SOURCE_BYTES
    depth: int = 40
    files: int = 50_000


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Walk:
    """The Python files of a workspace, sorted, and what was left out on the way (byte code aside)."""

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]


def walk(root: Path, limits: Limits = DEFAULT_LIMITS, cancel: CancelToken = NEVER) -> Walk:
    """Find the Python files and notebooks under `root`, or `root` itself if it is a file.

    Left out are what .gitignore names (nested files and negation as git reads them), version control,
    virtual environments, caches, installed packages and build outputs, and whatever exceeds `limits`.
    Links are not followed: what they lead to is found where it lies, or lies outside the workspace.
    Raises `TypewrightError` if `root` does not exist.
    """
    if root.is_file():
        return Walk((root,), ())
    if not root.is_dir():
        raise TypewrightError(f"{root}: no such file or folder.")
    walker = _Walker(root, limits, cancel)
    walker.folder(root, _outer_rules(root), 0)
    return Walk(tuple(sorted(walker.files)), tuple(sorted(walker.skipped, key=lambda each: each.path)))


class _Rules:
    """The .gitignore of a folder, and those above it."""

    def __init__(self, base: Path, spec: "GitIgnoreSpec", above: "_Rules | None") -> None:
        self._base = base.as_posix().rstrip("/") + "/"
        self._spec = spec
        self._above = above

    def ignore(self, path: str, is_folder: bool) -> bool:
        """Whether the nearest .gitignore that speaks of an absolute posix path ignores it."""
        rules: _Rules | None = self
        while rules is not None:
            found = rules._spec.check_file(path[len(rules._base) :] + ("/" if is_folder else "")).include
            if found is not None:
                return found
            rules = rules._above
        return False


def _rules(folder: Path, above: _Rules | None, *names: str) -> _Rules | None:
    from pathspec import GitIgnoreSpec

    lines: list[str] = []
    for name in names:
        try:
            lines += (folder / name).read_text("utf-8", errors="replace").splitlines()
        except OSError:
            continue
    if not lines:
        return above
    try:
        return _Rules(folder, GitIgnoreSpec.from_lines(lines), above)
    except ValueError:  # one pattern that git would not read either: keep the others
        return _Rules(folder, GitIgnoreSpec.from_lines(_sound(lines)), above)


def _sound(lines: list[str]) -> Iterator[str]:
    from pathspec import GitIgnoreSpec

    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        yield line


def _outer_rules(root: Path) -> _Rules | None:
    """Rules that lie above the root in the same repository, unless they ignore the root itself."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
    if top is None or top == root:
        return _rules(root, None, ".git/info/exclude") if top else None
    rules = _rules(top, None, ".git/info/exclude", ".gitignore")
    for folder in reversed([each for each in root.parents if top in each.parents]):
        if rules and rules.ignore(folder.as_posix(), is_folder=True):
            return None
        rules = _rules(folder, rules, ".gitignore")
    return None if rules and rules.ignore(root.as_posix(), is_folder=True) else rules


class _Walker:
    def __init__(self, root: Path, limits: Limits, cancel: CancelToken) -> None:
        self.files: list[Path] = []
        self.skipped: list[Skipped] = []
        self._root = root
        self._limits = limits
        self._cancel = cancel

    def folder(self, folder: Path, rules: _Rules | None, depth: int) -> None:
        self._cancel.check()
        if depth > self._limits.depth:
            self._skip(folder, f"nested deeper than {self._limits.depth} folders")
            return
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._skip(folder, error.strerror or str(error))
            return
        rules = _rules(folder, rules, ".gitignore") if any(e.name == ".gitignore" for e in found) else rules
        for entry in found:
            self._entry(entry, rules, depth)

    def _entry(self, entry: os.DirEntry[str], rules: _Rules | None, depth: int) -> None:
        is_folder = entry.is_dir(follow_symlinks=False)
        if not is_folder and not is_python(entry.name) and not entry.is_symlink():
            return
        path = Path(entry.path)
        reason = _reason(path, rules, self._limits)
        if reason:
            self._skip(path, reason)
        elif reason is None and is_folder:
            self.folder(path, rules, depth + 1)
        elif reason is None and len(self.files) >= self._limits.files:
            self._skip(path, f"more than {self._limits.files:,} files")
        elif reason is None:
            self.files.append(path)

    def _skip(self, path: Path, reason: str) -> None:
        self.skipped.append(Skipped(path, reason))


def skip_reason(root: Path, path: Path, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Say why `walk` would leave a file or folder under `root` out; None where it would not."""
    if path == root:
        return None
    if not path.is_relative_to(root):
        return "outside the workspace"
    rules = _outer_rules(root)
    folder = root
    for name in path.relative_to(root).parts:
        rules = _rules(folder, rules, ".gitignore")
        folder /= name
        reason = _reason(folder, rules, limits)
        if reason is not None:
            return reason or "not source"
    return None if is_python(path.name) or path.is_dir() else "not Python"


def _reason(path: Path, rules: _Rules | None, limits: Limits) -> str | None:
    """Say why a folder or Python file is left out; None where it is not, '' where nobody needs to know."""
    try:
        found = path.lstat()
    except OSError as error:
        return error.strerror or str(error)
    is_folder = stat.S_ISDIR(found.st_mode)
    if stat.S_ISLNK(found.st_mode):
        return "a link, not followed" if is_python(path.name) or path.is_dir() else ""
    if is_folder:
        excluded = _excluded_folder(path)
        if excluded is not None:
            return excluded
    elif not stat.S_ISREG(found.st_mode):
        return "not a regular file"
    if rules and rules.ignore(path.as_posix(), is_folder):
        return "ignored by .gitignore"
    largest = limits.notebook_bytes if path.suffix == ".ipynb" else limits.file_bytes
    return f"larger than {largest:,} bytes" if not is_folder and found.st_size > largest else None


def _excluded_folder(path: Path) -> str | None:
    if path.name == "__pycache__":
        return ""
    if path.name in _EXCLUDED or path.name.endswith(".egg-info"):
        return "not source"
    if _holds(path, "pyvenv.cfg") or _holds(path, "conda-meta"):
        return "a virtual environment"
    if path.name in _BUILD_OUTPUT and not _holds(path, "__init__.py"):
        return "build output"
    return None


def _holds(folder: Path, name: str) -> bool:
    return os.path.exists(folder / name)  # noqa: PTH110 - False, not an error, in a folder that is closed to us


def is_python(name: str) -> bool:
    """Whether a file of this name is Python source or a notebook."""
    return os.path.splitext(name)[1] in PYTHON_SUFFIXES  # noqa: PTH122 - once for every file of a tree
