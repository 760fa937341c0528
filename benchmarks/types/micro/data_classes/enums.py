"""States of an order."""

from enum import Enum, Flag, IntEnum, auto


class State(Enum):
    OPEN = "open"
    PAID = "paid"

    def is_final(self):
        return self is State.PAID

    @classmethod
    def parse(cls, text):
        return cls(text)


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Access(Flag):
    READ = auto()
    WRITE = auto()


state = State.OPEN
value = state.value
name = state.name
final = state.is_final()
parsed = State.parse("paid")
by_name = State["OPEN"]
states = list(State)
for member in State:
    text = member.value.upper()
higher = Level.HIGH > Level.LOW
both = Access.READ | Access.WRITE
number = Level.LOW + 1
