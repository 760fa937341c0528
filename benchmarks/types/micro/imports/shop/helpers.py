"""Formatting for everyone."""

__all__ = ["CURRENCY", "format_price"]

CURRENCY = "EUR"


def format_price(price):
    return f"{price:.2f} {CURRENCY}"


def _secret():
    return None
