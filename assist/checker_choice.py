"""Which type checkers have a say: those that the user names, or that the project is set up for."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from typewright.assist.checkers import CHECKERS, Checker, find_checker
from typewright.indexer.environment import Environment
from typewright.indexer.errors import TypewrightError

AUTO, NONE = "auto", "none"
# Files beside the sources that tell a checker how to check; the section in files of many tools.
_SETTINGS = (
    ("mypy", "mypy.ini", ""),
    ("mypy", ".mypy.ini", ""),
    ("mypy", "setup.cfg", "[mypy"),
    ("mypy", "pyproject.toml", "[tool.mypy"),
    ("basedpyright", "pyproject.toml", "[tool.basedpyright"),
    ("pyright", "pyproject.toml", "[tool.pyright"),
    ("pyright", "pyrightconfig.json", ""),
    ("pyrefly", "pyproject.toml", "[tool.pyrefly"),
    ("pyrefly", "pyrefly.toml", ""),
    ("ty", "pyproject.toml", "[tool.ty"),
    ("ty", "ty.toml", ""),
)
CONFIGURATION = tuple(dict.fromkeys(name for _, name, _ in _SETTINGS))
_FASTEST_FIRST = ("ty", "pyrefly", "mypy", "basedpyright", "pyright")
_LOOKS_INTO_BODIES = re.compile(r"^\s*(check_untyped_defs|strict)\s*=\s*true\b", re.MULTILINE | re.IGNORECASE)
_PLUGINS = re.compile(r"^\s*plugins\s*=\s*(.*(?:\n\s+.*)*)", re.MULTILINE)


def choose(wanted: str, root: Path, environment: Environment) -> tuple[Checker, ...]:
    """Return the checkers to ask, the fastest first; mypy is two of them, with and without bodies.

    `auto` means those of the installed ones that the project configures, or all where it configures none.
    Raises TypewrightError where a checker that was named is not installed.
    """
    if wanted == NONE:
        return ()
    if wanted != AUTO:
        return _views(find_checker(wanted, environment), root)
    named = configured(root)
    found = {name: checker for name in CHECKERS if (checker := _installed(name, root, environment))}
    if "pyright" in named and "pyright" not in found:
        named = named | {"basedpyright"}  # which reads the same configuration
    chosen = [name for name in _FASTEST_FIRST if name in found and name in named]
    if not chosen:
        # pyright's package fetches the checker itself from the network: not unless the project relies on it.
        chosen = [name for name in _FASTEST_FIRST if name in found and name != "pyright"]
    return tuple(view for name in chosen for view in _views(found[name], root))


def configured(root: Path) -> frozenset[str]:
    """Return the checkers that the files of the project's folder configure."""
    found = set()
    for checker, name, section in _SETTINGS:
        try:
            text = (root / name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if not section or any(line.strip().startswith(section) for line in text.splitlines()):
            found.add(checker)
    return frozenset(found)


def _views(checker: Checker, root: Path) -> tuple[Checker, ...]:
    if checker.name != "mypy" or _LOOKS_INTO_BODIES.search(_mypy_settings(root)):
        return (checker,)
    # What is wrong in a body that nobody annotated was wrong before; with `bodies` it is known beforehand.
    return replace(checker, bodies=True), checker


def _installed(name: str, root: Path, environment: Environment) -> Checker | None:
    """Return an installed checker that may be started without being named.

    Programs in the workspace are only started where the user has activated or named their environment.
    """
    try:
        checker = find_checker(name, environment)
    except TypewrightError:
        return None
    if name == "mypy" and _runs_workspace_code(root):
        return None
    if os.name != "posix" and not _trusted(environment):
        return None  # the checker would start the environment's interpreter
    if not checker.executable.is_relative_to(root) or _trusted(environment):
        return checker
    for folder in (str(Path(sys.executable).parent), None):
        other = shutil.which(name, path=folder)
        if other is not None and not Path(other).absolute().is_relative_to(root):
            return replace(checker, executable=Path(other).absolute())
    return None


def _trusted(environment: Environment) -> bool:
    named = (os.environ.get(variable) for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"))
    active = {Path(sys.prefix), *(Path(name) for name in named if name)}
    return environment.origin == "setting" or environment.prefix in active


def _runs_workspace_code(root: Path) -> bool:
    """Whether mypy is configured with a plugin that is a file: one of the workspace's own."""
    found = [match[1] for match in _PLUGINS.finditer(_mypy_settings(root))]
    return any(".py" in plugins or "/" in plugins for plugins in found)


def _mypy_settings(root: Path) -> str:
    names = [name for checker, name, _ in _SETTINGS if checker == "mypy" and (root / name).is_file()]
    return "\n".join((root / name).read_text(encoding="utf-8", errors="replace") for name in names)
