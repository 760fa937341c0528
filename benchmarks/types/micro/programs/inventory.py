"""Stock by product, read from lines of text."""

from collections import defaultdict


def read_lines(text):
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, amount = line.partition("=")
        yield name.strip(), int(amount)


def load(text):
    stock = defaultdict(int)
    for name, amount in read_lines(text):
        stock[name] += amount
    return dict(stock)


def low(stock, limit=3):
    return sorted(name for name, amount in stock.items() if amount < limit)


def report(stock, *, header=None, width=10):
    rows = [header.upper()] if header else []
    for name, amount in sorted(stock.items(), key=lambda pair: -pair[1]):
        rows.append(name.ljust(width) + str(amount))
    return "\n".join(rows)


stock = load("tea = 2\n# note\nrice=5\ntea=1\n")
missing = low(stock)
few = low(stock, 10)
page = report(stock, header="stock")
plain = report(stock)
average = sum(stock.values()) / len(stock)
