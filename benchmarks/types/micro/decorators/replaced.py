"""A decorator may put anything in a function's place."""

import functools


def call_now(function):
    return function()


def count_calls(function):
    calls = 0

    @functools.wraps(function)
    def wrapper(text):
        nonlocal calls
        calls += 1
        return calls, function(text)

    return wrapper


@call_now
def settings():
    return {"width": 80}


@count_calls
@functools.lru_cache(maxsize=None)
def slug(title):
    return title.lower().replace(" ", "-")


width = settings["width"]
result = slug("Hello World")
number, text = slug("Other")
