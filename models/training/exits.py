"""Training of adapters, exits, verdicts and the drafter of a language model from the catalogue."""

from __future__ import annotations

import hashlib
import json
import math
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError

from ..decoder import Decoder, turns
from ..exits import Exits, adapt, trainable
from ..extension import DESCRIPTION, TENSORS, pack
from ..prompt import Markers
from ..vocabulary import Vocabulary
from .code_rows import Rows, read_rows
from .packages import read_packages, source_folder

# Rows whose logits are in memory at once.
_TOGETHER = 4
_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class ExitsConfig:
    """What `typewright train exits --config FILE` reads; paths are relative to the file.

    `model` is the folder of the language model; `work` holds rows and checkpoints, so that a run that was
    broken off goes on; `output` receives the weights. With `rank` 0 the model itself stays as it is. `exits`
    are numbers of layers. `markers` are the tokens that divide a prompt (file, suffix, middle, end); what
    follows `middle`, the rarest and what the model is for, counts `middle_weight` times. A run ends after
    `epochs`, or after `seconds` where they are given: the learning rate falls to nothing by whichever comes
    first.
    """

    packages: Path
    output: Path
    work: Path
    model: Path
    corpus: Path | None = None
    markers: tuple[str, ...] = ("<filename>", "<issue_start>", "<issue_closed>", "<|endoftext|>")
    rows_per_package: int = 350
    rows_held_out: int = 40
    length: int = 1024
    rank: int = 64
    exits: tuple[int, ...] = (6, 9, 12, 15, 18, 21, 24, 27)
    shortlist: int = 8191
    ahead: int = 3
    drafter: int = 768
    exit_weight: float = 0.1
    middle_weight: float = 4.0
    epochs: float = 1.0
    seconds: float = 0.0
    batch: int = 32
    learning_rate: float = 1e-3
    warm_up: int = 60
    seed: int = 0
    threads: int = 2
    device: str = "auto"
    compile: bool = False


def read_config(path: Path) -> ExitsConfig:
    """Read a configuration in TOML; raises `TypewrightError` where it is not as it must be."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        for name in ("packages", "output", "work", "corpus", "model"):
            if name in data:
                data[name] = path.parent / Path(data[name]).expanduser()
        for name in ("exits", "markers"):
            if name in data:
                data[name] = tuple(data[name])
        return ExitsConfig(**data)
    except OSError as error:
        raise TypewrightError(f"the configuration {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise TypewrightError(f"the configuration {path} is not as it must be: {error}") from error


def train(
    config: ExitsConfig, *, progress: Progress | None = None, cancel: CancelToken = NEVER
) -> Mapping[str, object]:
    """Read rows, train, measure on the held-out packages, write weights; returns the measurements."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    rows = {split: _rows(split, config, progress, cancel) for split in _SPLITS}
    run = _Run(config, rows["train"])
    report: dict[str, Any] = {
        "config": _plain(config),
        "rows": {split: len(each) for split, each in rows.items()},
    }
    report["before"] = run.measure(rows["validation"], cancel)
    run.train(progress, cancel)
    report["steps"], report["seconds"] = run.step, round(run.seconds)
    for split in ("validation", "test"):
        report[split] = run.measure(rows[split], cancel)
    run.write(report)
    return report


def _rows(split: str, config: ExitsConfig, progress: Progress | None, cancel: CancelToken) -> Rows:
    """The rows of a split, from `work` or from the corpus; a file a package, so that done work stays."""
    whole = config.work / f"rows-{split}.npz"
    if whole.is_file():
        return Rows.load(whole)
    vocabulary, markers = _vocabulary(config)
    packages = [package for package in read_packages(config.packages) if package.split == split]
    parts = []
    for number, package in enumerate(packages):
        cancel.check()
        if progress is not None:
            progress(f"reading {package.name}", number, len(packages))
        part = config.work / "rows" / f"{package.name}.npz"
        if not part.is_file():
            part.parent.mkdir(parents=True, exist_ok=True)
            limit = config.rows_per_package if split == "train" else config.rows_held_out
            folder = source_folder(package, config.corpus)
            read_rows(folder, vocabulary, markers, length=config.length, limit=limit, seed=package.name).save(
                part
            )
        parts.append(Rows.load(part))
    rows = Rows.join(parts)
    if not len(rows):
        raise TypewrightError(f"the packages of the split {split} have no source that can be learnt from")
    rows.save(whole)
    return rows


def _vocabulary(config: ExitsConfig) -> tuple[Vocabulary, Markers]:
    try:
        vocabulary = Vocabulary(Tokenizer.from_file(str(config.model / "tokenizer.json")))
    except Exception as error:  # tokenizers raises bare Exception
        raise TypewrightError(f"{config.model} holds no tokenizer that can be read: {error}") from error
    markers = Markers.of(vocabulary, config.markers)
    if markers is None:
        raise TypewrightError(
            f"the model in {config.model} lacks one of the tokens {', '.join(config.markers)}"
        )
    return vocabulary, markers


class _Run:
    """One training: the model with what is trained beside it, and the optimiser."""

    def __init__(self, config: ExitsConfig, rows: Rows) -> None:
        self.config = config
        name = config.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(name)
        _, self.markers = _vocabulary(config)
        dtype = torch.bfloat16 if name.startswith("cuda") else torch.float32
        self.decoder = Decoder.load(config.model, dtype).to(self.device)
        shape = self.decoder.shape
        if not config.exits or max(config.exits) >= shape.layers:
            raise TypewrightError(f"exits must lie below layer {shape.layers}, the last of the model")
        counts = np.bincount(rows.tokens[rows.tokens >= 0], minlength=shape.vocabulary)
        shortlist = np.sort(np.argsort(-counts, kind="stable")[: config.shortlist])
        self.exits = Exits(
            shape.hidden, config.exits, torch.from_numpy(shortlist), config.drafter, shape.epsilon
        ).to(self.device)
        self.adapted = adapt(self.decoder, config.rank)
        self.decoder.to(self.device)
        self.parameters = dict(trainable(self.adapted, self.exits))
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(), lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0
        )
        if config.compile:
            for layer in self.decoder.layers:
                layer.compile()
        self.tokens = torch.from_numpy(rows.tokens).long().to(self.device)
        self.learnt = torch.from_numpy(rows.learnt).to(self.device)
        self.total = max(1, math.ceil(config.epochs * len(rows) / config.batch))
        self.step, self.seconds = 0, 0.0

    def train(self, progress: Progress | None, cancel: CancelToken) -> None:
        self._resume()
        began, saved = time.perf_counter() - self.seconds, time.perf_counter()
        last = 0.0
        for chosen in self._batches():
            cancel.check()
            self.seconds = time.perf_counter() - began
            done = self.step / self.total
            if self.config.seconds:
                done = max(done, self.seconds / self.config.seconds)
            if done >= 1:
                break
            rate = self.config.learning_rate * min(1.0, (self.step + 1) / self.config.warm_up)
            for group in self.optimiser.param_groups:
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))
            losses = self._losses(self.tokens[chosen], self.learnt[chosen])
            weighted = (
                losses[0] + self.config.exit_weight * losses[1:-2].sum() + losses[-2] * 0.3 + losses[-1]
            )
            self.optimiser.zero_grad(set_to_none=True)
            weighted.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
            self.optimiser.step()
            self.step += 1
            if progress is not None and time.perf_counter() - last > 5:
                last = time.perf_counter()
                shown = " ".join(f"{value:.3f}" for value in losses.tolist())
                progress(f"training ({shown}) {self.seconds:.0f} s", self.step, self.total)
            if time.perf_counter() - saved > 240:
                saved = time.perf_counter()
                self._save()
        self._save()

    def _batches(self) -> Iterator[Tensor]:
        """Row numbers, in an order that depends on seed and epoch alone, from the current step on."""
        per_epoch = max(1, len(self.tokens) // self.config.batch)
        while True:
            epoch, at = divmod(self.step, per_epoch)
            order = torch.randperm(
                len(self.tokens), generator=torch.Generator().manual_seed(self.config.seed * 1000 + epoch)
            )
            for start in range(at, per_epoch):
                yield order[start * self.config.batch : (start + 1) * self.config.batch].to(self.device)

    def _states(self, tokens: Tensor) -> list[Tensor]:
        """The hidden states behind every exit's layer and behind the last one, (B, T, H) each."""
        x = self.decoder.embed(tokens)
        turn = turns(self.decoder.shape, torch.arange(tokens.shape[1], device=self.device), x.dtype)
        states = []
        for number, layer in enumerate(self.decoder.layers, 1):
            x = layer(x, turn)
            if number in self.exits.layers:
                states.append(x)
        return [*states, x]

    def _losses(self, tokens: Tensor, learnt: Tensor) -> Tensor:
        """Mean losses: the model's own, each exit's, the drafter's, the verdicts'."""
        inputs = tokens.clamp(min=0)
        weights = learnt * (1 + (self.config.middle_weight - 1) * self._in_middle(tokens))
        mixed = torch.autocast("cuda", torch.bfloat16) if self.device.type == "cuda" else nullcontext()
        with mixed:
            states = self._states(inputs)
            total: Tensor | None = None
            for start in range(0, len(tokens), _TOGETHER):
                part = slice(start, start + _TOGETHER)
                found: Tensor = checkpoint(  # type: ignore[assignment]
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
        return total / self.config.ahead

    def _ahead(self, state: Tensor, inputs: Tensor, rows: Tensor) -> Iterator[tuple[Tensor, int]]:
        """Yield (scores for the positions from `ahead` on, `ahead`), with the tokens up to there given."""
        embedded = self.decoder.embed(inputs)
        for ahead in range(1, self.config.ahead + 1):
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
        tokens, learnt = torch.from_numpy(rows.tokens).long().to(self.device), torch.from_numpy(rows.learnt)
        losses, right, middle = [], [], []
        agreed: list[list[Tensor]] = [[] for _ in self.exits.layers]
        said: list[list[Tensor]] = [[] for _ in self.exits.layers]
        drafted: list[list[Tensor]] = [[] for _ in range(self.config.ahead)]
        covered = []
        mixed = torch.autocast("cuda", torch.bfloat16) if self.device.type == "cuda" else nullcontext()
        rows_of_head = self.decoder.head.weight[self.exits.shortlist]
        for start in range(0, len(tokens), _TOGETHER):
            cancel.check()
            chosen = tokens[start : start + _TOGETHER]
            inputs = chosen.clamp(min=0)
            mask = learnt[start : start + _TOGETHER, 1:].to(self.device)
            with mixed:
                *early, final = (state[:, :-1] for state in self._states(inputs))
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

    def _save(self) -> None:
        self.config.work.mkdir(parents=True, exist_ok=True)
        state = {
            "parameters": {name: p.detach().cpu() for name, p in self.parameters.items()},
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        fresh = self.config.work / "checkpoint.new"
        torch.save(state, fresh)
        fresh.replace(self.config.work / "checkpoint.pt")

    def _resume(self) -> None:
        path = self.config.work / "checkpoint.pt"
        if not path.is_file():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        try:
            for name, parameter in self.parameters.items():
                parameter.data.copy_(state["parameters"][name])
            self.optimiser.load_state_dict(state["optimiser"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise TypewrightError(
                f"{path} belongs to another configuration: remove it to begin anew"
            ) from error
        self.step, self.seconds = state["step"], state["seconds"]

    def write(self, report: Mapping[str, Any]) -> None:
        """Write weights, description and measurements to `output`."""
        output = self.config.output
        output.mkdir(parents=True, exist_ok=True)
        tensors = {name: p.detach().cpu().contiguous() for name, p in self.parameters.items()}
        content = save(pack({**tensors, "exits.shortlist": self.exits.shortlist.int().cpu()}))
        (output / TENSORS).write_bytes(content)
        description = {
            "model": _identity(self.config.model),
            "sha256": hashlib.sha256(content).hexdigest(),
            "markers": self.config.markers,
            "exits": self.config.exits,
        }
        for name, data in ((DESCRIPTION, description), ("metrics.json", report)):
            (output / name).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _identity(model: Path) -> str:
    """The hash by which the catalogue knows the model; of its tensors where it is not from the catalogue."""
    try:
        files = json.loads((model / "weights.json").read_text(encoding="utf-8"))["files"]
        return str(next(iter(files.values()))["sha256"])
    except (OSError, ValueError, KeyError, StopIteration):
        return hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()


def _divergence(wanted: Tensor, scores: Tensor) -> Tensor:
    """Cross-entropy of the distribution `wanted` under `scores`: the divergence, but for a constant."""
    return -(wanted * functional.log_softmax(scores, -1)).sum(-1)


def _mean(parts: list[Tensor]) -> float:
    return round(float(torch.cat(parts).float().mean()), 4)


def _share(said: Tensor, agreed: Tensor, wanted: float) -> float:
    """The largest share of the positions, best verdicts first, of which `wanted` agree."""
    order = said.argsort(descending=True)
    precision = agreed[order].float().cumsum(0) / torch.arange(1, len(order) + 1, device=order.device)
    good = (precision >= wanted).nonzero()
    return round(float(good[-1, 0] + 1) / len(order), 4) if len(good) else 0.0


def _plain(config: ExitsConfig) -> dict[str, Any]:
    data = asdict(config)
    return {name: value for name, value in data.items() if not isinstance(value, Path)}
