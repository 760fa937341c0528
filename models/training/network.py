"""The type model as a torch module: what `type_model.py` computes with numpy, with gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..type_features import GROUPS, KINDS, Integers, known_features
from ..type_pairs import PAIR_FEATURES
from ..type_sight import SIGHT_FEATURES
from .dataset import Batch, Vocabulary


@dataclass(frozen=True, slots=True)
class Rows:
    """The embeddings that a batch needs: their rows in the whole table and what stands there.

    `members` says for slots, candidates and sights which of them are in which segment.
    """

    index: Tensor
    embedding: Tensor
    attention: Tensor
    members: list[tuple[Integers, Integers]]


class RowAdam:
    """Adam for a table of which each batch needs a few rows; moments of the others stay as they are."""

    def __init__(self, table: nn.Parameter) -> None:
        self._table = table
        self.state = {
            "mean": torch.zeros_like(table),
            "square": torch.zeros_like(table),
            "steps": torch.zeros(1, dtype=torch.long),
        }

    @torch.no_grad()
    def step(self, index: Tensor, gradient: Tensor, rate: float) -> None:
        """Change the rows at `index`, each of them once, by their gradient."""
        self.state["steps"] += 1
        steps = int(self.state["steps"])
        mean = self.state["mean"][index].lerp_(gradient, 0.1)
        square = self.state["square"][index].mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        self.state["mean"][index], self.state["square"][index] = mean, square
        step = (mean / (1 - 0.9**steps)) / ((square / (1 - 0.999**steps)).sqrt_() + 1e-8)
        self._table.index_add_(0, index, step, alpha=-rate)


@dataclass(frozen=True, slots=True)
class Size:
    """Widths: of a feature's embedding, a slot's state, the space where slots and candidates meet, what is
    known of how the two fit, and of what a module imports.
    """

    embedding: int = 128
    heads: int = 1
    hidden: int = 384
    match: int = 96
    fit: int = 48
    sight: int = 64


class TypeNetwork(nn.Module):
    """Bags of features, pooled by attention; the slots beside; types and candidates in one softmax.

    A slot sees what its module imports, the parameters and the return of its function, and the slots of its
    name in the module.

    The logit of a vocabulary type is linear in the slot's state and in how the type is in sight. The logit of
    a template around a candidate is the sum of the template's and the candidate's: its embedding times the
    slot's, and how the two fit.
    """

    def __init__(self, vocabulary: Vocabulary, size: Size, dropout: float, feature_dropout: float) -> None:
        super().__init__()
        self._features = vocabulary.features
        self._feature_dropout = feature_dropout
        self.size = size
        pooled = size.embedding * size.heads * GROUPS
        count = len(vocabulary.features)
        self.embedding = nn.Embedding(count, size.embedding)
        self.attention = nn.Embedding(count, size.heads)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.attention.weight)
        self.sight = nn.Linear(size.embedding * size.heads, size.sight)
        self.inner = nn.Linear(pooled + size.sight + len(KINDS), size.hidden)
        self.inner_norm = nn.LayerNorm(size.hidden)
        self.context = nn.Linear(3 * size.hidden, size.hidden)
        self.residual = nn.Linear(size.hidden, size.hidden)
        self.state_norm = nn.LayerNorm(size.hidden)
        self.types = nn.Linear(size.hidden, len(vocabulary.types))
        self.types_in_sight = nn.Parameter(torch.zeros(len(vocabulary.types), SIGHT_FEATURES))
        self.templates = nn.Linear(size.hidden, len(vocabulary.templates))
        self.templates_in_sight = nn.Parameter(torch.zeros(len(vocabulary.templates), SIGHT_FEATURES))
        self.optional = nn.Linear(size.hidden, 1)
        self.query = nn.Linear(size.hidden, size.match)
        self.candidate = nn.Linear(pooled, size.match)
        self.fit_weight = nn.Linear(size.hidden, PAIR_FEATURES)
        self.fit_inner = nn.Linear(PAIR_FEATURES, size.fit)
        self.fit_state = nn.Linear(size.hidden, size.fit, bias=False)
        self.fit_candidate = nn.Linear(pooled, size.fit, bias=False)
        self.fit_outer = nn.Linear(size.fit, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch, rows: Rows | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits: of types (n, types), templates (n, templates), pairs (m,), and of None (n,).

        In training, `rows` are the embeddings of `known_rows`, with gradients.
        """
        rows = rows or self.known_rows(batch)
        device = rows.embedding.device
        slots, candidates, sights = (
            self._pool(rows, number, count)
            for number, count in enumerate((len(batch.slots), len(batch.candidates), batch.sights.count))
        )
        modules = torch.from_numpy(batch.slots.modules).to(device)
        sight = torch.relu(self.sight(sights[:, : self.size.embedding * self.size.heads]))
        sight = sight.index_select(0, modules)
        states = self._states(batch, slots, sight)
        pair_rows = torch.from_numpy(batch.pair_rows).to(device)
        columns = torch.from_numpy(batch.pair_candidates).to(device)
        fits = torch.from_numpy(batch.pair_features).to(device)
        candidates = self.dropout(candidates)
        known = self.candidate(candidates)
        # All slots with all candidates of the batch: a matrix product is cheaper than gathering vectors.
        matches = (self.query(states) @ known.T).flatten() / self.size.match**0.5
        matches = matches.index_select(0, pair_rows * len(known) + columns)
        fitting = (self.fit_weight(states).index_select(0, pair_rows) * fits).sum(dim=1)
        inner = self.fit_inner(fits) + self.fit_state(states).index_select(0, pair_rows)
        inner = torch.relu(inner + self.fit_candidate(candidates).index_select(0, columns))
        pairs = matches + fitting + self.fit_outer(inner).squeeze(1)
        own = modules[torch.from_numpy(batch.labelled).to(device)]
        types_seen = torch.from_numpy(batch.types_in_sight).to(device)
        templates_seen = torch.from_numpy(batch.templates_in_sight).to(device)
        types = self.types(states) + (types_seen * self.types_in_sight).sum(dim=2)[own]
        templates = self.templates(states) + (templates_seen * self.templates_in_sight).sum(dim=2)[own]
        return types, templates, pairs, self.optional(states).squeeze(1)

    def known_rows(self, batch: Batch) -> Rows:
        """The embeddings of the features in a batch, each once, and who has which."""
        found = [
            known_features(bags, self._features)
            for bags in (batch.slots.features, batch.candidates.features, batch.sights)
        ]
        if self.training and self._feature_dropout:
            masks = [np.random.random(len(rows)) >= self._feature_dropout for rows, _ in found]
            found = [(rows[m], segments[m]) for (rows, segments), m in zip(found, masks, strict=True)]
        present = np.zeros(len(self._features), dtype=bool)
        for rows, _ in found:
            present[rows] = True
        numbers = np.flatnonzero(present)
        place = np.cumsum(present) - 1
        device = self.embedding.weight.device
        index = torch.from_numpy(numbers).to(device)
        return Rows(
            index,
            self.embedding.weight.detach()[index].requires_grad_(self.training),
            self.attention.weight.detach()[index].requires_grad_(self.training),
            [(place[rows], segments) for rows, segments in found],
        )

    def _pool(self, rows: Rows, table: int, count: int) -> Tensor:
        """(n, groups * heads * embedding): each head weighs the known features of a group by its own
        attention.
        """
        places, segments = rows.members[table]
        device = rows.embedding.device
        index = torch.from_numpy(places).to(device)
        segment = torch.from_numpy(segments).to(device)
        bags = count * GROUPS
        weights = torch.exp(rows.attention[index].clamp(-8, 8))
        total = torch.zeros(bags, weights.shape[1], device=device).index_add(0, segment, weights)
        weights = weights / total[segment].clamp_min(1e-6)
        offsets = torch.from_numpy(np.searchsorted(segments, np.arange(bags))).to(device)
        pooled = [
            functional.embedding_bag(
                index, rows.embedding, offsets, mode="sum", per_sample_weights=weights[:, head].contiguous()
            )
            for head in range(self.size.heads)
        ]
        return torch.stack(pooled, dim=1).reshape(count, GROUPS * self.size.heads * self.size.embedding)

    def _states(self, batch: Batch, pooled: Tensor, sight: Tensor) -> Tensor:
        """(n, hidden): the states of the labelled slots, in the light of their functions and namesakes."""
        device = pooled.device
        slots = batch.slots
        kinds = (
            functional.one_hot(torch.from_numpy(slots.kinds.astype(np.int64)), len(KINDS)).float().to(device)
        )
        inner = torch.relu(self.inner_norm(self.inner(torch.cat((pooled, sight, kinds), dim=1))))
        signature = 1 - kinds[:, KINDS.index("variable") :]
        named = torch.from_numpy((slots.names > 0).astype(np.float32)).to(device).unsqueeze(1)
        beside = _others(inner, torch.from_numpy(slots.functions).to(device), signature)
        namesakes = _others(inner, torch.from_numpy(slots.names).to(device), named)
        rows = torch.from_numpy(batch.labelled).to(device)
        seen = self.dropout(torch.cat((inner[rows], beside[rows], namesakes[rows]), dim=1))
        mixed = torch.relu(self.context(seen))
        states: Tensor = self.dropout(self.state_norm(inner[rows] + self.residual(mixed)))
        return states


class Together(nn.Module):
    """Several networks that answer as one: the mean of their logits."""

    def __init__(self, networks: Sequence[TypeNetwork]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, batch: Batch) -> tuple[Tensor, ...]:
        """The logits of `TypeNetwork`."""
        found = [network(batch) for network in self.networks]
        return tuple(torch.stack(each).mean(dim=0) for each in zip(*found, strict=True))


def _others(values: Tensor, groups: Tensor, lends: Tensor) -> Tensor:
    """(n, width): the mean over the other rows of the same group that lend; 0 where none does."""
    lent = torch.cat((values * lends, lends), dim=1)
    total = torch.zeros(int(groups.max()) + 1, lent.shape[1], device=values.device).index_add(0, groups, lent)
    others = total[groups] - lent
    return others[:, :-1] / others[:, -1:].clamp_min(1)


def joint_logits(types: Tensor, templates: Tensor, pairs: Tensor, rows: Tensor) -> Tensor:
    """(n,): the logarithm of the sum over all types, and all templates around all candidates."""
    count = len(types)
    highest = torch.full((count,), -1e4, device=pairs.device).scatter_reduce(0, rows, pairs.detach(), "amax")
    total = torch.zeros(count, device=pairs.device).index_add(0, rows, torch.exp(pairs - highest[rows]))
    candidates = torch.where(
        total > 0, highest + torch.log(total.clamp_min(1e-30)), torch.full_like(total, -1e4)
    )
    return torch.logaddexp(types.logsumexp(dim=1), templates.logsumexp(dim=1) + candidates)


def loss(network: TypeNetwork, batch: Batch, rows: Rows, smoothing: float) -> Tensor:
    """Cross entropy of the joint softmax, mean over slots; a label reached in two ways counts both."""
    types, templates, pairs, optional = network(batch, rows)
    device = types.device
    pair_rows = torch.from_numpy(batch.pair_rows).to(device)
    total = joint_logits(types, templates, pairs, pair_rows)
    type_target = torch.from_numpy(batch.type_targets).to(device)
    pair_target = torch.from_numpy(batch.pair_targets).to(device)
    template_target = torch.from_numpy(batch.template_targets).to(device)
    by_type = types.gather(1, type_target[:, None]).squeeze(1)
    paired = pair_target >= 0
    never = torch.full_like(by_type, -1e4)
    by_pair = never.clone()
    if bool(paired.any()):
        by_pair[paired] = (
            templates[paired].gather(1, template_target[paired][:, None]).squeeze(1)
            + pairs[pair_target[paired]]
        )
    by_type = torch.where(paired & (type_target == 0), never, by_type)
    target = torch.logaddexp(by_type, by_pair)
    smooth = smoothing * (total - types.mean(dim=1)) if smoothing else torch.zeros_like(total)
    known = torch.from_numpy(np.array([label != "None" for label in batch.labels])).to(device)
    wanted = torch.from_numpy(batch.optional.astype(np.float32)).to(device)
    none = functional.binary_cross_entropy_with_logits(optional, wanted, reduction="none") * known
    return ((1 - smoothing) * (total - target) + smooth + 0.3 * none).mean()
