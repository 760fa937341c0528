"""The forward pass of the type model, in numpy: what `training/network.py` trains.

Several networks may answer together, by the mean of their logits (an ensemble; Hansen and Salamon, 1990).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typewright.indexer.cancellation import NEVER, CancelToken

from .type_features import (
    GROUPS,
    KINDS,
    Bags,
    Candidates,
    Floats,
    Integers,
    Keys,
    Slots,
    known_features,
)
from .type_sight import Sight

_SLOTS_AT_ONCE = 256


class Network:
    """The weights of one network. Thread-safe: nothing changes after loading."""

    def __init__(self, features: Keys, tensors: Mapping[str, NDArray[Any]]) -> None:
        self._features = features
        self._embedding = tensors["embedding"]
        self._scale = tensors["embedding_scale"].astype(np.float32)
        self._weights = {
            name: tensor.astype(np.float32)
            for name, tensor in tensors.items()
            if name not in {"embedding", "embedding_scale"}
        }

    @property
    def weights(self) -> dict[str, Floats]:
        """All weights by name, as the network that is trained has them."""
        return {**self._weights, "embedding.weight": self._embedding * self._scale[:, None]}

    def see(
        self,
        slots: Slots,
        sight: Sight,
        candidates: Candidates,
        in_sight: tuple[Floats, Floats],
        cancel: CancelToken = NEVER,
    ) -> Seen:
        """Take in one module: its slots, the candidates, how types and templates are in sight of it."""
        types_in_sight, templates_in_sight = in_sight
        return Seen(
            self,
            self._states(slots, sight, cancel),
            self._pool(candidates.features) if len(candidates) else np.zeros((0, 0), np.float32),
            (types_in_sight * self._weights["types_in_sight"]).sum(axis=1),
            (templates_in_sight * self._weights["templates_in_sight"]).sum(axis=1),
        )

    def linear(self, name: str, values: Floats) -> Floats:
        """The layer of a name, on rows of values."""
        result: Floats = values @ self._weights[f"{name}.weight"].T
        bias = self._weights.get(f"{name}.bias")
        return result if bias is None else result + bias

    def _norm(self, name: str, values: Floats) -> Floats:
        centred = values - values.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
        result: Floats = scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result

    def _pool(self, bags: Bags) -> Floats:
        """(n, groups * heads * embedding): each head weighs the known features of a group by its own
        attention.
        """
        rows, segments = known_features(bags, self._features)
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
        module = _relu(self.linear("sight", self._pool(Bags.of([sight.bag]))[:, :width]))
        for chunk in chunks(len(slots)):
            cancel.check()
            pooled = self._pool(slots.features.take(chunk))
            seen = np.hstack((pooled, np.repeat(module, len(chunk), axis=0), kinds[chunk]))
            inner[chunk] = _relu(self._norm("inner_norm", self.linear("inner", seen)))
        beside = _others(inner, slots.functions, slots.kinds < KINDS.index("variable"))
        namesakes = _others(inner, slots.names, slots.names > 0)
        mixed = _relu(self.linear("context", np.hstack((inner, beside, namesakes))))
        return self._norm("state_norm", inner + self.linear("residual", mixed))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a network knows of a module: the states of its slots, its candidates, what sight adds."""

    network: Network
    states: Floats
    candidates: Floats
    types: Floats
    templates: Floats

    def say(self, chunk: Integers, fits: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Logits for some slots: of types (n, types), templates (n, templates), candidates
        (n, candidates), None (n,). `fits` (n, candidates, features) says how they go together.
        """
        linear, states = self.network.linear, self.states[chunk]
        return (
            linear("types", states) + self.types,
            linear("templates", states) + self.templates,
            self._pairs(states, fits),
            linear("optional", states)[:, 0],
        )

    def _pairs(self, states: Floats, fits: Floats) -> Floats:
        if not fits.shape[1]:
            return np.zeros((len(states), 0), dtype=np.float32)
        linear = self.network.linear
        query, known = linear("query", states), linear("candidate", self.candidates)
        scores = (fits @ linear("fit_weight", states)[:, :, None])[:, :, 0]
        inner = linear("fit_inner", fits)
        inner += linear("fit_state", states)[:, None]
        inner += linear("fit_candidate", self.candidates)[None]
        outer = linear("fit_outer", _relu(inner))[:, :, 0]
        result: Floats = query @ known.T / np.float32(query.shape[1] ** 0.5) + scores + outer
        return result


def chunks(count: int) -> Iterator[Integers]:
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
