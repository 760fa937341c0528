"""Money, and other types that take part in expressions of built-ins."""


class Money:
    def __init__(self, cents):
        self.cents = cents

    def __radd__(self, other):
        return Money(self.cents + other)

    def __add__(self, other):
        return Money(self.cents + other.cents)

    def __rsub__(self, other):
        return f"{other} less {self.cents}"

    def __truediv__(self, parts):
        return [Money(self.cents // parts)] * parts

    def __int__(self):
        return self.cents

    def __str__(self):
        return f"{self.cents} ct"

    def __class_getitem__(cls, key):
        return cls.__name__, key


total = sum([Money(1), Money(2)], Money(0))
changed = 5 + Money(3)
text = 1.5 - Money(2)
shares = Money(9) / 3
share = shares[0]
cents = int(share)
shown = str(share)
line = f"{share}"
entry = Money[3]
