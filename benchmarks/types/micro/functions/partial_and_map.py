"""Functions with some arguments already there."""

from functools import partial, reduce


def power(base, exponent):
    return base**exponent * 1


def label(prefix, text, *, end):
    return prefix + text + end


square = partial(power, exponent=2)
nine = square(3)
warn = partial(label, "warning: ", end="!")
message = warn("hot")
lengths = list(map(len, ["a", "bb"]))
squares = [value for value in map(square, [1, 2])]
total = reduce(lambda left, right: left + right, [1, 2, 3])
shouted = list(map(str.upper, ["a"]))
numbers = list(map(int, "1 2".split()))
