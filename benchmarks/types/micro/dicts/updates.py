"""Word counts, built step by step."""


def count(words):
    found = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return found


counts = count(["a", "b", "a"])
merged = {**counts, "c": 1}
joined = counts | {"d": 2}
lengths = {word: len(word) for word in counts}
by_count = {number: word for word, number in counts.items()}
groups = {}
for word in counts:
    groups.setdefault(len(word), []).append(word)
first = groups[1]
defaults = dict(width=10, height=20)
keyed = dict.fromkeys(["x", "y"], 0.0)
