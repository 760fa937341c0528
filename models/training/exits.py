"""Training of adapters, exits, verdicts and the drafter of a language model from the catalogue."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError

from ..decoder import Decoder
from ..exits import Exits, adapt, trainable
from ..extension import DESCRIPTION, TENSORS, pack
from ..packed import BLOCK
from .code_rows import Rows
from .exits_config import ExitsConfig, rows_of, vocabulary_of
from .exits_objective import Objective

_SPLITS = ("train", "validation", "test")


def train(
    config: ExitsConfig, *, progress: Progress | None = None, cancel: CancelToken = NEVER
) -> Mapping[str, object]:
    """Read rows, train, measure on the held-out packages, write weights; returns the measurements."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    rows = {split: rows_of(split, config, progress, cancel) for split in _SPLITS}
    run = _Run(config, rows["train"])
    report: dict[str, Any] = {
        "config": config.plain(),
        "rows": {split: len(each) for split, each in rows.items()},
    }
    if not config.whole:
        report["before"] = run.objective.measure(rows["validation"], cancel)
    run.train(progress, cancel)
    report["steps"], report["seconds"] = run.step, round(run.seconds)
    for split in ("validation", "test"):
        report[split] = run.objective.measure(rows[split], cancel)
    run.write(report)
    return report


class _Run:
    """One training: the model with what is trained beside it, and the optimiser."""

    def __init__(self, config: ExitsConfig, rows: Rows) -> None:
        self.config = config
        name = config.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(name)
        _, markers = vocabulary_of(config)
        # What is trained itself is kept in float32; autocast computes in bfloat16 all the same.
        narrow = name.startswith("cuda") and not config.whole
        dtype = torch.bfloat16 if narrow else torch.float32
        self.decoder = Decoder.load(config.model, dtype).to(self.device)
        shape = self.decoder.shape
        if not config.exits or max(config.exits) >= shape.layers:
            raise TypewrightError(f"exits must lie below layer {shape.layers}, the last of the model")
        counts = np.bincount(rows.tokens[rows.tokens >= 0], minlength=shape.vocabulary)
        shortlist = np.sort(np.argsort(-counts, kind="stable")[: config.shortlist])
        self.exits = Exits(
            shape.hidden, config.exits, torch.from_numpy(shortlist), config.drafter, shape.epsilon
        ).to(self.device)
        self.adapted = {} if config.whole else adapt(self.decoder, config.rank)
        self.decoder.to(self.device)
        self.objective = Objective(self.decoder, self.exits, markers, config)
        self.parameters = dict(trainable(self.adapted, self.exits))
        if config.whole:
            self.parameters |= {f"model.{name}": p for name, p in self.decoder.named_parameters()}
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(), lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=0.0
        )
        if config.compile:
            for layer in self.decoder.layers:
                layer.compile()
            self.objective.compile()
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
            losses = self.objective.losses(self.tokens[chosen], self.learnt[chosen])
            weighted = (
                losses[0] + self.config.exit_weight * losses[1:-2].sum() + losses[-2] * 0.3 + losses[-1]
            )
            self.optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(weighted)
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
        model = _identity(self.config.model)
        if self.config.whole:
            model = _write_model(output, self.config.model, tensors)
            tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("model.")}
        content = save(pack({**tensors, "exits.shortlist": self.exits.shortlist.int().cpu()}))
        (output / TENSORS).write_bytes(content)
        description = {
            "model": model,
            "sha256": hashlib.sha256(content).hexdigest(),
            "markers": self.config.markers,
            "exits": self.config.exits,
            "calibration": self.config.calibration,
            "reads suffix": self.config.reads_suffix,
        }
        for name, data in ((DESCRIPTION, description), ("metrics.json", report)):
            (output / name).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _write_model(output: Path, origin: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write the model itself, 8 bits a number, with configuration and tokenizer; returns its hash."""
    own = {
        name.replace(".embed.", ".embed_tokens."): tensor
        for name, tensor in tensors.items()
        if name.startswith("model.")
    }
    content = save(pack(own, BLOCK))
    (output / "model.safetensors").write_bytes(content)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(origin / name, output / name)
    return hashlib.sha256(content).hexdigest()


def _identity(model: Path) -> str:
    """The hash by which the catalogue knows the model; of its tensors where it is not from the catalogue."""
    try:
        files = json.loads((model / "weights.json").read_text(encoding="utf-8"))["files"]
        return str(next(iter(files.values()))["sha256"])
    except (OSError, ValueError, KeyError, StopIteration):
        return hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
