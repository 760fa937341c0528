"""Connections that open and close by themselves."""

import asyncio
from contextlib import asynccontextmanager


class Connection:
    def __init__(self, host):
        self.host = host
        self.open = False

    async def __aenter__(self):
        self.open = True
        return self

    async def __aexit__(self, *details):
        self.open = False

    async def query(self, text):
        return [len(text)]


@asynccontextmanager
async def transaction(connection):
    yield connection.host


async def main():
    async with Connection("localhost") as connection:
        rows = await connection.query("select")
        async with transaction(connection) as name:
            label = name.upper()
    lock = asyncio.Lock()
    async with lock:
        total = rows[0] + len(label)
    return total


answer = asyncio.run(main())
