"""The Python environment of a workspace, read statically: no interpreter is started, nothing imported.

The folders follow the documentation of the `site` module and PEP 405 (pyvenv.cfg); editable installs are
those of setuptools and of the `editables` package.
"""

import ast
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeGuard

from .distributions import Installed, children, modified, read_installed, read_text
from .errors import TypewrightError

IN_PROJECT = (".venv", "venv", "env", ".env")
STARTUP_FILE_CAP = 1 << 20  # bytes of a .pth file or of an editable finder

_LIBRARY_FOLDER = re.compile(r"(?:python|pypy)(\d+)\.(\d+)t?")
_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment: where its interpreter would look for modules.

    `search_paths` are the site-packages folders and the path lines of their .pth files, in order;
    `standard_library` the folders of the base installation (sources, then compiled modules; empty when it is
    not on this machine); `editable` maps module names to the folders or files of editable installs.
    """

    prefix: Path
    version: tuple[int, int]
    search_paths: tuple[Path, ...]
    origin: str
    standard_library: tuple[Path, ...] = ()
    editable: tuple[tuple[str, Path], ...] = ()
    skipped: tuple[tuple[Path, str], ...] = ()

    def fingerprint(self) -> tuple[int, ...]:
        """Return numbers that change when a distribution is installed, upgraded or removed."""
        return tuple(modified(path) for path in self.search_paths)

    def installed(self) -> Installed:
        """Return the installed distributions; read again only when a search path has changed."""
        return read_installed(self.search_paths, self.fingerprint())


def discover(root: Path, python: Path | None = None) -> Environment:
    """Return the environment of the workspace `root`.

    `python` is an interpreter or an environment's folder and decides alone where it is given. Without it the
    order is: a virtual environment in the project, VIRTUAL_ENV, CONDA_PREFIX, the interpreter that runs us.

    Raises:
        TypewrightError: `python` is neither an interpreter nor an environment.
    """
    if python is not None:
        return _explicit(root, python)
    skipped: list[tuple[Path, str]] = []
    for prefix, origin in _candidates(root):
        environment = _read(prefix, origin)
        if environment is not None:
            return replace(environment, skipped=(*skipped, *environment.skipped))
        skipped.append((prefix, "not a Python environment: no site-packages folder"))
    running = _read(Path(sys.prefix), "the interpreter that runs typewright", sys.version_info[:2])
    if running is None:
        running = Environment(Path(sys.prefix), sys.version_info[:2], (), "none was found")
    return replace(running, skipped=(*skipped, *running.skipped))


def _explicit(root: Path, python: Path) -> Environment:
    path = python if python.is_absolute() else root / python
    if not path.exists():
        path = python.expanduser()
    if not path.exists():
        found = shutil.which(python) if len(python.parts) == 1 else None
        if found is None:
            raise TypewrightError(f"There is no Python environment or interpreter at {python}.")
        path = Path(found)
    path = path.absolute()
    environment = _read(path, "setting") if path.is_dir() else _of_interpreter(path)
    if environment is None:
        raise TypewrightError(
            f"{python} is not a Python environment: no site-packages folder was found beside it."
        )
    return environment


def _of_interpreter(executable: Path) -> Environment | None:
    """A virtual environment's interpreter is a link: where it lies counts first, its target second."""
    for path in (executable, executable.resolve()):
        named = _VERSION.search(path.name)
        version = (int(named[1]), int(named[2])) if named else None
        for prefix in (path.parent.parent, path.parent):
            environment = _read(prefix, "setting", version)
            if environment is not None and (version is None or environment.version == version):
                return environment
    return None


def _candidates(root: Path) -> Iterator[tuple[Path, str]]:
    for folder in _up_to_repository(root):
        for name in IN_PROJECT:
            if (folder / name / "pyvenv.cfg").is_file():
                yield folder / name, "in the project"
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        value = os.environ.get(variable)
        if value:
            yield Path(value), variable


def _up_to_repository(root: Path) -> Iterator[Path]:
    """The workspace and, where it lies inside a repository, the folders above it, up to the repository's."""
    folders = [root, *root.parents]
    top = next((index for index, folder in enumerate(folders) if (folder / ".git").exists()), 0)
    yield from folders[: top + 1]


def _read(prefix: Path, origin: str, version: tuple[int, int] | None = None) -> Environment | None:
    """Read the environment at `prefix`; None where there is none."""
    configuration = _configuration(prefix / "pyvenv.cfg")
    stated = _VERSION.match(configuration.get("version") or configuration.get("version_info") or "")
    if stated:
        version = (int(stated[1]), int(stated[2]))
    if version is None:
        version = _version_of_layout(prefix)
    if version is None:
        return None
    bases = _bases(prefix, configuration)
    sites = _site_folders(prefix, version)
    is_virtual = bool(configuration)
    if not is_virtual or configuration.get("include-system-site-packages", "").lower() == "true":
        for base in bases:
            sites += _site_folders(base, version)
        sites += _user_site(version)
    sites = [path for path in dict.fromkeys(sites) if path.is_dir()]
    standard_library = _standard_library(bases, version)
    if not sites and (is_virtual or not standard_library):
        return None
    skipped: list[tuple[Path, str]] = []
    search_paths = _with_path_files(sites, skipped)
    editable = _editable(sites, skipped)
    return Environment(
        prefix,
        version,
        tuple(search_paths),
        origin,
        standard_library,
        tuple(editable.items()),
        tuple(skipped),
    )


def _configuration(path: Path) -> dict[str, str]:
    """The keys of a pyvenv.cfg, in lower case; empty where there is none."""
    text = read_text(path, STARTUP_FILE_CAP) or ""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _bases(prefix: Path, configuration: Mapping[str, str]) -> list[Path]:
    """The prefixes in which the base installation of an environment may lie, likeliest first."""
    home = configuration.get("home")
    if home is None:
        return [prefix]
    folder = Path(home)
    bases = [folder.parent, folder]
    for key in ("base-prefix", "base-exec-prefix"):
        bases.extend(Path(value) for value in [configuration.get(key)] if value)
    for name in ("python3", "python"):
        executable = folder / name
        if executable.exists():  # a link, as in macOS frameworks and Homebrew: follow it
            bases.append(executable.resolve().parent.parent)
    return list(dict.fromkeys(bases))


def _library_folders(prefix: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    for name in ("lib", "lib64"):
        for folder in sorted(children(prefix / name)):
            match = _LIBRARY_FOLDER.fullmatch(folder.name)
            if match and folder.is_dir():
                yield folder, (int(match[1]), int(match[2]))


def _version_of_layout(prefix: Path) -> tuple[int, int] | None:
    """The version that an environment without pyvenv.cfg shows in the names of its files."""
    versions = {version for _, version in _library_folders(prefix)}
    if len(versions) == 1:
        return versions.pop()
    target = (prefix / "bin" / "python3").resolve() if (prefix / "bin" / "python3").exists() else None
    named = _VERSION.search(target.name) if target else None
    if named and (int(named[1]), int(named[2])) in versions:
        return int(named[1]), int(named[2])
    if versions:
        return max(versions)
    for path in children(prefix / "conda-meta"):
        conda = re.fullmatch(r"python-(\d+)\.(\d+)[.\d]*.*-.*\.json", path.name)
        if conda:
            return int(conda[1]), int(conda[2])
    for path in children(prefix):  # a Windows installation: python311.dll, python311.zip
        windows = re.fullmatch(r"python(\d)(\d+)\.(?:dll|zip)", path.name.lower())
        if windows:
            return int(windows[1]), int(windows[2])
    return None


def _site_folders(prefix: Path, version: tuple[int, int]) -> list[Path]:
    major, minor = version
    folders = [folder / "site-packages" for folder, found in _library_folders(prefix) if found == version]
    folders.append(prefix / "Lib" / "site-packages")
    # Debian keeps what its package manager installs apart.
    folders.append(prefix / "local" / "lib" / f"python{major}.{minor}" / "dist-packages")
    folders.append(prefix / "lib" / f"python{major}.{minor}" / "dist-packages")
    folders.append(prefix / "lib" / f"python{major}" / "dist-packages")
    return _distinct(folders)


def _distinct(folders: Iterable[Path]) -> list[Path]:
    """Drop folders that are the same on disk (`lib64` may be a link to `lib`; some systems ignore case)."""
    kept: dict[Path, Path] = {}
    for folder in folders:
        if folder.is_dir():
            kept.setdefault(folder.resolve(), folder)
    return list(kept.values())


def _user_site(version: tuple[int, int]) -> list[Path]:
    major, minor = version
    return [
        Path.home() / ".local" / "lib" / f"python{major}.{minor}" / "site-packages",
        Path(os.environ.get("APPDATA") or Path.home()) / "Python" / f"Python{major}{minor}" / "site-packages",
    ]


def _standard_library(bases: Iterable[Path], version: tuple[int, int]) -> tuple[Path, ...]:
    for base in bases:
        folders = [folder for folder, found in _library_folders(base) if found == version]
        for folder in [*folders, base / "Lib"]:
            if (folder / "os.py").is_file():
                compiled = [folder / "lib-dynload", base / "DLLs"]
                return (folder, *(path for path in compiled if path.is_dir()))
    return ()


def _with_path_files(sites: list[Path], skipped: list[tuple[Path, str]]) -> list[Path]:
    """The site folders and the path lines of their .pth files; lines to be executed are passed over."""
    search_paths: dict[Path, None] = {}
    for site in sites:
        search_paths[site] = None
        for file in sorted(children(site)):
            if file.suffix != ".pth" or file.name.startswith("."):
                continue
            text = read_text(file, STARTUP_FILE_CAP)
            if text is None:
                skipped.append((file, "unreadable"))
                continue
            for line in text.splitlines():
                entry = line.strip()
                if not entry or entry.startswith(("#", "import ", "import\t")) or "\0" in entry:
                    continue
                path = Path(os.path.normpath(site / entry))
                if path.is_dir():
                    search_paths[path] = None
    return list(search_paths)


def _editable(sites: Iterable[Path], skipped: list[tuple[Path, str]]) -> dict[str, Path]:
    """What the finder modules of editable installs map, read as literals."""
    found: dict[str, Path] = {}
    for site in sites:
        for file in sorted(children(site)):
            if file.suffix == ".py" and file.name.startswith(("__editable__", "_editable_impl_")):
                text = read_text(file, STARTUP_FILE_CAP)
                try:
                    tree = ast.parse(text or "")
                except (SyntaxError, ValueError, RecursionError):
                    text = None
                if text is None:
                    skipped.append((file, "the finder of an editable install could not be read"))
                    continue
                found.update(_finder_entries(tree))
    return found


def _finder_entries(tree: ast.Module) -> Iterator[tuple[str, Path]]:
    for node in ast.walk(tree):
        name, value = "", None
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name, value = node.target.id, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
        elif _is_map_module(node):
            name, value = "MAPPING", ast.Dict(keys=[node.args[0]], values=[node.args[1]])
        if name not in {"MAPPING", "NAMESPACES"} or value is None:
            continue
        try:
            mapping = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
        if not isinstance(mapping, dict):
            continue
        for module, target in mapping.items():
            targets = target if isinstance(target, list) else [target]
            for path in targets[:1]:
                if isinstance(module, str) and isinstance(path, str) and "\0" not in path:
                    yield module, _without_initializer(Path(path))


def _is_map_module(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether this is `F.map_module(name, path)` of the `editables` package."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "map_module"
        and len(node.args) == 2
    )


def _without_initializer(path: Path) -> Path:
    return path.parent if path.name in {"__init__.py", "__init__.pyi"} else path
