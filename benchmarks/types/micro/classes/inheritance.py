"""Shapes share a protocol by inheritance."""


class Shape:
    sides = 0

    def __init__(self, name):
        self.name = name

    def area(self):
        raise NotImplementedError

    def describe(self):
        return f"{self.name} of {self.area()}"


class Square(Shape):
    sides = 4

    def __init__(self, width):
        super().__init__("square")
        self.width = width

    def area(self):
        return self.width**2 * 1


class Circle(Shape):
    def __init__(self, radius):
        super().__init__("circle")
        self.radius = radius

    def area(self):
        return 3.14 * self.radius * self.radius


shapes = [Square(2), Circle(1.5)]
texts = [shape.describe() for shape in shapes]
square = Square(3)
name = square.name
size = Circle(2.0).area()
corners = square.sides
first = shapes[0]
