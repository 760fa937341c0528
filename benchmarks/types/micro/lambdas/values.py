"""Small functions without a name."""

double = lambda number: number * 2
eight = double(4)
greet = lambda name, mark="!": "hi " + name + mark
text = greet("Ada")
operations = {
    "neg": lambda value: -value,
    "text": lambda value: str(value),
}
negative = operations["neg"](2.5)
shown = operations["text"](3)
steps = [lambda word: word.upper(), lambda word: len(word)]
loud = steps[0]("tea")
size = steps[1]("tea")
constant = lambda: 3.5
pi = constant()
pair = (lambda left, right: (right, left))(1, "a")
