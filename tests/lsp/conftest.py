"""Tests that are coroutines run on one loop, so that a connected client can serve many of them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest

LIMIT = 110.0  # seconds for one test: a hang fails, it does not stop the run


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
