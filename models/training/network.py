"""The type model as a torch module: what `type_model.py` computes with numpy, with gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..type_features import KINDS, PAIR_FEATURES, Bags, known_features
from .dataset import Batch, Vocabulary


@dataclass(frozen=True, slots=True)
class Size:
    """Widths: of a feature's embedding, of a slot's state, of the space where slots and candidates meet."""

    embedding: int = 128
    heads: int = 2
    hidden: int = 384
    match: int = 96


class TypeNetwork(nn.Module):
    """Bags of features, pooled by attention; the slots beside; types and candidates in one softmax.

    A slot sees the parameters and the return of its function, and the slots of its name in the module.

    The logit of a vocabulary type is linear in the slot's state. The logit of a template around a candidate
    is the sum of the template's (linear) and the candidate's: its embedding times the slot's, and how the
    two fit.
    """

    def __init__(self, vocabulary: Vocabulary, size: Size, dropout: float, feature_dropout: float) -> None:
        super().__init__()
        self._features = vocabulary.features
        self._feature_dropout = feature_dropout
        self.size = size
        pooled = size.embedding * size.heads
        count = len(vocabulary.features)
        self.embedding = nn.Embedding(count, size.embedding, sparse=True)
        self.attention = nn.Embedding(count, size.heads, sparse=True)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.attention.weight)
        self.inner = nn.Linear(pooled + len(KINDS), size.hidden)
        self.inner_norm = nn.LayerNorm(size.hidden)
        self.context = nn.Linear(3 * size.hidden, size.hidden)
        self.residual = nn.Linear(size.hidden, size.hidden)
        self.state_norm = nn.LayerNorm(size.hidden)
        self.types = nn.Linear(size.hidden, len(vocabulary.types))
        self.templates = nn.Linear(size.hidden, len(vocabulary.templates))
        self.optional = nn.Linear(size.hidden, 1)
        self.query = nn.Linear(size.hidden, size.match)
        self.candidate = nn.Linear(pooled, size.match)
        self.fit_weight = nn.Linear(size.hidden, PAIR_FEATURES)
        self.fit_inner = nn.Linear(PAIR_FEATURES, 32)
        self.fit_outer = nn.Linear(32, 1)
        self.dropout = nn.Dropout(dropout)

    def pool(self, bags: Bags) -> Tensor:
        """(n, heads * embedding): each head weighs the known features of a bag by its own attention."""
        device = self.embedding.weight.device
        rows, segments = known_features(bags, self._features)
        if self.training and self._feature_dropout:
            kept = np.random.random(len(rows)) >= self._feature_dropout
            rows, segments = rows[kept], segments[kept]
        index = torch.from_numpy(rows).to(device)
        segment = torch.from_numpy(segments).to(device)
        count = len(bags.offsets) - 1
        weights = torch.exp(self.attention(index).clamp(-8, 8))
        total = torch.zeros(count, weights.shape[1], device=device).index_add(0, segment, weights)
        weights = weights / total[segment].clamp_min(1e-6)
        offsets = torch.from_numpy(np.searchsorted(segments, np.arange(count))).to(device)
        pooled = [
            functional.embedding_bag(
                index,
                self.embedding.weight,
                offsets,
                mode="sum",
                per_sample_weights=weights[:, h].contiguous(),
                sparse=True,
            )
            for h in range(self.size.heads)
        ]
        return torch.cat(pooled, dim=1)

    def states(self, batch: Batch) -> Tensor:
        """(n, hidden): the states of the labelled slots, in the light of their functions and namesakes."""
        device = self.embedding.weight.device
        slots = batch.slots
        kinds = (
            functional.one_hot(torch.from_numpy(slots.kinds.astype(np.int64)), len(KINDS)).float().to(device)
        )
        pooled = self.pool(slots.features)
        inner = torch.relu(self.inner_norm(self.inner(torch.cat((pooled, kinds), dim=1))))
        signature = 1 - kinds[:, KINDS.index("variable") :]
        named = torch.from_numpy((slots.names > 0).astype(np.float32)).to(device).unsqueeze(1)
        beside = _others(inner, torch.from_numpy(slots.functions).to(device), signature)
        namesakes = _others(inner, torch.from_numpy(slots.names).to(device), named)
        rows = torch.from_numpy(batch.labelled).to(device)
        seen = self.dropout(torch.cat((inner[rows], beside[rows], namesakes[rows]), dim=1))
        mixed = torch.relu(self.context(seen))
        states: Tensor = self.dropout(self.state_norm(inner[rows] + self.residual(mixed)))
        return states

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits: of types (n, types), templates (n, templates), pairs (m,), and of None (n,)."""
        states = self.states(batch)
        device = states.device
        rows = torch.from_numpy(batch.pair_rows).to(device)
        columns = torch.from_numpy(batch.pair_candidates).to(device)
        fits = torch.from_numpy(batch.pair_features).to(device)
        if len(batch.candidates):
            known = self.dropout(self.candidate(self.pool(batch.candidates.features)))
            matches = (self.query(states)[rows] * known[columns]).sum(dim=1) / self.size.match**0.5
            fitting = (self.fit_weight(states)[rows] * fits).sum(dim=1)
            pairs = matches + fitting + self.fit_outer(torch.relu(self.fit_inner(fits))).squeeze(1)
        else:
            pairs = torch.zeros(0, device=device)
        return self.types(states), self.templates(states), pairs, self.optional(states).squeeze(1)


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


def loss(network: TypeNetwork, batch: Batch, smoothing: float) -> Tensor:
    """Cross entropy of the joint softmax, mean over slots; a label reached in two ways counts both."""
    types, templates, pairs, optional = network(batch)
    device = types.device
    rows = torch.from_numpy(batch.pair_rows).to(device)
    total = joint_logits(types, templates, pairs, rows)
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
