"""The result of one call is the argument of the next."""


def parse(text):
    return text.split(",")


def to_numbers(items):
    return [int(item) for item in items]


def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result


answer = total(to_numbers(parse("1,2,3")))
half = abs(total(to_numbers(parse("4")))) / 2
