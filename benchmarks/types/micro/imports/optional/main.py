"""Imports that depend on what is there."""

try:
    from fast_engine import compute
except ImportError:
    from engine.slow import compute

import engine.slow
import engine.units as units
from engine import VERSION, slow as module


def convert(value):
    from engine.units import to_meters

    return to_meters(value)


result = compute([1, 2])
meters = convert(3)
version = VERSION
again = engine.slow.compute([3])
scale = units.SCALES["km"]
limit = module.LIMIT
function = module.compute
