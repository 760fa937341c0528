"""Classes that are chosen at run time."""


class Dog:
    sound = "woof"

    def speak(self):
        return self.sound


class Cat:
    sound = "meow"

    def speak(self):
        return self.sound.upper()


class Puppy(Dog):
    pass


def create(kind):
    return kind()


def pick(young):
    return Puppy if young else Dog


pet = create(Dog).speak()
noise = create(Cat).speak()
registry = {"dog": Dog, "cat": Cat}
chosen = registry["cat"]
animal = chosen()
small = pick(True)
large = pick(False)
