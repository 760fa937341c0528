"""Areas of rooms in a floor plan."""


def area(width, depth):
    return width * depth


def describe(label, size):
    return f"{label}: {size} m2"


kitchen = area(4, 3)
bedroom = area(3.5, 4)
line = describe("kitchen", kitchen)
other = describe("bedroom", bedroom)
