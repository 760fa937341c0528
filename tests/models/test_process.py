from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
from tiny_model import make_tiny_model
from typewright.indexer.cancellation import CancelToken
from typewright.indexer.errors import Cancelled, TypewrightError
from typewright.models import connection, process
from typewright.models.process import Inference
from typewright.models.protocol import CompletionRequest, InferenceFailed, InferenceTimeout
from typewright.models.pull import WeightsMissing


def unending(prefix: str, tokens: int) -> CompletionRequest:
    """A request that ends by its number of tokens only: the statement has a bracket that is never closed."""
    return CompletionRequest(f"{prefix} = [(", max_tokens=tokens, stop="statement")


QUICK = unending("quick", 2)
LONG = unending("long", 4000)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"), context_length=8192, unending=True)


@pytest.fixture(scope="module")
def trapped_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which any module that is imported leaves a mark."""
    folder = tmp_path_factory.mktemp("trapped")
    for name in ("json", "torch", "numpy", "sitecustomize", "typewright"):
        (folder / f"{name}.py").write_text(f"open({str(folder / 'executed')!r}, 'w').close()\n")
    return folder


@pytest.fixture(scope="module")
def shared(tiny: Path, trapped_folder: Path) -> Iterator[Inference]:
    """One process for all tests, started where a workspace might lie."""
    with Inference(language_model=str(tiny), device="cpu") as inference:
        before = Path.cwd()
        os.chdir(trapped_folder)
        try:
            inference.complete(QUICK)
        finally:
            os.chdir(before)
        yield inference


def wait_until_busy(inference: Inference) -> int:
    """Wait until the process runs and loads nothing, and return its number."""
    for _ in range(3000):
        status = inference.status()
        if status["running"] and not status["loading"] and status.get("loaded"):
            return int(str(status["pid"]))
        time.sleep(0.01)
    raise AssertionError("the process does not come up")


def wait_for_requests(inference: Inference, **numbers: int) -> None:
    """Wait until the process has so many requests that are not answered, so many of them waiting."""
    for _ in range(3000):
        status = inference.status()
        if {name: status.get(name) for name in numbers} == numbers:
            return
        time.sleep(0.01)
    raise AssertionError(f"the process never has {numbers}")


class Background(threading.Thread):
    """Runs a request and keeps what came of it."""

    def __init__(self, inference: Inference, request: CompletionRequest, **options: object) -> None:
        super().__init__(daemon=True)
        self.call = lambda: inference.complete(request, **options)  # type: ignore[arg-type]
        self.outcome: object = None
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self.call()
        except (TypewrightError, Cancelled) as error:
            self.outcome = error

    def result(self) -> object:
        self.join(60)
        assert not self.is_alive()
        return self.outcome


def test_it_answers_and_reports(shared: Inference) -> None:
    completion = shared.complete(QUICK)
    assert completion.tokens == len(completion.token_ids) == 2
    assert completion.layers_run == 2
    status = shared.status()
    assert status["device"] == "cpu"
    assert status["loaded"] == [shared.language_model]
    assert isinstance(status["memory"], int)
    assert 50 << 20 < status["memory"] < 4 << 30
    assert status["pid"] != os.getpid()


def test_embeddings_come_back_as_they_are(shared: Inference, embedding_weights: Path) -> None:
    from typewright.models.embeddings import SentenceEmbeddings

    texts = [f"text number {number}" for number in range(process.EMBED_CHUNK + 3)]
    vectors = shared.embed(texts)
    assert vectors.shape == (len(texts), 384)
    expected = SentenceEmbeddings.load(embedding_weights).embed(texts[-3:])
    assert numpy.allclose(vectors[-3:], expected, atol=1e-5)
    assert shared.embed([]).shape == (0, 384)


def test_a_cancelled_request_makes_way(shared: Inference) -> None:
    cancel = CancelToken()
    running = Background(shared, LONG, cancel=cancel)
    wait_for_requests(shared, requests=1, waiting=0)
    cancel.cancel()
    assert isinstance(running.result(), Cancelled)
    assert shared.complete(QUICK, deadline=30).tokens == 2
    with pytest.raises(Cancelled):
        shared.complete(QUICK, cancel=cancel)


def test_a_deadline_is_kept_and_costs_only_its_request(shared: Inference) -> None:
    shared.complete(QUICK)
    pid = shared.status()["pid"]
    with pytest.raises(InferenceTimeout):
        shared.complete(LONG, deadline=0.2)
    assert shared.complete(QUICK).tokens == 2
    assert shared.status()["pid"] == pid


def test_the_newest_completion_goes_first(shared: Inference) -> None:
    shared.complete(QUICK)
    end_first, end_older = CancelToken(), CancelToken()
    first = Background(shared, LONG, cancel=end_first)
    wait_for_requests(shared, requests=1, waiting=0)
    older = Background(shared, unending("older", 4000), cancel=end_older)
    wait_for_requests(shared, requests=2, waiting=1)
    newer = Background(shared, unending("newer", 2))
    wait_for_requests(shared, requests=3, waiting=2)
    end_first.cancel()
    assert not isinstance(newer.result(), Exception)
    assert older.is_alive(), "its answer would have come before that of the newer one"
    end_older.cancel()
    assert isinstance(older.result(), Cancelled)
    assert isinstance(first.result(), Cancelled)


def test_a_completion_goes_between_the_batches_of_an_embedding(
    shared: Inference, embedding_weights: Path
) -> None:
    assert embedding_weights.is_dir()
    shared.embed(["loaded"])
    cancel = CancelToken()
    thread = threading.Thread(target=embed_until_cancelled, args=(shared, cancel))
    thread.start()
    wait_for_requests(shared, requests=1, waiting=0)
    assert shared.complete(QUICK).tokens == 2
    assert thread.is_alive(), "the completion did not wait for the whole embedding"
    cancel.cancel()
    thread.join(60)
    assert not thread.is_alive()


def embed_until_cancelled(inference: Inference, cancel: CancelToken) -> None:
    with contextlib.suppress(Cancelled):
        inference.embed(["some words of documentation " * 12] * process.EMBED_CHUNK, cancel=cancel)


def test_requests_from_many_threads(shared: Inference) -> None:
    running = [Background(shared, unending(f"a{number}", 3)) for number in range(12)]
    results = [each.result() for each in running]
    assert not [result for result in results if isinstance(result, Exception)]
    again = shared.complete(unending("a7", 3))
    assert again.token_ids == results[7].token_ids  # type: ignore[attr-defined]


def test_a_killed_process_costs_one_answer(shared: Inference) -> None:
    shared.complete(QUICK)
    pid = wait_until_busy(shared)
    running = Background(shared, LONG)
    wait_for_requests(shared, requests=1, waiting=0)
    os.kill(pid, signal.SIGKILL)
    outcome = running.result()
    assert isinstance(outcome, InferenceFailed)
    assert "was ended by signal 9; the next request starts it again" in str(outcome)
    assert shared.complete(QUICK).tokens == 2
    assert shared.status()["pid"] != pid


def test_a_process_that_hangs_is_replaced(shared: Inference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "GRACE_SECONDS", 0.1)
    shared.complete(QUICK)
    pid = wait_until_busy(shared)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(InferenceTimeout):
        shared.complete(QUICK, deadline=0.1)
    time.sleep(0.2)
    with pytest.raises(InferenceFailed):
        shared.complete(QUICK, deadline=20)
    assert shared.complete(QUICK).tokens == 2
    assert shared.status()["pid"] != pid


def test_the_process_ends_with_the_one_that_started_it() -> None:
    program = (
        "import os\n"
        "from typewright.models.process import Inference\n"
        "inference = Inference(device='cpu')\n"
        "assert not inference.predict_types([])\n"
        "print(inference.status()['pid'], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if "Z (zombie)" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.01)
    raise AssertionError("the process outlives its parent")


def test_nothing_of_the_working_directory_is_imported(shared: Inference, trapped_folder: Path) -> None:
    assert shared.embed(["text"]).shape == (1, 384)
    assert not (trapped_folder / "executed").exists()


def test_weights_that_are_missing_or_broken(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (broken / name).write_bytes((tiny / name).read_bytes())
    weights = (tiny / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with Inference(language_model=str(broken)) as inference:
        with pytest.raises(TypewrightError, match="holds no language model that can be read: "):
            inference.complete(QUICK)
        (broken / "model.safetensors").write_bytes(weights)
        assert inference.complete(QUICK).tokens == 2, "mended weights are used without a restart"
    monkeypatch.setenv("TYPEWRIGHT_CACHE", str(tmp_path / "cache"))
    with Inference() as inference:
        with pytest.raises(WeightsMissing, match="run `typewright models pull smollm2-135m`"):
            inference.complete(QUICK)
        with pytest.raises(WeightsMissing, match="run `typewright models pull minilm`"):
            inference.embed(["text"])
        assert inference.status()["running"] is False, "no process is started in vain"


def test_a_process_that_ends_at_each_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny: Path
) -> None:
    """After the second failure in a row the next start waits."""
    false = tmp_path / "python"
    false.write_text("#!/bin/sh\nexit 3\n")
    false.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(false))
    with Inference(language_model=str(tiny)) as inference:
        for _ in range(2):
            with pytest.raises(InferenceFailed, match="ended with code 3"):
                inference.complete(QUICK)
        with pytest.raises(InferenceFailed, match="tried again later"):
            inference.complete(QUICK)
