"""The items."""

from .prices import reduced


class Item:
    def __init__(self, name, price):
        self.name = name
        self.price = price


def featured():
    return Item("lamp", reduced(20.0))
