"""Bad input through the server: what can be answered is answered; the rest stands in the editor's log."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from .client import STATIC, Client, connected
from .shop import make_shop


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_shop(tmp_path / "shop")


async def labels(client: Client, uri: str) -> set[str]:
    whole = types.Range(types.Position(0, 0), types.Position(1000, 0))
    params = types.InlayHintParams(types.TextDocumentIdentifier(uri), whole)
    return {str(hint.label) for hint in await client.request(types.TEXT_DOCUMENT_INLAY_HINT, params)}


async def test_files_that_are_no_source_and_a_root_that_is_not_there(root: Path, tmp_path: Path) -> None:
    (root / "binary.py").write_bytes(b"\x00\x01\x02")
    (root / "latin.py").write_bytes(b'def greeting():\n    return "\xff\xfe"\n')
    (root / "folder.py").mkdir()
    (root / "circle.py").symlink_to("circle.py")
    gone = tmp_path / "gone"
    async with connected(root, gone, cache=tmp_path / "cache", initialization_options=STATIC) as client:
        for name in ("binary.py", "folder.py", "circle.py"):
            assert await labels(client, (root / name).as_uri()) == set()
        assert await labels(client, (gone / "code.py").as_uri()) == set()
        binary = client.open(root / "binary.py", "\x00\x01\x02")
        assert await labels(client, binary) == set()
        latin = client.open(root / "latin.py", 'def greeting():\n    return "\ufffd"\n')
        assert any("str" in label for label in await labels(client, latin))
        assert ": Product" in await labels(client, client.open(root / "shop/orders.py"))
        assert types.WINDOW_SHOW_MESSAGE not in client.notifications
        assert await client.shut_down() == 0


async def test_a_cache_that_cannot_be_written_and_one_that_is_damaged_cost_one_message_each(
    root: Path, tmp_path: Path
) -> None:
    blocked, cache = tmp_path / "blocked", tmp_path / "cache"
    blocked.write_text("a file where the folder should be")
    for place, said in ((blocked, "lives in memory"), (cache, None), (cache, "was damaged and is rebuilt")):
        if said and place is cache:
            for log in (*cache.rglob("*.db-wal"), *cache.rglob("*.db-shm")):
                log.unlink()  # a server that ended at once leaves its log, which would mend the database
            for database in cache.rglob("*.db"):
                database.write_bytes(b"no database" * 1000)
        async with connected(root, cache=place, initialization_options=STATIC) as client:
            await client.indexed()
            assert ": Product" in await labels(client, client.open(root / "shop/orders.py"))
            if said:
                await client.until(lambda: client.notifications[types.WINDOW_LOG_MESSAGE])
            messages = client.notifications[types.WINDOW_LOG_MESSAGE]
            assert [said in each.message for each in messages] == ([True] if said else [])
            assert await client.shut_down() == 0
