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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typewright.indexer.cancellation import NEVER, CancelToken
from typewright.indexer.errors import TypewrightError
from typewright.indexer.slices import FunctionSlice

from .protocol import Candidate, RankedType
from .type_features import (
    GROUPS,
    KINDS,
    ORIGINS,
    Bags,
    Candidates,
    Floats,
    Integers,
    Keys,
    Slots,
    encode_candidates,
    encode_slots,
    known_features,
)
from .type_pairs import pair_features, relevant
from .type_sight import InSight, Sight, encode_sight

DEFAULT_FOLDER = Path(__file__).with_name("weights") / "type-model"
TENSORS, DESCRIPTION, MANIFEST = "model.safetensors", "model.json", "weights.json"
OTHER, PLACEHOLDER = "<other>", "?"

_NAME = re.compile(r"[A-Za-z_]\w*")
_QUOTED = re.compile(r"('[^']*'|\"[^\"]*\")")
_SLOTS_AT_ONCE = 256
_BEST_TYPES, _BEST_TEMPLATES, _BEST_CANDIDATES = 8, 4, 6


class TypeModel:
    """The weights, and what they predict. Thread-safe: nothing changes after loading.

    `features` (sorted keys), `types` and `templates` are what it knows by heart.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]], description: Mapping[str, Any]) -> None:
        self.features: Keys = tensors["features"]
        self._embedding = tensors["embedding"]
        self._scale = tensors["embedding_scale"].astype(np.float32)
        self._weights = {
            name: tensor.astype(np.float32)
            for name, tensor in tensors.items()
            if name not in {"features", "embedding", "embedding_scale"}
        }
        self.types: list[str] = description["types"]
        self.templates: list[str] = description["templates"]
        qualified: dict[str, str] = description["qualified"]
        self._spoken_types = [qualify(text, qualified) for text in self.types]
        self._spoken_templates = [qualify(text, qualified) for text in self.templates]
        self._types_in_sight = InSight(self.types, qualified)
        self._templates_in_sight = InSight(self.templates, qualified)
        self._calibration = {kind: np.array(description["calibration"][kind]) for kind in KINDS}

    @property
    def weights(self) -> dict[str, Floats]:
        """All weights by name, as the network that is trained has them."""
        return {**self._weights, "embedding.weight": self._embedding * self._scale[:, None]}

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
        limit: int = 10,
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
            states = self._states(slots, sight, cancel)
            pooled = self._pool(table.features)
            types = self._linear("types", states) + self._seen("types_in_sight", self._types_in_sight(sight))
            templates = self._linear("templates", states)
            templates += self._seen("templates_in_sight", self._templates_in_sight(sight))
            for chunk in _chunks(len(slots)):
                cancel.check()
                part = slots.take(chunk)
                pairs = self._pairs(states[chunk], part, table, pooled, origins)
                optional = self._linear("optional", states[chunk])[:, 0] > 0
                logits = types[chunk], templates[chunk], pairs
                ranked += self._rank(logits, part.kinds, optional, names, limit)
        rows = iter(ranked)
        return tuple(tuple(next(rows) for _ in function.slots) for function in functions)

    def _rank(
        self,
        scores: tuple[Floats, Floats, Floats],
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

    def _linear(self, name: str, values: Floats) -> Floats:
        result: Floats = values @ self._weights[f"{name}.weight"].T
        bias = self._weights.get(f"{name}.bias")
        return result if bias is None else result + bias

    def _seen(self, name: str, in_sight: Floats) -> Floats:
        """(types,): what it adds to the logits of types that they are in sight of the module."""
        result: Floats = (in_sight * self._weights[name]).sum(axis=1)
        return result

    def _norm(self, name: str, values: Floats) -> Floats:
        centred = values - values.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
        result: Floats = scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result

    def _pool(self, bags: Bags) -> Floats:
        """(n, groups * heads * embedding): each head weighs the known features of a group by its own
        attention.
        """
        rows, segments = known_features(bags, self.features)
        count = bags.count * GROUPS
        weights = np.exp(np.clip(self._weights["attention.weight"][rows], -8, 8))
        vectors = self._embedding[rows] * self._scale[rows][:, None]
        pooled = np.zeros((count, weights.shape[1], vectors.shape[1]), dtype=np.float32)
        if len(rows):
            filled, starts = np.unique(segments, return_index=True)
            total = np.maximum(np.add.reduceat(weights, starts, axis=0), 1e-6)
            for head in range(weights.shape[1]):
                sums = np.add.reduceat(vectors * weights[:, head : head + 1], starts, axis=0)
                pooled[filled, head] = sums / total[:, head : head + 1]
        return pooled.reshape(bags.count, GROUPS * weights.shape[1] * vectors.shape[1])

    def _states(self, slots: Slots, sight: Sight, cancel: CancelToken = NEVER) -> Floats:
        """(n, hidden): what is known of each slot, in the light of its module, function and namesakes."""
        kinds = np.eye(len(KINDS), dtype=np.float32)[slots.kinds]
        inner = np.zeros((len(slots), len(self._weights["inner.bias"])), dtype=np.float32)
        width = self._weights["sight.weight"].shape[1]
        module = _relu(self._linear("sight", self._pool(Bags.of([sight.bag]))[:, :width]))
        for chunk in _chunks(len(slots)):
            cancel.check()
            pooled = self._pool(slots.features.take(chunk))
            seen = np.hstack((pooled, np.repeat(module, len(chunk), axis=0), kinds[chunk]))
            inner[chunk] = _relu(self._norm("inner_norm", self._linear("inner", seen)))
        beside = _others(inner, slots.functions, slots.kinds < KINDS.index("variable"))
        namesakes = _others(inner, slots.names, slots.names > 0)
        mixed = _relu(self._linear("context", np.hstack((inner, beside, namesakes))))
        return self._norm("state_norm", inner + self._linear("residual", mixed))

    def _pairs(
        self,
        states: Floats,
        slots: Slots,
        candidates: Candidates,
        pooled: Floats,
        origins: NDArray[np.uint8],
    ) -> Floats:
        """(n, candidates): logits of the candidates."""
        if not len(candidates):
            return np.zeros((len(slots), 0), dtype=np.float32)
        query, known = self._linear("query", states), self._linear("candidate", pooled)
        fits = pair_features(slots, candidates, origins)
        scores = (fits @ self._linear("fit_weight", states)[:, :, None])[:, :, 0]
        inner = self._linear("fit_inner", fits)
        inner += self._linear("fit_state", states)[:, None]
        inner += self._linear("fit_candidate", pooled)[None]
        outer = self._linear("fit_outer", _relu(inner))[:, :, 0]
        result: Floats = query @ known.T / np.float32(query.shape[1] ** 0.5) + scores + outer
        return result


def qualify(text: str, qualified: Mapping[str, str]) -> str:
    """A spelled type with qualified names; what is quoted stays."""
    parts = _QUOTED.split(text)
    parts[::2] = [
        _NAME.sub(lambda match: qualified.get(match.group(), match.group()), part) for part in parts[::2]
    ]
    return "".join(parts)


def _chunks(count: int) -> Iterator[Integers]:
    """Row numbers, some at a time."""
    for start in range(0, count, _SLOTS_AT_ONCE):
        yield np.arange(start, min(start + _SLOTS_AT_ONCE, count))


def _others(values: Floats, groups: Integers, lends: NDArray[np.bool_]) -> Floats:
    """(n, width): the mean over the other rows of the same group that lend; 0 where none does."""
    counted = lends[:, None].astype(np.float32)
    lent = np.hstack((values, np.ones_like(counted))) * counted
    order = np.argsort(groups, kind="stable")
    present, starts, inverse = np.unique(groups[order], return_index=True, return_inverse=True)
    total = np.add.reduceat(lent[order], starts, axis=0) if len(present) else lent
    others = np.empty_like(lent)
    others[order] = total[inverse] - lent[order]
    return (others[:, :-1] / np.maximum(others[:, -1:], 1)).astype(np.float32)


def _relu(values: Floats) -> Floats:
    return np.maximum(values, 0)


def _logsumexp(values: Floats) -> Floats:
    highest = values.max(axis=1, keepdims=True)
    result: Floats = (highest + np.log(np.exp(values - highest).sum(axis=1, keepdims=True)))[:, 0]
    return result


def best_columns(values: Floats, count: int) -> Integers:
    """(n, count): the columns with the highest values of each row."""
    if values.shape[1] <= count:
        return np.tile(np.arange(values.shape[1]), (len(values), 1))
    return np.argpartition(-values, count - 1, axis=1)[:, :count]
