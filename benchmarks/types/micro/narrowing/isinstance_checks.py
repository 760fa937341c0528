"""Values of several types, told apart."""


def render(value):
    if value is None:
        shown = value
        return "-"
    if isinstance(value, int):
        number = value + 1
        return str(number)
    if isinstance(value, str):
        text = value
        return text
    items = value
    return ",".join(str(item) for item in items)


class Circle:
    radius = 1.5


class Box:
    width = 2


def size(shape):
    if isinstance(shape, Circle):
        circle = shape
        return circle.radius
    else:
        box = shape
        return box.width


outputs = [render(1), render("a"), render([1]), render(None)]
round_size = size(Circle())
box_size = size(Box())
