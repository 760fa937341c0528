"""The type model: which type a slot has, guessed from its usage slice. Numpy alone, no torch.

Every slot is a bag of features (`indexer/slices.py`). Attention pools the bag; the parameters and the
return of the function, and the slots of the same name in the module, lend it context; the result is
compared with a vocabulary of types and with candidates that the model may never have seen, in one softmax.
A candidate is embedded from its name, members, bases and documentation, as user-defined types are in TypeT5
(Wei et al., 2023) and Typilus (Allamanis et al., 2020).
Probabilities are calibrated by isotonic regression on packages outside the training.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError
from typewright.indexer.slices import FunctionSlice

from .protocol import Candidate, RankedType
from .type_features import (
    KINDS,
    ORIGINS,
    Floats,
    Integers,
    Keys,
    encode_candidates,
    encode_slots,
)
from .type_network import Network, chunks
from .type_pairs import pair_features, relevant
from .type_sight import InSight, encode_sight

DEFAULT_FOLDER = Path(__file__).with_name("weights") / "type-model"
TENSORS, DESCRIPTION, MANIFEST = "model.safetensors", "model.json", "weights.json"
OTHER, PLACEHOLDER = "<other>", "?"

_NAME = re.compile(r"[A-Za-z_]\w*")
_MEMBER = re.compile(r"\d+/")
_QUOTED = re.compile(r"('[^']*'|\"[^\"]*\")")
_BEST_TYPES, _BEST_TEMPLATES, _BEST_CANDIDATES = 24, 6, 12


class TypeModel:
    """The weights, and what they predict. Thread-safe: nothing changes after loading.

    `features` (sorted keys), `types` and `templates` are what it knows by heart.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]], description: Mapping[str, Any]) -> None:
        self.features: Keys = tensors["features"]
        self.networks = [
            Network(self.features, {name: tensors[prefix + name] for name in names})
            for prefix, names in sorted(_by_member(tensors).items())
        ]
        self.types: list[str] = description["types"]
        self.templates: list[str] = description["templates"]
        qualified: dict[str, str] = description["qualified"]
        self._spoken_types = [qualify(text, qualified) for text in self.types]
        self._spoken_templates = [qualify(text, qualified) for text in self.templates]
        self._types_in_sight = InSight(self.types, qualified)
        self._templates_in_sight = InSight(self.templates, qualified)
        self._calibration = {kind: np.array(description["calibration"][kind]) for kind in KINDS}

    @classmethod
    def load(cls, folder: Path = DEFAULT_FOLDER) -> TypeModel:
        """Load what `typewright train type-model` wrote; raises `TypewrightError` where it is damaged."""
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
            content = {name: (folder / name).read_bytes() for name in (TENSORS, DESCRIPTION)}
            for name, data in content.items():
                if hashlib.sha256(data).hexdigest() != manifest[name]["sha256"]:
                    raise TypewrightError(f"the type model in {folder} is damaged: {name} has the wrong hash")
            from safetensors.numpy import load

            return cls(load(content[TENSORS]), json.loads(content[DESCRIPTION]))
        except OSError as error:
            raise TypewrightError(f"there is no type model in {folder}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise TypewrightError(f"the type model in {folder} is damaged: {error}") from error

    def predict(
        self,
        functions: Sequence[FunctionSlice],
        candidates: Sequence[Candidate] = (),
        cancel: CancelToken = NEVER,
        *,
        limit: int = 24,
    ) -> tuple[tuple[tuple[RankedType, ...], ...], ...]:
        """Rank types for every slot of `functions`: by function, by slot, the best first, at most `limit`.

        The functions of one call are those of one module, and `candidates` what that module could name.
        """
        slots = encode_slots(functions)
        ranked: list[tuple[RankedType, ...]] = []
        if len(slots):
            origins = np.array([ORIGINS.index(c.origin) for c in candidates], dtype=np.uint8)
            table = encode_candidates(candidates)
            kept = relevant(slots, table, origins)
            table, origins = table.take(kept), origins[kept]
            names = [candidates[number].qualified_name or candidates[number].name for number in kept]
            sight = encode_sight(functions[0].module)
            in_sight = self._types_in_sight(sight), self._templates_in_sight(sight)
            seen = [network.see(slots, sight, table, in_sight, cancel) for network in self.networks]
            for chunk in chunks(len(slots)):
                cancel.check()
                part = slots.take(chunk)
                fits = (
                    pair_features(part, table, origins)
                    if len(table)
                    else np.zeros((len(part), 0, 0), dtype=np.float32)
                )
                said = [each.say(chunk, fits) for each in seen]
                types, templates, pairs, optional = (
                    sum(each) / len(said) for each in zip(*said, strict=True)
                )
                ranked += self._rank((types, templates, pairs), part.kinds, optional > 0, names, limit)
        rows = iter(ranked)
        return tuple(tuple(next(rows) for _ in function.slots) for function in functions)

    def _rank(
        self,
        scores: Sequence[Floats],
        kinds: NDArray[np.uint8],
        optional: NDArray[np.bool_],
        names: Sequence[str],
        limit: int,
    ) -> Iterator[tuple[RankedType, ...]]:
        logits, templates, pairs = scores
        total = _logsumexp(logits)
        if len(names):
            total = np.logaddexp(total, _logsumexp(templates) + _logsumexp(pairs))
        types = np.exp(logits - total[:, None])
        best_types = best_columns(types, _BEST_TYPES)
        best_templates, best_pairs = (
            best_columns(templates, _BEST_TEMPLATES),
            best_columns(pairs, _BEST_CANDIDATES),
        )
        for row, kind in enumerate(kinds):
            found: defaultdict[str, float] = defaultdict(float)
            for number in best_types[row]:
                if number:
                    found[self._spoken_types[number]] += float(types[row, number])
            for template in best_templates[row]:
                for pair in best_pairs[row]:
                    text = self._spoken_templates[template].replace(PLACEHOLDER, names[pair])
                    found[text] += float(np.exp(templates[row, template] + pairs[row, pair] - total[row]))
            order = sorted(found, key=lambda text: (-found[text], text))[:limit]
            known, true = self._calibration[KINDS[kind]]
            calibrated = np.interp([found[text] for text in order], known, true)
            yield tuple(
                RankedType(
                    f"{text} | None" if optional[row] and text != "None" else text, round(float(value), 4)
                )
                for text, value in zip(order, calibrated, strict=True)
            )


def _by_member(tensors: Iterable[str]) -> dict[str, list[str]]:
    """The names of the weights of each network, by the prefix under which they are stored."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in tensors:
        member = _MEMBER.match(name)
        if name != "features":
            found[member.group() if member else ""].append(name[member.end() :] if member else name)
    return found


def qualify(text: str, qualified: Mapping[str, str]) -> str:
    """A spelled type with qualified names; what is quoted stays."""
    parts = _QUOTED.split(text)
    parts[::2] = [
        _NAME.sub(lambda match: qualified.get(match.group(), match.group()), part) for part in parts[::2]
    ]
    return "".join(parts)


def _logsumexp(values: Floats) -> Floats:
    highest = values.max(axis=1, keepdims=True)
    result: Floats = (highest + np.log(np.exp(values - highest).sum(axis=1, keepdims=True)))[:, 0]
    return result


def best_columns(values: Floats, count: int) -> Integers:
    """(n, count): the columns with the highest values of each row."""
    if values.shape[1] <= count:
        return np.tile(np.arange(values.shape[1]), (len(values), 1))
    return np.argpartition(-values, count - 1, axis=1)[:, :count]
