"""Decorators that take arguments and change results."""

import functools


def repeat(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            return [function(*args) for _ in range(times)]

        return wrapper

    return decorate


def as_text(function):
    def convert(value):
        return str(function(value))

    return convert


@repeat(times=3)
def cheer(name):
    return "go " + name


@as_text
def square(number):
    return number * number


cheers = cheer("Ada")
shown = square(4)
