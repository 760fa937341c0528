"""Vectors with operators."""


class Vector:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor)

    def __rmul__(self, factor):
        return self * factor

    def __matmul__(self, other):
        return self.x * other.x + self.y * other.y

    def __neg__(self):
        return Vector(-self.x, -self.y)

    def __eq__(self, other):
        return self.x == other.x and self.y == other.y

    def __lt__(self, other):
        return abs(self) < abs(other)

    def __abs__(self):
        return (self @ self) ** 0.5 * 1.0

    def __bool__(self):
        return self.x != 0.0


one = Vector(1.0, 2.0)
two = one + one
scaled = one * 2.0
reflected = 3.0 * one
product = one @ two
opposite = -one
same = one == two
smaller = one < two
length = abs(one)
one += two
is_there = bool(one)
chosen = one or two
