"""Lists that are filled in many ways."""

evens = []
for number in range(6):
    if number % 2 == 0:
        evens.append(number)
squares = [number**2 / 1 for number in evens]
names = ["a"] + ["b", "c"]
repeated = [0.0] * 3
words = []
words.extend("a b".split())
stack = []
stack.insert(0, words[0])
top = stack[0]
flat = [cell for line in [[1], [2, 3]] for cell in line]
pairs = [(name, len(name)) for name in names]
spread = [*names, *evens]
empty_lines = [[] for _ in range(2)]
nested = [[letter] * 2 for letter in "ab"]
