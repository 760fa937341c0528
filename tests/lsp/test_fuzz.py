"""Random protocol traffic with a fixed seed: every request is answered, and the server lives."""

from __future__ import annotations

import asyncio
import copy
import random
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from .client import CONVERTER, STATIC, Client, ResponseError, connected
from .shop import FILES, make_shop
from .test_typing import requests_at

JUNK = [
    None,
    True,
    -1,
    2**31,
    2**40,
    1.5,
    "",
    "x",
    "\ud800",
    "file:///",
    "file://host/x.py",
    [],
    {},
    [[]],
    {"a": 1},
]
EXPECTED = {-32600, -32601, -32602, -32800, -32801, -32802, -32803}


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places inside a JSON value."""
    found = [here]
    if isinstance(value, dict):
        found += [path for key in value for path in paths(value[key], (*here, key))]
    elif isinstance(value, list):
        found += [path for index, item in enumerate(value) for path in paths(item, (*here, index))]
    return found


def spoilt(chance: random.Random, value: Any) -> Any:
    """Put something wrong somewhere into a JSON value."""
    value = copy.deepcopy(value)
    path = chance.choice(paths(value))
    if not path:
        return chance.choice(JUNK)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if isinstance(inner, dict) and chance.random() < 0.3:
        del inner[path[-1]]
    else:
        inner[path[-1]] = chance.choice(JUNK)
    return value


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_messages(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    root = make_shop(tmp_path / "shop")
    async with connected(root, cache=tmp_path / "cache", initialization_options=STATIC) as client:
        uris = [(root / name).as_uri() for name in ("shop/orders.py", "shop/models.py", "shop/missing.py")]
        texts = dict.fromkeys(uris, FILES["shop/orders.py"])
        asked = []
        for number in range(500):
            uri = chance.choice(uris)
            position = types.Position(chance.randrange(40), chance.randrange(60))
            if chance.random() < 0.4:
                asked.append(request(client, chance, uri, position))
            else:
                notify(client, chance, uri, position, texts[uri], number)
            if number % 50 == 49:
                await asyncio.gather(*asked, return_exceptions=True)
        outcomes = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 60)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert all(isinstance(failure, ResponseError) for failure in failures)
        wrong = [str(failure) for failure in failures if getattr(failure, "code", 0) not in EXPECTED]
        assert not wrong, client.stderr.decode()
        assert len(outcomes) > 150
        assert len(failures) < len(outcomes)
        assert types.WINDOW_SHOW_MESSAGE not in client.notifications
        assert b"Traceback" not in client.stderr, client.stderr.decode()
        assert client.unhandled == []
        assert await client.shut_down() == 0


def request(client: Client, chance: random.Random, uri: str, position: types.Position) -> asyncio.Future[Any]:
    method, params = chance.choice(requests_at(uri, position))
    raw = CONVERTER.unstructure(params)
    number, future = client.ask(method, spoilt(chance, raw) if chance.random() < 0.4 else raw)
    if chance.random() < 0.2:
        client.cancel(chance.choice([number, "never", -5]))
    return future


def notify(
    client: Client, chance: random.Random, uri: str, position: types.Position, text: str, number: int
) -> None:
    identifier = {"uri": uri, "version": chance.choice([number, -number, 0])}
    whole = {"uri": uri, "languageId": "python", "version": number, "text": text}
    edit = {
        "range": CONVERTER.unstructure(types.Range(position, position)),
        "text": chance.choice("ab(\n'.é😀"),
    }
    event = {"uri": uri, "type": chance.choice([1, 2, 3])}
    method, params = chance.choice(
        [
            (types.TEXT_DOCUMENT_DID_OPEN, {"textDocument": whole}),
            (types.TEXT_DOCUMENT_DID_CHANGE, {"textDocument": identifier, "contentChanges": [edit]}),
            (types.TEXT_DOCUMENT_DID_CHANGE, {"textDocument": identifier, "contentChanges": [edit, edit]}),
            (types.TEXT_DOCUMENT_DID_CLOSE, {"textDocument": {"uri": uri}}),
            (types.TEXT_DOCUMENT_DID_SAVE, {"textDocument": {"uri": uri}}),
            (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, {"changes": [event]}),
            (types.WORKSPACE_DID_CHANGE_CONFIGURATION, {"settings": {"typewright": {"hints": True}}}),
            (types.SET_TRACE, {"value": "off"}),
            ("$/unknown", {}),
        ]
    )
    client.send({"method": method, "params": spoilt(chance, params) if chance.random() < 0.3 else params})
