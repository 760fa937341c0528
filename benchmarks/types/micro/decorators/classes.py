"""Decorators that are classes, and decorators of classes."""


class Memo:
    def __init__(self, function):
        self.function = function
        self.cache = {}

    def __call__(self, number):
        if number not in self.cache:
            self.cache[number] = self.function(number)
        return self.cache[number]


plugins = {}


def register(kind):
    plugins[kind.__name__] = kind
    return kind


@Memo
def fibonacci(n):
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


@register
class Exporter:
    extension = ".txt"

    def export(self, rows):
        return ",".join(str(row) for row in rows) + self.extension


number = fibonacci(10)
memo = fibonacci
known = fibonacci.cache
exporter = Exporter()
output = exporter.export([1, 2])
found = plugins["Exporter"]
