"""Numbers and names in sentences."""


def price(amount, currency="EUR"):
    return "{:.2f} {}".format(amount, currency)


def table(rows):
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}} {number:>4}" for name, number in rows]
    return "\n".join(lines)


def plural(count, noun):
    suffix = "" if count == 1 else "s"
    return "%d %s%s" % (count, noun, suffix)


text = price(2.5)
output = table([("tea", 3), ("rice", 12)])
books = plural(2, "book")
shown = format(3.14159, ".2f")
template = "{name} is {age}"
filled = template.format(name="Ada", age=36)
mapped = template.format_map({"name": "Ada", "age": 36})
