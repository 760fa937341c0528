"""Fetching pages, many at once."""

import asyncio


async def fetch(url):
    await asyncio.sleep(0)
    return f"<{url}>"


async def size(url):
    page = await fetch(url)
    return len(page)


async def main():
    pages = await asyncio.gather(fetch("a"), fetch("b"))
    task = asyncio.create_task(size("c"))
    number = await task
    limited = await asyncio.wait_for(size("d"), 5)
    waiting = fetch("e")
    last = await waiting
    sizes = {page: len(page) for page in pages}
    sizes[last] = number + limited
    return sizes


result = asyncio.run(main())
