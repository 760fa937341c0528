"""Functions that make functions."""


def multiplier(factor):
    def multiply(number):
        return number * factor

    return multiply


def outer():
    def middle():
        def inner():
            return "deep"

        return inner

    return middle


triple = multiplier(3)
nine = triple(3)
direct = multiplier(2)(1.5)
word = outer()()()
step = outer()
