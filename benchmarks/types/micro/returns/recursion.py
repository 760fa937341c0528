"""Functions that call themselves."""


def factorial(n):
    if n <= 1:
        return 1
    return n * factorial(n - 1)


def flatten(items):
    flat = []
    for item in items:
        if isinstance(item, list):
            flat.extend(flatten(item))
        else:
            flat.append(item)
    return flat


def depth(text):
    if not text.startswith("("):
        return 0
    return 1 + depth(text[1:])


def power(base, exponent):
    if exponent == 0:
        return 1.0
    half = power(base, exponent // 2)
    if exponent % 2:
        return half * half * base
    return half * half


result = factorial(5)
numbers = flatten([1, [2, 3]])
level = depth("((x")
big = power(2.0, 5)
