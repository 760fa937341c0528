"""Decorators that leave the result as it is."""

import functools


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def twice(function):
    def inner(value):
        return function(function(value))

    return inner


@logged
def add(a, b):
    return a + b


@logged
def greet(name, greeting="hi"):
    return f"{greeting} {name}"


@twice
def double(number):
    return number * 2


total = add(1, 2)
text = greet("Ada", greeting="hello")
eight = double(2)
