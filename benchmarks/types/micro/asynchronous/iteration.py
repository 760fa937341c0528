"""Streams of events."""

import asyncio


class Ticker:
    def __init__(self, limit):
        self.limit = limit
        self.now = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.now >= self.limit:
            raise StopAsyncIteration
        self.now += 1
        return self.now


async def letters(text):
    for letter in text:
        yield letter


async def main():
    found = []
    async for letter in letters("ab"):
        found.append(letter)
    async for tick in Ticker(2):
        found.append(str(tick))
    upper = [letter.upper() async for letter in letters("cd")]
    return found + upper


events = asyncio.run(main())
