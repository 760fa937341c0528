"""A running average that listens."""


def average():
    total = 0.0
    count = 0
    while count < 3:
        number = yield total / max(count, 1)
        total += number
        count += 1
    return "done"


def report():
    state = yield from average()
    return len(state)


meter = average()
begin = next(meter)
now = meter.send(10)
full = report()
level = next(full)
try:
    for reading in [1, 2, 3]:
        level = full.send(reading)
except StopIteration as stop:
    length = stop.value
