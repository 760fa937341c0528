"""Fetching one file over HTTP: resumed where it broke off, retried, cancellable."""

from __future__ import annotations

import importlib.util
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from typewright.indexer.cancellation import NEVER, CancelToken, Progress

CHUNK = 1 << 18
CONNECT_SECONDS = 20.0
ATTEMPTS = 4  # in a row without a new byte


class DownloadFailed(Exception):  # noqa: N818 - read as an outcome
    """The server cannot be reached, refuses, or breaks off again and again; the part file stays."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def download(
    url: str,
    target: Path,
    *,
    headers: Mapping[str, str] | None = None,
    label: str = "",
    progress: Progress | None = None,
    cancel: CancelToken = NEVER,
) -> None:
    """Fetch `url` into `target`, by way of `target.part`, which a later call continues.

    `headers` go to the first server only, never to one that it redirects to. Raises `DownloadFailed` or
    `Cancelled`; the part file stays in both cases. The content is not judged: the caller checks its hash.
    """
    part = target.with_name(target.name + ".part")
    idle = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _continue(url, part, headers or {}, label or target.name, progress, cancel):
                part.replace(target)
                return
            problem = "the connection broke off"
        except urllib.error.HTTPError as error:
            if error.code not in (408, 425, 429) and error.code < 500:
                raise DownloadFailed(f"HTTP {error.code} {error.reason}", error.code) from error
            problem = f"HTTP {error.code} {error.reason}"
        except (HTTPException, ssl.SSLError, TimeoutError, ConnectionError) as error:
            problem = str(error) or type(error).__name__
        except urllib.error.URLError as error:
            problem = str(error.reason)
        after = part.stat().st_size if part.exists() else 0
        idle = 0 if after > before else idle + 1
        if idle == ATTEMPTS or (after == 0 and idle == 2):
            raise DownloadFailed(problem)
        _sleep(0.25 * 2**idle, cancel)


def _continue(
    url: str,
    part: Path,
    headers: Mapping[str, str],
    label: str,
    progress: Progress | None,
    cancel: CancelToken,
) -> bool:
    """Append to `part` until the answer ends; returns whether the file is complete."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url)
    if urlsplit(url).scheme not in ("http", "https", "file"):
        raise DownloadFailed(f"{urlsplit(url).scheme}: is no address to fetch from")
    for name, value in headers.items():
        request.add_unredirected_header(name, value)
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=CONNECT_SECONDS, context=_tls())
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing stands behind what we have: complete, or not our file
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return True
            part.unlink()
            return False
        raise
    with response:
        resumed = _resumes_at(response, have)
        start = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else 0
        with part.open("ab" if resumed else "wb") as out:
            done = start
            while chunk := response.read(CHUNK):
                cancel.check()
                out.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(label, done, total)
    return done >= total if length else True


def _resumes_at(response: HTTPResponse, have: int) -> bool:
    """Whether the body continues a file of `have` bytes; a server may ignore the range and send it all."""
    return have > 0 and (response.headers.get("Content-Range") or "").startswith(f"bytes {have}-")


def _tls() -> ssl.SSLContext:
    """The system's certificates and those that pip or requests have been pointed to."""
    context = ssl.create_default_context()
    for variable in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        bundle = Path(os.environ.get(variable) or os.devnull)
        if bundle.is_file():
            context.load_verify_locations(bundle)
    if not context.get_ca_certs() and importlib.util.find_spec(
        "certifi"
    ):  # Python on macOS brings none of its own
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _sleep(seconds: float, cancel: CancelToken) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        cancel.check()
        time.sleep(0.05)
