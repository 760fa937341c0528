"""Two functions that need each other."""


def is_even(n):
    if n == 0:
        return True
    return is_odd(n - 1)


def is_odd(n):
    if n == 0:
        return False
    return is_even(n - 1)


def expression(tokens):
    value = term(tokens)
    while tokens and tokens[0] == "+":
        tokens.pop(0)
        value += term(tokens)
    return value


def term(tokens):
    token = tokens.pop(0)
    if token == "(":
        inner = expression(tokens)
        tokens.pop(0)
        return inner
    return int(token)


even = is_even(4)
total = expression(["(", "1", "+", "2", ")", "+", "3"])
