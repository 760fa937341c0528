"""Points and their parts."""

point = (1, 2.5)
x, y = point
second = point[1]
single = ("only",)
longer = point + ("label",)
label = longer[-1]
empty = ()


def bounds(values):
    return min(values), max(values)


low, high = bounds([3, 1, 2])
span = bounds([5, 6])
nested = ((1, "a"), [2.5])
deep = nested[0][1]
part = longer[1:]
swap = y, x
