"""What `typewright train exits` is told, and the rows of source code that it learns from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from typewright.indexer.cancellation import CancelToken, Progress
from typewright.indexer.errors import TypewrightError

from ..prompt import Markers
from ..vocabulary import Vocabulary
from .code_rows import Rows, read_files, read_rows
from .packages import read_packages, source_folder
from .settings import read_settings


@dataclass(frozen=True, slots=True)
class ExitsConfig:
    """What `typewright train exits --config FILE` reads; paths are relative to the file.

    `model` is the folder of the language model; `work` holds rows and checkpoints, so that a run that was
    broken off goes on; `output` receives the weights. With `rank` 0 the model itself stays as it is, with
    `whole` all of it is trained. Of every package `plain_characters` are read as whole files, too, without
    any layout. `exits` are numbers of layers. `markers` are the tokens that divide a prompt (file, suffix,
    middle, end); what follows `middle`, the rarest and what the model is for, counts `middle_weight` times.
    A run ends after `epochs`, or after `seconds` where they are given: the learning rate falls to nothing
    by whichever comes first. The logits of `together` rows of a batch are in memory at once. `calibration`
    and `reads_suffix` are what benchmarks/completion/line_completion.py has found of the weights: numbers
    of its scaling, and whether reading what stands behind the cursor made more lines right.
    """

    packages: Path
    output: Path
    work: Path
    model: Path
    corpus: Path | None = None
    markers: tuple[str, ...] = ("<filename>", "<issue_start>", "<issue_closed>", "<|endoftext|>")
    rows_per_package: int = 350
    rows_held_out: int = 40
    plain_characters: int = 0
    length: int = 1024
    whole: bool = False
    rank: int = 64
    exits: tuple[int, ...] = (6, 9, 12, 15, 18, 21, 24, 27)
    shortlist: int = 8191
    ahead: int = 3
    drafter: int = 768
    exit_weight: float = 0.1
    middle_weight: float = 4.0
    calibration: tuple[float, float] = (2.82, 2.47)
    reads_suffix: bool = False
    epochs: float = 1.0
    seconds: float = 0.0
    batch: int = 32
    together: int = 4
    learning_rate: float = 1e-3
    warm_up: int = 60
    seed: int = 0
    threads: int = 2
    device: str = "auto"
    compile: bool = False

    def plain(self) -> dict[str, Any]:
        """All settings but the folders."""
        return {name: value for name, value in asdict(self).items() if not isinstance(value, Path)}


def read_config(path: Path) -> ExitsConfig:
    """Read a configuration in TOML; raises `TypewrightError` where it is not as it must be."""

    def make(data: dict[str, Any]) -> ExitsConfig:
        tuples: dict[str, Any] = {
            name: tuple(data[name]) for name in ("exits", "markers", "calibration") if name in data
        }
        return ExitsConfig(**data | tuples)

    return read_settings(path, make, ("packages", "output", "work", "corpus", "model"))


def rows_of(split: str, config: ExitsConfig, progress: Progress | None, cancel: CancelToken) -> Rows:
    """The rows of a split, from `work` or from the corpus; a file a package, so that done work stays."""
    whole = config.work / f"rows-{split}.npz"
    if whole.is_file():
        return Rows.load(whole)
    vocabulary, markers = vocabulary_of(config)
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
            made = read_rows(
                folder, vocabulary, markers, length=config.length, limit=limit, seed=package.name
            )
            if split == "train" and config.plain_characters:
                plain = read_files(
                    folder, vocabulary, markers, config.length, config.plain_characters, package.name
                )
                made = Rows.join([made, plain])
            made.save(part)
        parts.append(Rows.load(part))
    rows = Rows.join(parts)
    if not len(rows):
        raise TypewrightError(f"the packages of the split {split} have no source that can be learnt from")
    rows.save(whole)
    return rows


def vocabulary_of(config: ExitsConfig) -> tuple[Vocabulary, Markers]:
    """The model's vocabulary and the tokens that divide prompts; raises `TypewrightError`."""
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
