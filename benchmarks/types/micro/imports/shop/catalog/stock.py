"""How much there is."""


def label(amount):
    return f"{amount} left"
