"""What typewright found on this machine for one workspace, and what mends what is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typewright.indexer.errors import TypewrightError

if TYPE_CHECKING:
    from typewright.assist.session import Session


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked for; `remedy` is what mends it, empty where all is well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(session: Session) -> list[Diagnosis]:
    """Look at everything the workspace needs; nothing is started or fetched."""
    return [_program(), *_environment(session), *_index(session), *_weights(session), _device(session)]


def _program() -> Diagnosis:
    version = importlib.metadata.version("typewright")
    return Diagnosis("typewright", True, f"{version}, Python {platform.python_version()}")


def _environment(session: Session) -> Iterator[Diagnosis]:
    try:
        environment = session.index.environment
    except TypewrightError as error:
        yield Diagnosis("environment", False, str(error), "name one: --python PATH")
        return
    version = ".".join(map(str, environment.version))
    yield Diagnosis("environment", True, f"Python {version} at {environment.prefix} ({environment.origin})")
    count = len(environment.installed().distributions)
    remedy = (
        ""
        if count
        else f"install the project's libraries into {environment.prefix}, or name another --python"
    )
    yield Diagnosis("libraries", bool(count), f"{count} installed", remedy)
    for path, reason in environment.skipped:
        yield Diagnosis("skipped environment", True, f"{path}: {reason}")


def _index(session: Session) -> Iterator[Diagnosis]:
    try:
        folder = session.index.folder
        files = len(session.index.snapshot().files())
    except TypewrightError as error:
        yield Diagnosis("index", False, str(error), "name a folder that can be written: --cache FOLDER")
        return
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    remedy = "" if files else f"typewright index {session.root}"
    yield Diagnosis("index", files > 0, f"{files:,} files, {size / 1e6:.1f} MB at {folder}", remedy)
    writable = os.access(folder, os.W_OK)
    yield Diagnosis(
        "cache", writable, f"{folder} can{'' if writable else 'not'} be written",
        "" if writable else "name another folder: --cache FOLDER",
    )  # fmt: skip


def _weights(session: Session) -> Iterator[Diagnosis]:
    from typewright.models.catalogue import catalogue
    from typewright.models.pull import WeightsMissing, locate
    from typewright.models.type_model import DEFAULT_FOLDER

    here = any(DEFAULT_FOLDER.glob("*.safetensors"))
    remedy = "" if here else "install typewright again, or: typewright train type-model --config FILE"
    yield Diagnosis("weights (type model)", here, f"{'' if here else 'not '}at {DEFAULT_FOLDER}", remedy)
    wanted = session.settings.language_model
    for weights in catalogue():
        if not weights.default and weights.name != wanted:
            continue
        try:
            folder: Path | None = locate(weights.name)
        except WeightsMissing:
            folder = None
        detail = f"{weights.name} at {folder}" if folder else f"{weights.name} is not here"
        remedy = "" if folder else f"typewright models pull {weights.name}"
        yield Diagnosis(f"weights ({weights.role})", folder is not None, detail, remedy)


def _device(session: Session) -> Diagnosis:
    wanted = session.settings.device
    gpus = sorted(Path("/proc/driver/nvidia/gpus").glob("*"))
    found = f"{len(gpus)} NVIDIA GPU{'s' * (len(gpus) != 1)}" if gpus else f"{os.cpu_count()} CPU cores"
    if wanted.startswith("cuda") and not gpus:
        return Diagnosis("device", False, f"{wanted} was asked for; {found} found", "--device cpu")
    return Diagnosis("device", True, f"{wanted}: {found}")
