"""Keyword arguments that travel through several functions."""


def draw(shape, color="black", width=1):
    return f"{shape} {color} {width}"


def draw_thick(shape, **options):
    return draw(shape, width=2.5, **options)


def draw_all(*shapes, **options):
    return [draw(shape, **options) for shape in shapes]


line = draw_thick("line", color="red")
style = {"color": "blue", "width": 3}
pictures = draw_all("dot", "box", **style)
plain = draw("arc")
