"""The function to call is chosen first."""


def metric(value):
    return value * 1.0


def imperial(value):
    return f"{value} ft"


def choose(name):
    if name == "m":
        return metric
    return imperial


def identity(function):
    return function


unit = choose("m")
other = choose("ft")(3)
length = unit(2)
same = identity(metric)(4)
alias = imperial
text = alias(5)
