"""Mixins beside a base class."""


class Named:
    def __init__(self, name):
        self.name = name

    def show(self):
        return self.name


class Jsonable:
    def to_json(self):
        return {"name": self.name}

    def show(self):
        return len(self.to_json())


class Counted:
    count = 0

    @classmethod
    def create(cls, name):
        cls.count += 1
        return cls(name)


class Animal(Jsonable, Counted, Named):
    legs = 4


animal = Animal.create("cat")
shown = animal.show()
data = animal.to_json()
name = animal.name
made = Animal.count
