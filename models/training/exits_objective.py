"""What adapters, exits, verdicts and the drafter are to learn, and how well they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from typewright.indexer.cancellation import CancelToken

from ..decoder import Decoder, turns
from ..exits import Exits
from ..prompt import Markers
from .code_rows import Rows
from .exits_config import ExitsConfig


class Objective:
    """A decoder with exits, seen as losses and as measurements."""

    def __init__(self, decoder: Decoder, exits: Exits, markers: Markers, config: ExitsConfig) -> None:
        self.decoder, self.exits, self.markers = decoder, exits, markers
        self._device = decoder.norm.weight.device
        self._ahead_steps, self._middle_weight = config.ahead, config.middle_weight
        self._together = config.together

    def compile(self) -> None:
        """Compile what is computed for every position: passes over logits become one."""
        self._sums = torch.compile(self._sums)  # type: ignore[method-assign]

    def states(self, tokens: Tensor) -> list[Tensor]:
        """The hidden states behind every exit's layer and behind the last one, (B, T, H) each."""
        x = self.decoder.embed(tokens)
        turn = turns(self.decoder.shape, torch.arange(tokens.shape[1], device=self._device), x.dtype)
        states = []
        for number, layer in enumerate(self.decoder.layers, 1):
            x = layer(x, turn)
            if number in self.exits.layers:
                states.append(x)
        return [*states, x]

    def losses(self, tokens: Tensor, learnt: Tensor) -> Tensor:
        """Mean losses: the model's own, each exit's, the drafter's, the verdicts'."""
        inputs = tokens.clamp(min=0)
        weights = learnt * (1 + (self._middle_weight - 1) * self._in_middle(tokens))
        mixed = torch.autocast("cuda", torch.bfloat16) if self._device.type == "cuda" else nullcontext()
        with mixed:
            states = self.states(inputs)
            total: Tensor | None = None
            for start in range(0, len(tokens), self._together):
                part = slice(start, start + self._together)
                found: Tensor = checkpoint(
                    self._sums,
                    inputs[part],
                    weights[part],
                    *(state[part] for state in states),
                    use_reentrant=False,
                )
                total = found if total is None else total + found
        assert total is not None
        return total / weights[:, 1:].sum().clamp(min=1)

    def _in_middle(self, tokens: Tensor) -> Tensor:
        """Which tokens follow a middle marker and no file marker since."""
        places = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        middle = torch.where(tokens == self.markers.middle, places, -1).cummax(1).values
        file = torch.where(tokens == self.markers.file, places, 0).cummax(1).values
        return (middle > file) & (tokens != self.markers.middle)

    def _sums(self, inputs: Tensor, weights: Tensor, *states: Tensor) -> Tensor:
        """Losses summed over the positions, as often as they count."""
        *early, final = (state[:, :-1] for state in states)
        truth, mask = inputs[:, 1:], weights[:, 1:].float()
        logits = self.decoder.head(self.decoder.norm(final)).float()
        logp = functional.log_softmax(logits, -1)
        own = -(logp.gather(-1, truth[..., None])[..., 0] * mask).sum()
        with torch.no_grad():
            best = logits.argmax(-1)
            wanted = self._shortened(logp)
        rows = self.decoder.head.weight[self.exits.shortlist]
        sums, verdicts = [own], final.new_zeros((), dtype=torch.float32)
        for number, state in enumerate(early):
            normed = self.decoder.norm(self.exits.state(number, state.flatten(0, 1)))
            scores = self.exits.scores(normed, rows).float().view(*truth.shape, -1)
            sums.append((_divergence(wanted, scores) * mask).sum())
            with torch.no_grad():
                labels = torch.stack((self._token(scores.argmax(-1)) == best, best == truth), -1).float()
            said = self.exits.verdicts(number, normed.detach()).float().view(*truth.shape, 2)
            unsure = functional.binary_cross_entropy_with_logits(said, labels, reduction="none").mean(-1)
            verdicts = verdicts + (unsure * mask).sum()
        sums.append(self._drafts(final.detach(), inputs, wanted, mask, rows))
        sums.append(verdicts / len(early))
        return torch.stack(sums)

    def _drafts(self, state: Tensor, inputs: Tensor, wanted: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
        """The drafter's loss: the distribution that the model has one, two… positions further on."""
        total = state.new_zeros((), dtype=torch.float32)
        for scores, ahead in self._ahead(state, inputs, rows):
            total = total + (_divergence(wanted[:, ahead:], scores) * mask[:, ahead:]).sum()
        return total / self._ahead_steps

    def _ahead(self, state: Tensor, inputs: Tensor, rows: Tensor) -> Iterator[tuple[Tensor, int]]:
        """Yield (scores for the positions from `ahead` on, `ahead`), with the tokens up to there given."""
        embedded = self.decoder.embed(inputs)
        for ahead in range(1, self._ahead_steps + 1):
            state = self.exits.drafter(state[:, : inputs.shape[1] - 1 - ahead], embedded[:, ahead:-1])
            scores = self.exits.scores(self.decoder.norm(state).flatten(0, 1), rows)
            yield scores.float().view(*state.shape[:2], -1), ahead

    def _shortened(self, logp: Tensor) -> Tensor:
        """Probabilities of the shortlist and of all others together, from log-probabilities of all."""
        short = logp[..., self.exits.shortlist].exp()
        return torch.cat((short, (1 - short.sum(-1, keepdim=True)).clamp(min=0)), -1)

    def _token(self, place: Tensor) -> Tensor:
        """The tokens at places of the shortlist; -1 for "another"."""
        known = functional.pad(self.exits.shortlist, (0, 1), value=-1)
        return known[place]

    @torch.no_grad()
    def measure(self, rows: Rows, cancel: CancelToken) -> dict[str, Any]:
        """How the model and what stands beside it do on `rows`.

        Loss in nats a token; of each exit how often it agrees with the last layer, and on which share of the
        tokens it does so in 99 of 100 cases by its verdict; of the drafter how often each step agrees.
        """
        tokens, learnt = torch.from_numpy(rows.tokens).long().to(self._device), torch.from_numpy(rows.learnt)
        losses, right, middle = [], [], []
        agreed: list[list[Tensor]] = [[] for _ in self.exits.layers]
        said: list[list[Tensor]] = [[] for _ in self.exits.layers]
        drafted: list[list[Tensor]] = [[] for _ in range(self._ahead_steps)]
        covered = []
        mixed = torch.autocast("cuda", torch.bfloat16) if self._device.type == "cuda" else nullcontext()
        rows_of_head = self.decoder.head.weight[self.exits.shortlist]
        for start in range(0, len(tokens), self._together):
            cancel.check()
            chosen = tokens[start : start + self._together]
            inputs = chosen.clamp(min=0)
            mask = learnt[start : start + self._together, 1:].to(self._device)
            with mixed:
                *early, final = (state[:, :-1] for state in self.states(inputs))
                logits = self.decoder.head(self.decoder.norm(final)).float()
                best, truth = logits.argmax(-1), inputs[:, 1:]
                losses.append(functional.cross_entropy(logits[mask], truth[mask], reduction="none"))
                right.append((best == truth)[mask])
                middle.append(self._in_middle(chosen)[:, 1:][mask])
                covered.append(torch.isin(best, self.exits.shortlist)[mask])
                for number, state in enumerate(early):
                    normed = self.decoder.norm(self.exits.state(number, state.flatten(0, 1)))
                    place = self.exits.scores(normed, rows_of_head).argmax(-1).view_as(truth)
                    agreed[number].append((self._token(place) == best)[mask])
                    verdict = self.exits.verdicts(number, normed)[:, 0].view_as(truth)
                    said[number].append(verdict.float()[mask])
                for scores, ahead in self._ahead(final, inputs, rows_of_head):
                    same = self._token(scores.argmax(-1)) == best[:, ahead:]
                    drafted[ahead - 1].append(same[mask[:, ahead:]])
        return {
            "tokens": sum(len(each) for each in losses),
            "loss": _mean(losses),
            "right": _mean(right),
            "loss in the middle": _mean([torch.cat(losses)[torch.cat(middle)]]),
            "right in the middle": _mean([torch.cat(right)[torch.cat(middle)]]),
            "in the shortlist": _mean(covered),
            "exits": {
                str(layer): {
                    "agrees": _mean(agreed[number]),
                    "share at 99%": _share(torch.cat(said[number]), torch.cat(agreed[number]), 0.99),
                    "share at 97%": _share(torch.cat(said[number]), torch.cat(agreed[number]), 0.97),
                }
                for number, layer in enumerate(self.exits.layers)
            },
            "drafter agrees": [_mean(each) for each in drafted],
        }


def _divergence(wanted: Tensor, scores: Tensor) -> Tensor:
    """Cross-entropy of the distribution `wanted` under `scores`: the divergence, but for a constant."""
    return -(wanted * functional.log_softmax(scores, -1)).sum(-1)


def _mean(parts: list[Tensor]) -> float:
    whole = torch.cat(parts).float()
    return round(float(whole.mean()), 4) if len(whole) else 0.0


def _share(said: Tensor, agreed: Tensor, wanted: float) -> float:
    """The largest share of the positions, best verdicts first, of which `wanted` agree."""
    order = said.argsort(descending=True)
    precision = agreed[order].float().cumsum(0) / torch.arange(1, len(order) + 1, device=order.device)
    good = (precision >= wanted).nonzero()
    return round(float(good[-1, 0] + 1) / len(order), 4) if len(good) else 0.0
