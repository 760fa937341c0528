"""Series of numbers, one at a time."""


def countdown(start):
    while start > 0:
        yield start
        start -= 1


def chunks(items, size):
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


series = countdown(3)
three = next(series)
rest = list(series)
for chunk in chunks(["a", "b", "c"], 2):
    first = chunk[0]
total = sum(number * 0.5 for number in countdown(2))
squares = (number * number for number in [1, 2])
one = next(squares)
