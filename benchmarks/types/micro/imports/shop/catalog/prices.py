"""The prices."""

DISCOUNT = 0.25


def reduced(price):
    return price * (1 - DISCOUNT)
