"""A diamond of classes with cooperative calls."""


class Base:
    kind = "base"

    def __init__(self):
        self.steps = []

    def run(self):
        self.steps.append("base")
        return self.steps

    def value(self):
        return "text"


class Left(Base):
    def run(self):
        self.steps.append("left")
        return super().run()

    def value(self):
        return 1


class Right(Base):
    kind = b"right"

    def run(self):
        self.steps.append("right")
        return super().run()

    def value(self):
        return 2.5

    def only_right(self):
        return 1, "r"


class Bottom(Left, Right):
    pass


bottom = Bottom()
steps = bottom.run()
value = bottom.value()
kind = bottom.kind
pair = bottom.only_right()
