"""Bringing weights onto this machine, once: several sources, resumed, verified, atomic; afterwards offline.

Weights of the catalogue lie in the cache folder under `models/`, in a folder named by name and content.
A folder there is complete: it is built elsewhere and moved in place in one step.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typewright.indexer.cancellation import NEVER, CancelToken, Progress
from typewright.indexer.errors import TypewrightError
from typewright.indexer.store import cache_folder

from . import catalogue
from .catalogue import UnknownWeights, WeightFile, Weights
from .conversion import convert, require_conversion
from .sources import SourceFailed, fetch

MANIFEST = "weights.json"
FORMAT = 1  # of what `conversion` writes; another number has everything converted again
# What is taken from a repository of the hub: never a pickle.
REPOSITORY_FILES = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]


class WeightsMissing(TypewrightError):  # noqa: N818 - read as a state
    """Weights that are not on this machine, or no longer whole; the message names the command to run."""

    def __init__(self, name: str, problem: str = "are not on this machine") -> None:
        super().__init__(f"the weights {name} {problem}: run `typewright models pull {name}`")
        self.name = name


class PullFailed(TypewrightError):  # noqa: N818 - read as an outcome
    """No source could deliver; the message says what each of them answered."""


def weights_folder() -> Path:
    """Where all weights lie, in the user's cache folder."""
    return cache_folder() / "models"


def locate(name: str) -> Path:
    """Return the folder of the weights `name`: an entry of the catalogue, a folder, or a pulled repository.

    Raises `WeightsMissing`, `UnknownWeights`, or `TypewrightError` for a folder without a model.
    """
    try:
        weights = catalogue.find(name)
    except UnknownWeights:
        if Path(name).expanduser().is_dir():
            return _local_folder(Path(name).expanduser())
        if _is_repository(name):
            return _repository(name)
        raise
    folder = weights_folder() / weights.identity
    manifest = _read_manifest(folder)
    if not manifest:
        raise WeightsMissing(name)
    for file, (size, _) in manifest.items():
        if not (folder / file).is_file() or (folder / file).stat().st_size != size:
            raise WeightsMissing(name, f"are damaged ({file})")
    return folder


def pull(name: str, *, progress: Progress | None = None, cancel: CancelToken = NEVER) -> Path:
    """Bring the weights `name` onto this machine and return their folder; whole weights are only verified.

    `name` is an entry of the catalogue or a repository of the hub (`owner/name`). Sources are tried in order;
    a pull that was broken off continues where it stood. Raises `PullFailed`, `UnknownWeights`,
    `TypewrightError`, `Cancelled`.
    """
    try:
        weights = catalogue.find(name)
    except UnknownWeights:
        if not _is_repository(name):
            raise
        return _pull_repository(name)
    if _gguf(weights):
        require_conversion()
    target = weights_folder() / weights.identity
    staging = weights_folder() / ".pull" / weights.identity
    try:
        with _locked(staging.with_name(staging.name + ".lock"), progress, cancel):
            if _is_whole(target, cancel):
                return target
            if target.exists():  # what is still good in it need not be fetched again
                shutil.rmtree(staging, ignore_errors=True)
                target.replace(staging)
            _build(weights, staging, progress, cancel)
            staging.replace(target)
    except OSError as error:
        raise _storage_problem(weights, error) from error
    return target


def _build(weights: Weights, staging: Path, progress: Progress | None, cancel: CancelToken) -> None:
    """Fill `staging` with everything the weights need; what a former try left is used."""
    downloads = staging / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    (staging / MANIFEST).unlink(missing_ok=True)
    for file in weights.files:
        target = staging / file.name
        if not (target.exists() and _sha256(target, cancel) == file.sha256):
            _fetch_verified(weights, file, downloads / file.name, progress, cancel)
            (downloads / file.name).replace(target)
    gguf = _gguf(weights)
    if gguf is not None:
        if progress is not None:
            progress(f"converting {gguf}", 0, 1)
        convert(staging / gguf, staging)
        if progress is not None:
            progress(f"converting {gguf}", 1, 1)
    shutil.rmtree(downloads)
    files = {
        path.name: {"size": path.stat().st_size, "sha256": _sha256(path, cancel)}
        for path in sorted(staging.iterdir())
    }
    (staging / MANIFEST).write_text(
        json.dumps({"name": weights.name, "format": FORMAT, "files": files}, indent=1), encoding="utf-8"
    )


def _fetch_verified(
    weights: Weights, file: WeightFile, target: Path, progress: Progress | None, cancel: CancelToken
) -> None:
    problems = []
    for source in file.sources:
        try:
            fetch(file, source, target, progress=progress, cancel=cancel)
        except SourceFailed as error:
            problems.append(f"{source}: {error}")
            continue
        found = _sha256(target, cancel)
        if found == file.sha256:
            return
        for download in target.parent.iterdir():  # also the archives that it came out of
            download.unlink()
        problems.append(
            f"{source}: the file has the wrong hash (sha256 {found[:12]}…, not {file.sha256[:12]}…)"
        )
    raise PullFailed(
        f"{weights.name} could not be pulled, {file.name} came from nowhere: {'; '.join(problems)}"
    )


def _gguf(weights: Weights) -> str | None:
    return next((file.name for file in weights.files if file.name.endswith(".gguf")), None)


def _read_manifest(folder: Path) -> dict[str, tuple[int, str]]:
    """File name -> (size, sha256); empty where there is no readable manifest."""
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            return {}
        return {name: (int(entry["size"]), str(entry["sha256"])) for name, entry in data["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _is_whole(folder: Path, cancel: CancelToken) -> bool:
    manifest = _read_manifest(folder)
    return bool(manifest) and all(
        (folder / name).is_file() and _sha256(folder / name, cancel) == sha256
        for name, (_, sha256) in manifest.items()
    )


def _sha256(path: Path, cancel: CancelToken) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            cancel.check()
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _locked(path: Path, progress: Progress | None, cancel: CancelToken) -> Iterator[None]:
    """Hold a lock between processes: a second pull of the same weights waits for the first."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            cancel.check()
            if progress is not None:
                progress("waiting for another pull", 0, 0)
    try:
        yield
    finally:
        lock.release()


def _storage_problem(weights: Weights, error: OSError) -> TypewrightError:
    folder = weights_folder()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PullFailed(
            f"the disk is full: {weights.name} needs more room in {folder}; what was fetched is kept"
        )
    return PullFailed(f"{weights.name} cannot be stored in {folder}: {error.strerror or error}")


def _local_folder(folder: Path) -> Path:
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise TypewrightError(f"{folder} holds no model: config.json and *.safetensors are wanted")
    return folder


def _is_repository(name: str) -> bool:
    owner, _, repository = name.partition("/")
    return bool(owner and repository) and not name.startswith((".", "~", "/")) and "/" not in repository


def _repository(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return _local_folder(
            Path(snapshot_download(name, allow_patterns=REPOSITORY_FILES, local_files_only=True))
        )
    except (LocalEntryNotFoundError, TypewrightError) as error:
        raise WeightsMissing(name) from error


def _pull_repository(name: str) -> Path:
    from huggingface_hub import snapshot_download

    endpoint = os.environ.get("HF_ENDPOINT") or None
    try:
        return _local_folder(
            Path(snapshot_download(name, allow_patterns=REPOSITORY_FILES, endpoint=endpoint))
        )
    except TypewrightError:
        raise
    except Exception as error:  # the hub's client raises its own, its HTTP library's and OSErrors
        problem = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise PullFailed(f"{name} could not be pulled from the model hub: {problem}") from error
