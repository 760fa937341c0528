"""Other ways to learn a type."""


def total(values):
    present = [value for value in values if value is not None]
    known = list(filter(None, values))
    return sum(present) + len(known)


def call(target):
    if callable(target):
        return target()
    assert isinstance(target, str)
    text = target
    return text


def first(value):
    if not isinstance(value, (tuple, set)):
        items = value
        return items[0]
    pair = value
    return pair[0]


def convert(value):
    number = float(value) if isinstance(value, str) else value
    return number


summed = total([1, None, 2])
named = call(lambda: "made")
given = call("given")
one = first((1, "a"))
two = first([2])
both = convert("1.5") + convert(2.5)
