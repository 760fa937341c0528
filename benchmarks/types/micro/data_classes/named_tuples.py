"""Positions as named tuples."""

from collections import namedtuple
from typing import NamedTuple

Point = namedtuple("Point", ["x", "y"])


class City(NamedTuple):
    name: str
    people: int = 0

    def label(self):
        return f"{self.name} ({self.people})"


point = Point(1, y=2)
paris = City("Paris", 2000000)
name, people = paris
text = paris.label()
size = paris.people
first = paris[0]
moved = paris._replace(people=3)
fields = paris._asdict()
for city in [paris, City("Rome")]:
    short = city.name[:2]
