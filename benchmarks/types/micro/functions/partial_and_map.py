"""Functions with some arguments already there."""

from functools import partial, reduce


def scale(number, factor):
    return number * factor


def label(prefix, text, *, end):
    return prefix + text + end


double = partial(scale, factor=2)
six = double(3)
warn = partial(label, "warning: ", end="!")
message = warn("hot")
lengths = list(map(len, ["a", "bb"]))
doubled = [value for value in map(double, [1, 2])]
total = reduce(lambda left, right: left + right, [1, 2, 3])
shouted = list(map(str.upper, ["a"]))
numbers = list(map(int, "1 2".split()))
