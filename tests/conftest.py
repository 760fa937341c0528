"""What tests of several layers share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

# Tests run beside other work: two threads that wait for each other on a busy machine are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure() -> None:
    """Undo what a shell does to background jobs: they, and what they start, would ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def language_model_weights() -> Path:
    """The folder of the default language model, pulled into the user's cache at the first use ever."""
    from typewright.models.pull import pull

    return pull("smollm2-135m")


@pytest.fixture(scope="session")
def embedding_weights() -> Path:
    """The folder of the sentence embeddings, pulled into the user's cache at the first use ever."""
    from typewright.models.pull import pull

    return pull("minilm")
