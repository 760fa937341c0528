"""Commands and shapes by pattern."""


class Circle:
    __match_args__ = ("radius",)

    def __init__(self, radius):
        self.radius = radius


class Box:
    def __init__(self, width, height):
        self.width = width
        self.height = height


def area(shape):
    match shape:
        case Circle(radius):
            result = radius * 3.14
            return result
        case Box(width=width, height=height):
            size = width * height
            return size
        case _:
            return None


def status(code):
    match code:
        case 200 | 201:
            text = "ok"
        case 404:
            text = "missing"
        case _:
            text = f"code {code}"
    return text


round_area = area(Circle(1.0))
box_area = area(Box(2, 3))
no_area = area("line")
words = [status(200), status(404), status(500)]
