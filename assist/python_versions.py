"""The oldest Python that a project promises to run on, read from its metadata."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_LOWEST = re.compile(r"(?:>=|~=|==|\^)\s*3\.(\d+)")
_DECLARED = re.compile(r"python_requires\s*=\s*[\"']?([^\"'\n]+)")


def lowest_version(root: Path, otherwise: tuple[int, int]) -> tuple[int, int]:
    """Return the oldest Python named in pyproject.toml, setup.cfg or setup.py, else `otherwise`."""
    for declared in _declarations(root):
        if match := _LOWEST.search(declared):
            return min((3, int(match[1])), otherwise)
    return otherwise


def _declarations(root: Path) -> list[str]:
    found: list[str] = []
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        found.append(str(project.get("project", {}).get("requires-python", "")))
        poetry = project.get("tool", {}).get("poetry", {}).get("dependencies", {})
        found.append(str(poetry.get("python", "")))
    except (OSError, ValueError, AttributeError):
        pass
    for name in ("setup.cfg", "setup.py"):
        try:
            found += _DECLARED.findall((root / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return found
