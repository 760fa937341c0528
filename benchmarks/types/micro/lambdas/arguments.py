"""Lambdas that are passed, returned and kept."""


def apply(function, value):
    return function(value)


def compose(first, second):
    return lambda value: second(first(value))


def adder(amount):
    return lambda number: number + amount


class Field:
    def __init__(self, check):
        self.check = check

    def accepts(self, text):
        return self.check(text)


three = apply(lambda n: n + 1, 2)
word = apply(lambda s: s * 2, "ab")
to_text = compose(lambda n: n * 1.5, lambda f: str(f))
shown = to_text(2)
five = adder(2)(3)
short = Field(lambda text: len(text) < 5)
fine = short.accepts("tea")
