"""Tests that are coroutines run on one loop, so that a connected client can serve many of them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types

from .client import Client
from .shop import make_shop

LIMIT = 240.0  # seconds for one test: a hang fails, it does not stop the run


@pytest.fixture(scope="session", autouse=True)
def runner() -> Iterator[asyncio.Runner]:
    """The loop that everything in this folder runs on."""
    with asyncio.Runner() as made:
        yield made


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    pyfuncitem.funcargs["runner"].run(asyncio.wait_for(pyfuncitem.obj(**arguments), LIMIT))
    return True


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace that tests share; modules that change it have their own."""
    return make_shop(tmp_path_factory.mktemp("work") / "shop")


@pytest.fixture(scope="session")
def shared(runner: asyncio.Runner, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client with that workspace open, without models."""

    async def start() -> Client:
        made = await Client.start(cache=tmp_path_factory.mktemp("cache"))
        made.settings = {"neural": False}
        await made.initialize(root)
        await made.indexed()
        return made

    made = runner.run(start())
    yield made
    runner.run(made.close())


@pytest.fixture
def client(shared: Client) -> Iterator[Client]:
    """The shared client; in every test, it understands all that the server says, and nothing pops up."""
    yield shared
    assert shared.unhandled == []
    assert types.WINDOW_SHOW_MESSAGE not in shared.notifications
