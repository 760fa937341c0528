"""Training of the type model: packages in, weights with a model card out."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import pickle
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError

from ..type_features import KINDS
from ..type_model import DESCRIPTION, MANIFEST, TENSORS, TypeModel
from . import evaluation
from .dataset import Batch, Dataset, Vocabulary, build_vocabulary, drop_duplicates
from .examples import PackageExamples, store_package
from .network import RowAdam, Size, Together, TypeNetwork, loss
from .packages import Package, read_packages, source_folder
from .settings import read_settings

_TABLES = ("embedding.weight", "attention.weight")
# What few weights say about many slots has far to go in the steps that there are: how much faster it learns.
_FASTER = {"types_in_sight": 20.0, "templates_in_sight": 20.0, "fit_": 4.0}


# What does not change how the training goes on from a checkpoint.
_IRRELEVANT = frozenset({"output", "threads", "device", "average", "beside"})


@dataclass(frozen=True, slots=True)
class TypeModelConfig:
    """What `typewright train type-model --config FILE` reads; paths are relative to the file.

    `corpus` holds the sources of `packages` (without it they are read where they are installed); `work` holds
    examples and checkpoints, so that a run that was broken off goes on; `output` receives the weights;
    `start` are weights of the same size to begin with; with `average`, the result is the mean of those and of
    what the run makes of them (as in the model soups of Wortsman et al., 2022). `beside` are weights that
    answer together with those of the run, as an ensemble.
    `labels_per_package` are read of a package in training and `labels_per_held_out` of the others;
    `labels_per_epoch` is how many of one package an epoch takes.
    """

    packages: Path
    output: Path
    work: Path
    corpus: Path | None = None
    start: Path | None = None
    average: bool = False
    beside: Path | None = None
    labels_per_package: int = 8000
    labels_per_epoch: int = 2500
    labels_per_held_out: int = 3000
    packages_per_feature: int = 3
    packages_per_type: int = 3
    size: Size = field(default_factory=Size)
    epochs: int = 5
    batch: int = 1024
    learning_rate: float = 1e-3
    embedding_learning_rate: float = 2e-3
    dropout: float = 0.2
    feature_dropout: float = 0.25
    smoothing: float = 0.05
    hide: float = 0.5
    seed: int = 0
    threads: int = 2
    device: str = "auto"


def read_config(path: Path) -> TypeModelConfig:
    """Read a configuration in TOML; raises `TypewrightError` where it is not as it must be."""
    return read_settings(
        path,
        lambda data: TypeModelConfig(**data | {"size": Size(**data.get("size", {}))}),
        ("packages", "output", "work", "corpus", "start", "beside"),
    )


def train(
    config: TypeModelConfig, *, progress: Progress | None = None, cancel: CancelToken = NEVER
) -> Mapping[str, object]:
    """Train, calibrate, evaluate and write the weights; returns the metrics. Deterministic by `seed`."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    packages = read_packages(config.packages)
    examples = _read_all(packages, config, progress, cancel)
    splits = {
        split: [e for e, p in zip(examples, packages, strict=True) if p.split == split]
        for split in ("test", "validation", "train")
    }
    known: set[bytes] = set()
    duplicates = {split: drop_duplicates(splits[split], known) for split in splits}
    vocabulary = build_vocabulary(
        splits["train"],
        packages_per_feature=config.packages_per_feature,
        packages_per_type=config.packages_per_type,
    )
    data = {split: Dataset(chosen, vocabulary) for split, chosen in splits.items()}
    for split, chosen in data.items():
        if not chosen.size:
            raise TypewrightError(f"no package of the split {split} has an annotation")
    network = _Trainer(config, vocabulary, data["train"]).run(progress, cancel)
    if config.average and config.start is not None:
        _average(network, config, vocabulary)
    quantise(network)
    networks = [network]
    if config.beside is not None:
        networks = [*_earlier(config.beside, config, vocabulary), *networks]
    together = Together(networks)
    raw = evaluation.answers(together, data["validation"], vocabulary, config.batch, config.hide)
    curves = {kind: evaluation.isotonic([a for a in raw if a.kind == kind]) for kind in KINDS}
    metrics: dict[str, Any] = {
        "slots": {split: chosen.size for split, chosen in data.items()},
        "functions left out as near-duplicates": duplicates,
        "features": len(vocabulary.features),
        "types": len(vocabulary.types),
        "templates": len(vocabulary.templates),
    }
    table = evaluation.count_table(splits["train"])
    (config.work / "count-table.json").write_text(json.dumps(table), encoding="utf-8")
    for split in ("validation", "test"):
        for name, hide in (("", 0.0), (", annotation-only imports hidden", 1.0)):
            found = evaluation.answers(together, data[split], vocabulary, config.batch, hide)
            calibrated = evaluation.calibrate(found, curves)
            metrics[f"{split}{name}"] = evaluation.summary(calibrated) | {
                "expected calibration error": round(evaluation.expected_calibration_error(calibrated), 4),
                "reliability": evaluation.reliability(calibrated),
            }
        metrics[f"{split}, count table"] = evaluation.summary(
            evaluation.table_answers(table, splits[split], vocabulary)
        )
    write(config.output, networks, vocabulary, curves, metrics)
    return {"weights": str(config.output), **metrics}


def _read_all(
    packages: Sequence[Package], config: TypeModelConfig, progress: Progress | None, cancel: CancelToken
) -> list[PackageExamples]:
    """The examples of every package, from the work folder where they are there already."""
    folder = config.work / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    most = {"train": config.labels_per_package}
    jobs = [
        (p.name, source_folder(p, config.corpus), most.get(p.split, config.labels_per_held_out), folder)
        for p in packages
    ]
    found = []
    with ExitStack() as stack:
        paths: Iterable[Path] = map(store_package, jobs)
        if config.threads > 1:
            context = multiprocessing.get_context("spawn")
            pool = stack.enter_context(context.Pool(min(config.threads, len(jobs))))
            paths = pool.imap(store_package, jobs)
        for number, path in enumerate(paths):
            cancel.check()
            if progress is not None:
                progress("reading packages", number + 1, len(jobs))
            found.append(pickle.loads(path.read_bytes()))  # written by ourselves, a moment or a run ago
    return found


class _Trainer:
    """The training loop, with a checkpoint after every epoch."""

    def __init__(self, config: TypeModelConfig, vocabulary: Vocabulary, data: Dataset) -> None:
        self._config = config
        self._data = data
        device = config.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._network = TypeNetwork(vocabulary, config.size, config.dropout, config.feature_dropout).to(
            device
        )
        if config.start is not None:
            take_over(config.start, self._network, vocabulary)
        named = dict(self._network.named_parameters())
        self._tables = [RowAdam(named[name]) for name in _TABLES]
        groups: dict[float, list[torch.nn.Parameter]] = {}
        for name, parameter in named.items():
            if name not in _TABLES:
                speed = next((s for prefix, s in _FASTER.items() if name.startswith(prefix)), 1.0)
                groups.setdefault(speed, []).append(parameter)
        self._speeds = list(groups)
        self._optimiser = torch.optim.AdamW(
            [{"params": parameters} for parameters in groups.values()], weight_decay=0.01
        )
        self._steps = max(1, config.epochs * data.epoch_size(config.labels_per_epoch) // config.batch)
        self._checkpoint = config.work / "checkpoint.pt"
        relevant = {k: v for k, v in asdict(config).items() if k not in _IRRELEVANT} | {"faster": _FASTER}
        self._identity = hashlib.sha256(
            repr((relevant, vocabulary.types, vocabulary.features.tobytes())).encode()
        ).hexdigest()

    def run(self, progress: Progress | None, cancel: CancelToken) -> TypeNetwork:
        """Train all epochs, from the last checkpoint of the same configuration and data on."""
        epoch, step = self._resume()
        while epoch < self._config.epochs:
            random = np.random.default_rng((self._config.seed, epoch))
            np.random.seed(self._config.seed + epoch)
            torch.manual_seed(self._config.seed + epoch)
            self._network.train()
            for batch in self._data.batches(
                self._config.batch,
                random,
                hide=self._config.hide,
                per_package=self._config.labels_per_epoch,
            ):
                cancel.check()
                value = self._step(batch, step)
                step += 1
                if progress is not None:
                    progress(f"epoch {epoch + 1}, loss {value.item():.3f}", step, self._steps)
            epoch += 1
            self._save(epoch, step)
        return self._network

    def _step(self, batch: Batch, step: int) -> torch.Tensor:
        """Change the weights by one batch; returns the loss."""
        factor = self._rate(step)
        for speed, group in zip(self._speeds, self._optimiser.param_groups, strict=True):
            group["lr"] = self._config.learning_rate * factor * speed
        rows = self._network.known_rows(batch)
        value = loss(self._network, batch, rows, self._config.smoothing)
        self._optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        for table, part in zip(self._tables, (rows.embedding, rows.attention), strict=True):
            if part.grad is not None:
                table.step(rows.index, part.grad, self._config.embedding_learning_rate * factor)
        return value

    def _rate(self, step: int) -> float:
        """Warm up for 2% of the steps, then go down linearly."""
        done = step / self._steps
        return min(1.0, done / 0.02 + 0.05) * max(0.02, 1.0 - done)

    def _resume(self) -> tuple[int, int]:
        if not self._checkpoint.exists():
            return 0, 0
        saved = torch.load(self._checkpoint, weights_only=True)
        if saved["identity"] != self._identity:
            return 0, 0
        self._network.load_state_dict(saved["network"])
        self._optimiser.load_state_dict(saved["optimiser"])
        for table, state in zip(self._tables, saved["tables"], strict=True):
            for name, value in state.items():
                table.state[name].copy_(value)
        return saved["epoch"], saved["step"]

    def _save(self, epoch: int, step: int) -> None:
        state = {
            "identity": self._identity,
            "epoch": epoch,
            "step": step,
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "tables": [table.state for table in self._tables],
        }
        scratch = self._checkpoint.with_suffix(".partial")
        torch.save(state, scratch)
        scratch.replace(self._checkpoint)


def _earlier(folder: Path, config: TypeModelConfig, vocabulary: Vocabulary) -> list[TypeNetwork]:
    """The networks of an earlier run."""
    found = []
    for earlier in range(len(TypeModel.load(folder).networks)):
        network = TypeNetwork(vocabulary, config.size, config.dropout, config.feature_dropout)
        take_over(folder, network, vocabulary, member=earlier)
        found.append(network)
    return found


@torch.no_grad()
def _average(network: TypeNetwork, config: TypeModelConfig, vocabulary: Vocabulary) -> None:
    """Go half the way back to the weights that the run began with."""
    assert config.start is not None
    first = _earlier(config.start, config, vocabulary)[0]
    for parameter, earlier in zip(network.parameters(), first.parameters(), strict=True):
        parameter.lerp_(earlier.to(parameter.device), 0.5)


def _rows_as_int8(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    scale = (np.abs(weight).max(axis=1) / 127).astype(np.float16)
    scale = np.maximum(scale, np.float16(1e-6))
    return np.clip(np.rint(weight / scale[:, None]), -127, 127).astype(np.int8), scale


@torch.no_grad()
def quantise(network: TypeNetwork) -> None:
    """Round the weights to what will be stored, so that what is measured is what is shipped."""
    for name, parameter in network.named_parameters():
        if name == "embedding.weight":
            rows, scale = _rows_as_int8(parameter.cpu().numpy())
            parameter.copy_(torch.from_numpy(rows.astype(np.float32) * scale[:, None].astype(np.float32)))
        else:
            parameter.copy_(parameter.half().float())


@torch.no_grad()
def take_over(folder: Path, network: TypeNetwork, vocabulary: Vocabulary, *, member: int = 0) -> None:
    """Begin with earlier weights: all that does not depend on the vocabulary, and of it what both know."""
    earlier = TypeModel.load(folder)
    weights = earlier.networks[member].weights
    known = {
        "types": (earlier.types, list(vocabulary.types)),
        "templates": (earlier.templates, list(vocabulary.templates)),
        "embedding": (earlier.features.tolist(), vocabulary.features.tolist()),
        "types_in_sight": (earlier.types, list(vocabulary.types)),
        "templates_in_sight": (earlier.templates, list(vocabulary.templates)),
        "attention": (earlier.features.tolist(), vocabulary.features.tolist()),
    }
    for name, parameter in network.named_parameters():
        value = torch.from_numpy(weights[name]).to(parameter.device)
        if name.partition(".")[0] in known:
            theirs, ours = known[name.partition(".")[0]]
            rows = {text: row for row, text in enumerate(theirs)}
            shared = [(row, rows[text]) for row, text in enumerate(ours) if text in rows]
            to, source = (torch.tensor(each) for each in zip(*shared, strict=True))
            parameter[to] = value[source]
        elif parameter.shape == value.shape:
            parameter.copy_(value)
        else:
            raise TypewrightError(f"the weights in {folder} are of another size: {name}")


def write(
    folder: Path,
    networks: Sequence[TypeNetwork],
    vocabulary: Vocabulary,
    curves: Mapping[str, list[list[float]]],
    metrics: Mapping[str, Any],
) -> None:
    """Write what `TypeModel.load` reads, and the metrics beside it; the manifest comes last."""
    from safetensors.numpy import save

    tensors: dict[str, NDArray[Any]] = {"features": vocabulary.features}
    for number, network in enumerate(networks):
        for name, parameter in network.named_parameters():
            value = parameter.detach().cpu().numpy()
            if name == "embedding.weight":
                rows, scale = _rows_as_int8(value)
                tensors[f"{number}/embedding"], tensors[f"{number}/embedding_scale"] = rows, scale
            else:
                tensors[f"{number}/{name}"] = value.astype(np.float16)
    description = {
        "types": vocabulary.types,
        "templates": vocabulary.templates,
        "qualified": dict(vocabulary.qualified),
        "calibration": curves,
        "size": {each.name: getattr(networks[0].size, each.name) for each in fields(networks[0].size)},
    }
    content = {
        TENSORS: save(tensors),
        DESCRIPTION: json.dumps(description, indent=0).encode(),
        "metrics.json": json.dumps(metrics, indent=1).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    files = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in content.items()
    }
    manifest = {"name": "type-model", "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
