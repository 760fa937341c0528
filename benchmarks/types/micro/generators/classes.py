"""Iterators that are classes, and generators that are methods."""


class Countdown:
    def __init__(self, start):
        self.start = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.start <= 0:
            raise StopIteration
        self.start -= 1
        return self.start


class Album:
    def __init__(self, *titles):
        self.titles = titles

    def __iter__(self):
        for number, title in enumerate(self.titles):
            yield number, title


for number in Countdown(3):
    half = number / 2
for place, title in Album("one", "two"):
    line = f"{place} {title}"
numbers = list(Countdown(2))
tracks = sorted(Album("b", "a"))
