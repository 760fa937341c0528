"""The packages that models are trained on: which, in which version, under which licence; their sources."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError

Split = Literal["train", "validation", "test"]

_MARK = ".complete"


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution: `sha256` is that of its wheel; empty fields where an installed package is meant."""

    name: str
    split: Split
    version: str = ""
    license: str = ""
    wheel: str = ""
    sha256: str = ""


def read_packages(path: Path) -> tuple[Package, ...]:
    """Read a list of packages in TOML; raises `TypewrightError` where it is not as it must be."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        packages = tuple(Package(**entry) for entry in data["package"])
        excluded = set(data.get("excluded", {}).get("names", ()))
    except OSError as error:
        raise TypewrightError(f"the list of packages {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise TypewrightError(f"the list of packages {path} is not as it must be: {error}") from error
    for package in packages:
        if package.split not in get_args(Split):
            raise TypewrightError(f"{path}: {package.name} has the unknown split {package.split}")
        if package.name in excluded:
            raise TypewrightError(f"{path}: {package.name} is on the list of what must not be trained on")
    return packages


def source_folder(package: Package, corpus: Path | None) -> Path:
    """The folder of a package's sources: in the corpus, or where it is installed (nothing is imported)."""
    if corpus is not None:
        folder = corpus / package.name
        if not folder.is_dir():
            raise TypewrightError(f"{package.name} is not in {corpus}: run `typewright train corpus` first")
        return folder
    found = importlib.util.find_spec(package.name)
    if found is None or not found.submodule_search_locations:
        raise TypewrightError(f"the package {package.name} is not installed")
    return Path(next(iter(found.submodule_search_locations)))


def fetch(
    packages: Sequence[Package],
    corpus: Path,
    *,
    progress: Progress | None = None,
    cancel: CancelToken = NEVER,
) -> None:
    """Bring the Python files of every package into `corpus`, each in its own folder; nothing is executed.

    Wheels come from the package index by exact version and must have the listed sha256. Packages that are
    there already are left alone. Raises `TypewrightError`.
    """
    for number, package in enumerate(packages):
        cancel.check()
        if progress is not None:
            progress(f"fetching {package.name}", number, len(packages))
        if not (corpus / package.name / _MARK).exists():
            _fetch_one(package, corpus)


def _fetch_one(package: Package, corpus: Path) -> None:
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=corpus) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--dest", scratch, f"{package.name}=={package.version}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheel = next(Path(scratch).glob("*.whl"), None)
        if done.returncode or wheel is None:
            reason = (done.stderr.strip().splitlines() or ["nothing came"])[-1]
            raise TypewrightError(f"{package.name} {package.version} could not be fetched: {reason}")
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if wheel.name == package.wheel and found != package.sha256:
            raise TypewrightError(f"{wheel.name} has the wrong hash (sha256 {found[:12]}…)")
        target = Path(scratch) / "sources"
        with zipfile.ZipFile(wheel) as archive:
            members = [m for m in archive.namelist() if m.endswith(".py") or ".dist-info/" in m]
            archive.extractall(target, members)
        (target / _MARK).touch()
        shutil.rmtree(corpus / package.name, ignore_errors=True)
        target.rename(corpus / package.name)
