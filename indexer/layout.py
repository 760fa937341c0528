"""The layout of a project: which folders hold its top-level modules, and what each file is imported as."""

import configparser
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

# Folders that hold packages by custom, where no build file says so.
_CUSTOMARY: Final = ("src", "lib", "python")


@dataclass(frozen=True, slots=True)
class Layout:
    """`source_roots`: folders of top-level modules, nearest first; `packages`: dotted names mapped elsewhere.

    `packages` are the longest names first, as setuptools' `package-dir` and Hatch's `sources` declare them.
    """

    source_roots: tuple[Path, ...]
    packages: tuple[tuple[str, Path], ...] = ()

    def module_name(self, path: Path) -> str:
        """Return the dotted name that a file of the workspace is imported as.

        A file that no import reaches (outside every root, or in a folder that is no identifier) is named
        after its path.
        """
        for name, folder in sorted(self.packages, key=lambda each: -len(each[1].parts)):
            if path.is_relative_to(folder):
                return ".".join([name, *_parts(path.relative_to(folder))])
        for root in sorted(self.source_roots, key=lambda each: -len(each.parts)):
            if path.is_relative_to(root):
                parts = _parts(path.relative_to(root))
                return ".".join(parts) or root.name
        return ".".join(_parts(PurePosixPath(path.name))) or path.parent.name


def _parts(path: PurePosixPath | Path) -> list[str]:
    parts = list(path.with_suffix("").parts)
    if parts and parts[-1] == "__init__":
        parts.pop()
    if len(parts) > 0 and parts[0].endswith("-stubs"):
        parts[0] = parts[0].removesuffix("-stubs")
    return parts


def read_layout(root: Path) -> Layout:
    """Read a project's layout from pyproject.toml or setup.cfg; else from where its packages lie.

    Understood are setuptools, Poetry, Hatch, PDM, Flit, maturin and the members of a uv workspace. A root
    that is itself a package keeps its name.
    """
    folder = root if root.is_dir() else root.parent
    if (folder / "__init__.py").exists():
        top = folder
        while (top.parent / "__init__.py").exists() and top.parent != top:
            top = top.parent
        name = ".".join([top.name, *folder.relative_to(top).parts])
        return Layout((folder,), ((name, folder),))
    roots, packages = _declared(folder, depth=0)
    roots += [
        folder / name
        for name in _CUSTOMARY
        if (folder / name).is_dir() and not (folder / name / "__init__.py").exists()
    ]
    ordered = tuple(dict.fromkeys([*(each for each in roots if each.is_dir()), folder]))
    mapped = {name: path for name, path in packages.items() if path.is_dir()}
    return Layout(ordered, tuple(sorted(mapped.items(), key=lambda each: (-len(each[0]), each[0]))))


def source_roots(root: Path) -> tuple[Path, ...]:
    """Return the folders that hold top-level modules of the project at `root`."""
    return read_layout(root).source_roots


def _declared(folder: Path, depth: int) -> tuple[list[Path], dict[str, Path]]:
    roots: list[Path] = []
    packages: dict[str, Path] = {}
    for name, path in _declarations(folder):
        target = (folder / path).resolve()
        if name:
            packages[name] = target
        elif target.is_relative_to(folder):
            roots.append(target)
    if depth == 0:
        for member in _members(folder):
            inner_roots, inner_packages = _declared(member, depth + 1)
            source = [member / "src"] if (member / "src").is_dir() else []
            roots += [*inner_roots, *source, member]
            packages |= inner_packages
    return roots, packages


def _declarations(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (dotted package, folder) as the build files declare them; package '' means a source root."""
    tool = _table(_toml(folder / "pyproject.toml"), "tool")
    setuptools = _table(tool, "setuptools")
    yield from _strings(_table(setuptools, "package-dir"))
    for where in _list(_table(_table(setuptools, "packages"), "find").get("where")):
        yield "", where
    for package in _list(_table(tool, "poetry").get("packages"), dict):
        if isinstance(package.get("from"), str):
            yield "", package["from"]
    yield from _hatch(_table(_table(_table(tool, "hatch"), "build"), "targets"))
    pdm = _table(_table(tool, "pdm"), "build").get("package-dir")
    maturin = _table(tool, "maturin").get("python-source")
    for declared in (pdm, maturin):
        if isinstance(declared, str):
            yield "", declared
    yield from _setup_cfg(folder / "setup.cfg")


def _hatch(targets: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    wheel = _table(targets, "wheel")
    for package in _list(wheel.get("packages")):
        parent = PurePosixPath(package).parent
        if parent.parts:
            yield "", str(parent)
    sources = wheel.get("sources")
    for source in _list(sources):
        yield "", source
    if isinstance(sources, dict):
        for source, target in _strings(sources):
            yield target.strip("/").replace("/", "."), source


def _setup_cfg(path: Path) -> Iterator[tuple[str, str]]:
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read_string(path.read_text("utf-8", errors="replace"))
    except (OSError, configparser.Error):
        return
    for line in config.get("options", "package_dir", fallback="").replace(",", "\n").splitlines():
        name, equals, target = line.partition("=")
        if equals:
            yield name.strip(), target.strip()
    where = config.get("options.packages.find", "where", fallback="").strip()
    if where:
        yield "", where


def _members(folder: Path) -> Iterator[Path]:
    """Yield the members of a uv workspace."""
    workspace = _table(_table(_table(_toml(folder / "pyproject.toml"), "tool"), "uv"), "workspace")
    for pattern in _list(workspace.get("members")):
        try:
            yield from (each for each in sorted(folder.glob(pattern)) if (each / "pyproject.toml").is_file())
        except (ValueError, NotImplementedError, OSError):  # an absolute or malformed pattern
            continue


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = table.get(key)
    return found if isinstance(found, dict) else {}


def _strings(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((key, value) for key, value in table.items() if isinstance(value, str))


def _list(value: object, kind: type = str) -> list[Any]:
    return [each for each in value if isinstance(each, kind)] if isinstance(value, list) else []
