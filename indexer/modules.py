"""Where a dotted module name lies: workspace, typeshed, stub packages, installed packages, compiled modules.

The order is that of the typing specification (import resolution ordering); as in Python itself, a regular
package or module anywhere wins over a namespace package.
"""

import functools
import os.path
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .environment import Environment

ModuleKind = Literal["source", "stub", "compiled", "namespace"]
ModuleOrigin = Literal[
    "workspace", "typeshed", "standard library", "stub package", "typed package", "package"
]

_COMPILED = (".so", ".pyd")
_VERSION_LINE = re.compile(r"([\w.]+):\s*(\d+)\.(\d+)\s*-\s*(?:(\d+)\.(\d+))?")


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A module on disk.

    `path` is what to read first: the stub where there is one. `source_path` is the Python source, None where
    there is none (a compiled module, a builtin). A namespace package's `path` is its first folder. `folders`
    are where its submodules may lie. `distribution` is '' for the workspace and the standard library.
    """

    name: str
    path: Path
    kind: ModuleKind
    origin: ModuleOrigin
    is_package: bool
    distribution: str
    source_path: Path | None = None
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Located:
    """What one layer has of a module; all three files None means a namespace package."""

    stub: Path | None
    source: Path | None
    compiled: Path | None
    is_package: bool
    folders: tuple[Path, ...]

    @property
    def is_namespace(self) -> bool:
        return self.stub is None and self.source is None and self.compiled is None


@dataclass(frozen=True, slots=True)
class _Listing:
    """A folder's importable content: files by module name, and sub-folders."""

    files: Mapping[str, tuple[str, ...]]
    folders: frozenset[str]


class ModuleFinder:
    """Finds modules for one workspace and environment; thread-safe. Answers are cached, folders listed once.

    `source_roots` are the folders that hold top-level modules of the workspace; `packages` maps dotted names
    of packages that lie elsewhere (setuptools' package-dir) to their folders. After files were created or
    deleted call `clear`.
    """

    def __init__(
        self,
        source_roots: Sequence[Path],
        environment: Environment,
        packages: Mapping[str, Path] | None = None,
    ) -> None:
        self.environment = environment
        self._source_roots = tuple(source_roots)
        self._packages = dict(packages or {})
        self._editable = dict(environment.editable)
        self._typeshed = typeshed_folder()
        self._lifetimes = typeshed_versions()
        self._lock = threading.RLock()
        self._found: dict[str, ModuleFile | None] = {}
        self._listings: dict[Path, _Listing] = {}

    def clear(self) -> None:
        """Forget what was found: files have come or gone."""
        with self._lock:
            self._found.clear()
            self._listings.clear()

    def find(self, name: str) -> ModuleFile | None:
        """Return where the module `name` lies, None where it does not exist (or is no dotted name)."""
        with self._lock:
            if name not in self._found:
                parts = name.split(".")
                is_name = all(part.isidentifier() for part in parts)
                self._found[name] = self._find(name, parts) if is_name else None
            return self._found[name]

    def submodules(self, name: str) -> tuple[str, ...]:
        """Return the last components of the modules directly inside `name`, sorted; '' = top level."""
        with self._lock:
            if name:
                found = self.find(name)
                folders = found.folders if found else ()
            else:
                folders = (
                    *self._source_roots,
                    *self.environment.standard_library,
                    *self.environment.search_paths,
                )
            inside = {child for folder in folders for child in self._importable(folder)}
            if not name:
                inside.update(module for module in self._lifetimes if "." not in module)
            prefix = name + "." if name else ""
            for mapped in (*self._packages, *self._editable):
                if mapped.startswith(prefix):
                    inside.add(mapped[len(prefix) :].partition(".")[0])
            inside.discard("__init__")
            return tuple(sorted(child for child in inside if self._in_version(prefix + child)))

    def _find(self, name: str, parts: list[str]) -> ModuleFile | None:
        workspace = self._locate_mapped(name, self._packages, self._source_roots)
        if workspace and not workspace.is_namespace:
            return self._module(name, workspace, "workspace")
        # os.path is the one documented module that is another module's alias.
        runtime_parts = [os.path.__name__] if name == "os.path" else parts
        runtime = self._locate(self.environment.standard_library, runtime_parts)
        if self._in_version(name):
            stub = self._locate((self._typeshed,), parts)
            if stub and not stub.is_namespace:
                return self._module(name, stub, "typeshed", runtime)
        if runtime and not runtime.is_namespace:
            return self._module(name, runtime, "standard library")
        installed = self._locate_mapped(name, self._editable, self.environment.search_paths)
        stub = self._locate(self.environment.search_paths, [f"{parts[0]}-stubs", *parts[1:]])
        if stub and stub.stub:
            return self._module(name, stub, "stub package", installed)
        if installed and not installed.is_namespace:
            return self._module(name, installed, "typed package" if self._is_typed(parts) else "package")
        spaces = [found for found in (workspace, runtime, installed, stub) if found is not None]
        return self._namespace(name, [folder for found in spaces for folder in found.folders])

    def _namespace(self, name: str, found: Iterable[Path]) -> ModuleFile | None:
        """A package without a file: the folders of that name, or only the parent of mapped packages."""
        folders = tuple(dict.fromkeys(found))
        mapped = {**self._editable, **self._packages}
        children = [target for child, target in mapped.items() if child.startswith(name + ".")]
        if not folders and not children:
            return None
        path = folders[0] if folders else children[0].parent
        is_here = any(path.is_relative_to(root) for root in self._source_roots)
        origin: ModuleOrigin = "workspace" if is_here else "package"
        return ModuleFile(name, path, "namespace", origin, True, "", None, folders)

    def _module(
        self, name: str, located: _Located, origin: ModuleOrigin, runtime: _Located | None = None
    ) -> ModuleFile:
        """Join what a stub layer has with what would be imported (`runtime`, where it is another layer)."""
        source = located.source or (runtime.source if runtime else None)
        path = located.stub or located.source or located.compiled
        assert path is not None
        kind: ModuleKind = "stub" if located.stub else "source" if located.source else "compiled"
        folders = (*located.folders, *(runtime.folders if runtime else ()))
        owner = None
        if origin in {"stub package", "typed package", "package"}:
            installed = self.environment.installed()
            owner = installed.owner(name) or installed.owner(name.partition(".")[0] + "-stubs")
        return ModuleFile(
            name,
            path,
            kind,
            origin,
            located.is_package,
            owner.name if owner else "",
            source,
            tuple(dict.fromkeys(folders)),
        )

    def _is_typed(self, parts: list[str]) -> bool:
        """Whether the top-level package of an installed module declares its annotations (PEP 561)."""
        top = self._locate_mapped(parts[0], self._editable, self.environment.search_paths)
        return top is not None and any((folder / "py.typed").is_file() for folder in top.folders)

    def _locate_mapped(
        self, name: str, mapping: Mapping[str, Path], folders: Iterable[Path]
    ) -> _Located | None:
        """Look a name up where its package is mapped to a folder of another name, else in `folders`."""
        spaces: list[Path] = []
        prefix = name
        while prefix:
            if prefix in mapping:
                target = mapping[prefix]
                rest = name[len(prefix) + 1 :].split(".") if name != prefix else []
                located = self._locate((target.parent,), [target.name, *rest])
                if located and not located.is_namespace:
                    return located
                if located:
                    spaces.extend(located.folders)
            prefix = prefix.rpartition(".")[0]
        located = self._locate(folders, name.split("."))
        if located and not located.is_namespace:
            return located
        if located:
            spaces.extend(located.folders)
        return _Located(None, None, None, True, tuple(spaces)) if spaces else None

    def _locate(self, folders: Iterable[Path], parts: Sequence[str]) -> _Located | None:
        """Descend from `folders` part by part, as an import would."""
        current = tuple(folders)
        for index, part in enumerate(parts):
            spaces: list[Path] = []
            found = None
            for folder in current:
                found = self._regular(folder, part)
                if found:
                    break
                if part in self._listing(folder).folders:
                    spaces.append(folder / part)
            if found is None:
                if not spaces:
                    return None
                found = _Located(None, None, None, True, tuple(spaces))
            if index == len(parts) - 1:
                return found
            current = found.folders
        return None

    def _regular(self, folder: Path, name: str) -> _Located | None:
        listing = self._listing(folder)
        if name in listing.folders:
            package = self._files(folder / name, "__init__", (folder / name,))
            if package:
                return package
        return self._files(folder, name, ())

    def _files(self, folder: Path, stem: str, folders: tuple[Path, ...]) -> _Located | None:
        names = self._listing(folder).files.get(stem)
        if not names:
            return None
        stub = folder / f"{stem}.pyi" if f"{stem}.pyi" in names else None
        source = folder / f"{stem}.py" if f"{stem}.py" in names else None
        compiled = next((folder / name for name in names if name.endswith(_COMPILED)), None)
        return _Located(stub, source, compiled, bool(folders), folders)

    def _importable(self, folder: Path) -> Iterator[str]:
        listing = self._listing(folder)
        yield from (name for name in listing.files if name.isidentifier())
        yield from (name for name in listing.folders if name.isidentifier() and name != "__pycache__")

    def _listing(self, folder: Path) -> _Listing:
        if folder not in self._listings:
            self._listings[folder] = _list(folder)
        return self._listings[folder]

    def _in_version(self, name: str) -> bool:
        """Whether typeshed's VERSIONS gives `name` to this Python; true for what it does not list at all."""
        listed = name
        while listed:
            if listed in self._lifetimes:
                first, last = self._lifetimes[listed]
                version = self.environment.version
                return first <= version and (last is None or version <= last)
            listed = listed.rpartition(".")[0]
        return True


def _list(folder: Path) -> _Listing:
    files: dict[str, tuple[str, ...]] = {}
    folders = set()
    try:
        entries = list(folder.iterdir())
    except OSError:
        entries = []
    for entry in sorted(entries):
        name = entry.name
        if name.endswith((".py", ".pyi", *_COMPILED)):
            stem = name.partition(".")[0]
            files[stem] = (*files.get(stem, ()), name)
        elif "." not in name and entry.is_dir():
            folders.add(name)
    return _Listing(files, frozenset(folders))


@functools.cache
def typeshed_folder() -> Path:
    """Return the folder of typeshed's standard library stubs, shipped by the typeshed_client package."""
    import typeshed_client

    return Path(typeshed_client.__file__).parent / "typeshed"


@functools.cache
def typeshed_versions() -> Mapping[str, tuple[tuple[int, int], tuple[int, int] | None]]:
    """Return the first and the last (None: still there) Python version of each module that VERSIONS lists."""
    lifetimes: dict[str, tuple[tuple[int, int], tuple[int, int] | None]] = {}
    for line in (typeshed_folder() / "VERSIONS").read_text(encoding="utf-8").splitlines():
        match = _VERSION_LINE.match(line)
        if match:
            last = (int(match[4]), int(match[5])) if match[4] else None
            lifetimes[match[1]] = (int(match[2]), int(match[3])), last
    return lifetimes
