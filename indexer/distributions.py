"""Installed distributions, read from their records (PEP 376, core metadata); nothing is imported."""

import csv
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

METADATA_CAP = 64 << 20  # bytes of METADATA and RECORD

_MODULE_FILE = re.compile(r"([^.]+)(?:\.[^.]+)*\.(?:py|pyi|so|pyd)")


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution. `modules` are the shortest dotted names that belong to it alone."""

    name: str
    version: str
    summary: str
    modules: tuple[str, ...]
    path: Path


@dataclass(frozen=True, slots=True)
class Installed:
    """What an environment has installed, and the records that could not be read (path, reason)."""

    distributions: tuple[Distribution, ...]
    skipped: tuple[tuple[Path, str], ...]
    owners: Mapping[str, Distribution] = field(repr=False)

    def owner(self, module: str) -> Distribution | None:
        """Return the distribution that ships `module`, the one with the longest matching module name."""
        while module:
            if module in self.owners:
                return self.owners[module]
            module = module.rpartition(".")[0]
        return None


@functools.lru_cache(maxsize=8)
def read_installed(search_paths: tuple[Path, ...], fingerprint: tuple[int, ...]) -> Installed:  # noqa: ARG001
    """Read the distributions in `search_paths`; the environment's fingerprint is part of the cache's key."""
    distributions: list[Distribution] = []
    skipped: list[tuple[Path, str]] = []
    owners: dict[str, Distribution] = {}
    seen: set[str] = set()
    for folder in search_paths:
        for path in sorted(children(folder)):
            if path.suffix not in {".dist-info", ".egg-info"}:
                continue
            distribution = _distribution(path)
            if distribution is None:
                skipped.append((path, "no readable METADATA with a name and a version"))
                continue
            key = re.sub(r"[-_.]+", "-", distribution.name).lower()
            if key in seen:  # an earlier folder shadows it
                continue
            seen.add(key)
            distributions.append(distribution)
            for module in distribution.modules:
                owners.setdefault(module, distribution)
    return Installed(tuple(distributions), tuple(skipped), owners)


def _distribution(path: Path) -> Distribution | None:
    texts = (read_text(file, METADATA_CAP) for file in (path / "METADATA", path / "PKG-INFO", path))
    text = next((text for text in texts if text), None)
    if text is None:
        return None
    headers: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            headers.setdefault(key.lower(), value.strip())
    name, version = headers.get("name", ""), headers.get("version", "")
    if not name or not version:
        return None
    modules = _recorded_modules(path) or tuple(
        (read_text(path / "top_level.txt", METADATA_CAP) or "").split()
    )
    return Distribution(name, version, headers.get("summary", ""), modules, path)


def _recorded_modules(path: Path) -> tuple[str, ...]:
    """The top-most modules and regular packages among the recorded files of a distribution."""
    text = read_text(path / "RECORD", METADATA_CAP)
    if text is None:
        text = read_text(path / "installed-files.txt", METADATA_CAP) or ""
    packages: set[tuple[str, ...]] = set()
    files: set[tuple[str, ...]] = set()
    for row in csv.reader(line for line in text.splitlines() if "\0" not in line):
        parts = PurePosixPath(row[0].replace("\\", "/")).parts if row else ()
        match = _MODULE_FILE.fullmatch(parts[-1]) if parts else None
        folders = parts[:-1]
        # A `foo-stubs` folder is no identifier, yet it holds modules.
        if match is None or not all(part.removesuffix("-stubs").isidentifier() for part in folders):
            continue
        if match[1] == "__init__":
            packages.add(folders)
        elif match[1].isidentifier():
            files.add((*folders, match[1]))
    tops = {
        module
        for module in packages | files
        if module and not any(module[:depth] in packages for depth in range(1, len(module)))
    }
    return tuple(sorted(".".join(module) for module in tops if not module[0].startswith("__editable__")))


def children(folder: Path) -> list[Path]:
    """Return what lies in a folder, nothing where it cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def modified(path: Path) -> int:
    """Return the modification time of `path` in nanoseconds, 0 where it cannot be read."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def read_text(path: Path, cap: int) -> str | None:
    """Return the text of a file; None where it is missing, larger than `cap` bytes or unreadable."""
    try:
        if not path.is_file() or path.stat().st_size > cap:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    return data.decode("utf-8-sig", errors="replace")
