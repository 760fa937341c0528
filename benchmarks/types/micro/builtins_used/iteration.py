"""Loops over built-in iterators."""

names = ["ada", "grace"]
ages = (36, 85)
for index, name in enumerate(names, start=1):
    row = f"{index}. {name}"
for name, age in zip(names, ages):
    older = age + 1
for step in range(0, 10, 5):
    scaled = step * 0.1
for name in reversed(names):
    title = name.title()
table = dict(zip(names, ages))
numbered = list(enumerate(names))
unique = set(names)
frozen = frozenset(ages)
steps = list(range(3))
letters = list("abc")
positive = list(filter(None, [0, 1, 2]))
pair = tuple(names)
iterator = iter(names)
first = next(iterator)
fallback = next(iter([]), None)
