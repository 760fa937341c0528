"""What a module imports, as the type model sees it: a bag of features, and which known types are in sight."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from typewright.indexer.slice_imports import ONLY

from .type_features import Floats, Keys, key

SIGHT_FEATURES = 4
BUILTIN = frozenset(dir(builtins)) | {"None"}
# One library tells the names of another.
_SAME_LIBRARY = {"typing_extensions": "typing", "collections": "typing"}
_NAME = re.compile(r"[A-Za-z_]\w*")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def names_in(type_text: str) -> list[str]:
    """The names in a spelled type, each once; what is quoted in a Literal is none."""
    return list(dict.fromkeys(_NAME.findall(_QUOTED.sub("", type_text))))


@dataclass(frozen=True, slots=True)
class Sight:
    """A module's imports: keys of features, and of the names, modules and libraries in sight.

    `only_…` is what annotations alone use.
    """

    features: Keys
    only_features: Keys
    names: Keys
    only_names: Keys

    def hidden(self) -> Sight:
        """The same without what annotations alone use, as if nobody had annotated."""
        nothing = np.zeros(0, dtype=np.uint32)
        return replace(self, only_features=nothing, only_names=nothing)

    @property
    def bag(self) -> Keys:
        """All features."""
        return np.concatenate((self.features, self.only_features))


def encode_sight(module: Iterable[str]) -> Sight:
    """Encode the features that `indexer/slice_imports.py` finds."""
    features: tuple[list[int], list[int]] = ([], [])
    names: tuple[list[int], list[int]] = ([], [])
    for feature in module:
        only = feature.startswith(ONLY)
        kind, _, text = feature.removeprefix(ONLY).partition(":")
        features[only].append(key(f"module|{feature}"))
        library = _library(text)
        if kind == "from":
            names[only].append(key(f"name:{text.rpartition('.')[2]}"))
            features[only].append(key(f"module|{ONLY if only else ''}name:{text.rpartition('.')[2]}"))
        else:
            names[only].append(key(f"{kind}:{library}"))
            features[only].append(key(f"module|library:{library}"))
    found = [np.unique(np.array(keys, dtype=np.uint32)) for keys in (*features, *names)]
    return Sight(*found)


def _library(module: str) -> str:
    root = module.lstrip(".").partition(".")[0]
    return _SAME_LIBRARY.get(root, root)


class InSight:
    """For each of some types: whether the names in it are in sight of a module, and how."""

    def __init__(self, types: Sequence[str], qualified: Mapping[str, str]) -> None:
        rows = [[name for name in names_in(text) if name not in BUILTIN] for text in types]
        names = sorted({name for row in rows for name in row})
        column = {name: number for number, name in enumerate(names)}
        self._parts = np.zeros((len(types), len(names)), dtype=np.float32)
        for number, row in enumerate(rows):
            self._parts[number, [column[name] for name in row]] = 1
        self._count = self._parts.sum(axis=1)
        libraries = [_library(qualified.get(name, "")) for name in names]
        self._names = np.array([key(f"name:{name}") for name in names], dtype=np.uint32)
        self._modules = np.array([key(f"module:{name}") for name in libraries], dtype=np.uint32)
        self._libraries = np.array([key(f"import:{name}") for name in libraries], dtype=np.uint32)

    def __call__(self, sight: Sight) -> Floats:
        """(types, SIGHT_FEATURES): in the code's sight; in that of annotations; module; library imported."""
        everything = np.concatenate((sight.names, sight.only_names))
        spoken, bound = self._all(self._names, sight.names), self._all(self._names, everything)
        return np.stack(
            (
                spoken,
                bound - spoken,
                self._all(self._modules, everything),
                self._all(self._libraries, everything),
            ),
            axis=1,
        )

    def _all(self, wanted: Keys, present: Keys) -> Floats:
        found = self._parts @ np.isin(wanted, present).astype(np.float32)
        result: Floats = ((found == self._count) & (self._count > 0)).astype(np.float32)
        return result
