"""Functions that return nothing, themselves, or what they were given."""


def identity(value):
    return value


def touch(items):
    items.append(1)


class Builder:
    def __init__(self):
        self.parts = []

    def add(self, part):
        self.parts.append(part)
        return self

    def build(self):
        return "-".join(self.parts)


class FancyBuilder(Builder):
    def build(self):
        return f"*{super().build()}*"


number = identity(1)
word = identity("a")
nothing = touch([])
text = Builder().add("a").add("b").build()
fancy = FancyBuilder()
shown = fancy.build()
