"""Units of length."""

SCALES = {"km": 1000.0, "m": 1.0}


def to_meters(value):
    return value * SCALES["km"]
