"""What is trained beside a frozen decoder: low-rank adapters, early exits, verdicts and a drafter.

Shapes: N positions, H the hidden size, S the shortlist, E exits.

- *Adapters* add a product of two thin matrices to every linear map of a layer (Hu et al., LoRA, 2021). They
  fit the model to code, to prompts with a repository in them, and its lower layers to being asked early.
- An *exit* reads the hidden state behind a layer: one linear map towards what the last layer would have said,
  then the model's own last norm and the rows of its head for a shortlist of tokens (the commonest in code),
  and one score for all others. A whole head costs as much as eight layers of a small model; a shortlist one
  or two.
- A *verdict* says of an exit, from the same state, whether the last layer would agree and whether it would be
  right: the controller that exits, goes on or stops (Sun et al., SEC, 2024, section 3).
- The *drafter* looks further ahead than one token: from the last hidden state and the token chosen it makes
  the state of the next position, again and again, without running a layer (as Ankner et al., Hydra, 2024,
  and Li et al., EAGLE, 2024, do with heads that see the tokens before).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from .decoder import Decoder, Norm

ADAPTED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Adapted(nn.Module):
    """A frozen linear map with a low-rank one beside it; begins as the frozen one alone."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """x: (…, inputs); returns (…, outputs)."""
        aside = functional.linear(functional.linear(x, self.down.to(x.dtype)), self.up.to(x.dtype))
        out: Tensor = self.linear(x) + aside
        return out


def adapt(decoder: Decoder, rank: int) -> dict[str, Adapted]:
    """Freeze `decoder` and put adapters of `rank` beside its linear maps; returns them by the maps' names."""
    decoder.requires_grad_(False)
    adapted: dict[str, Adapted] = {}
    if not rank:
        return adapted
    for number, layer in enumerate(decoder.layers):
        for part in ("self_attn", "mlp"):
            module = getattr(layer, part)
            for name in ADAPTED:
                if isinstance(linear := getattr(module, name, None), nn.Linear):
                    adapted[f"{number}.{part}.{name}"] = adapter = Adapted(linear, rank)
                    setattr(module, name, adapter)
    return adapted


class Exits(nn.Module):
    """Exits, verdicts and the drafter of a decoder; `layers`: how many layers run before each exit."""

    def __init__(
        self, hidden: int, layers: tuple[int, ...], shortlist: Tensor, inner: int, epsilon: float
    ) -> None:
        super().__init__()
        self.layers = layers
        self.translate = nn.Parameter(torch.zeros(len(layers), hidden, hidden))
        self.other = nn.Parameter(torch.zeros(hidden))
        self.verdict = nn.Parameter(torch.zeros(len(layers), 2, hidden))
        self.verdict_bias = nn.Parameter(torch.zeros(len(layers), 2))
        self.drafter = Drafter(hidden, inner, epsilon)
        self.shortlist: Tensor
        self.register_buffer("shortlist", shortlist)  # S token numbers

    def state(self, exit_number: int, x: Tensor) -> Tensor:
        """What the last layer is expected to put out, from x (N, H) behind the exit's layer."""
        return x + x @ self.translate[exit_number].to(x.dtype)

    def scores(self, normed: Tensor, rows: Tensor) -> Tensor:
        """Logits of the shortlist and, last, of all others: (N, S + 1); `rows` are the head's, (S, H)."""
        return torch.cat((normed @ rows.T, (normed @ self.other.to(normed.dtype))[:, None]), 1)

    def verdicts(self, exit_number: int, normed: Tensor) -> Tensor:
        """Logits that the last layer agrees, and that it is right: (N, 2)."""
        return normed @ self.verdict[exit_number].to(normed.dtype).T + self.verdict_bias[exit_number]


class Drafter(nn.Module):
    """The hidden state of the next position, from the state of this one and the token that was chosen."""

    def __init__(self, hidden: int, inner: int, epsilon: float) -> None:
        super().__init__()
        self.state_norm = Norm(hidden, epsilon)
        self.token_norm = Norm(hidden, epsilon)
        self.gate = nn.Linear(2 * hidden, inner, bias=False)
        self.up = nn.Linear(2 * hidden, inner, bias=False)
        self.down = nn.Linear(inner, hidden, bias=False)
        nn.init.zeros_(self.down.weight)

    def forward(self, state: Tensor, embedded: Tensor) -> Tensor:
        """state, embedded: (N, H)."""
        seen = torch.cat((self.state_norm(state), self.token_norm(embedded)), -1)
        out: Tensor = state + self.down(functional.silu(self.gate(seen)) * self.up(seen))
        return out


def trainable(adapted: dict[str, Adapted], exits: Exits) -> Iterator[tuple[str, nn.Parameter]]:
    """All parameters that are trained, with their names in files."""
    for name, module in adapted.items():
        yield f"adapter.{name}.down", module.down
        yield f"adapter.{name}.up", module.up
    for name, parameter in exits.named_parameters():
        yield f"exits.{name}", parameter
