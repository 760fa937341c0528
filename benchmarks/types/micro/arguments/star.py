"""Statistics over any number of measurements."""


def mean(*values):
    return sum(values) / len(values)


def log(level, *parts, **context):
    words = [str(part) for part in parts]
    pairs = [key + "=" + context[key] for key in context]
    return level, words + pairs


def configure(**options):
    return options


average = mean(1.5, 2.5, 4.0)
entry = log("info", "started", 3, user="ada")
settings = configure(width=80, height=24)
limits = {"width": 100}
widened = configure(**limits)
readings = [2.5, 3.5]
again = mean(*readings)
