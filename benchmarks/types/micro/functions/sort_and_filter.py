"""Callbacks of the built-in functions."""

people = [("Ada", 36), ("Grace", 85)]


def by_age(person):
    return person[1]


def is_long(word):
    return len(word) > 3


oldest = max(people, key=by_age)
ordered = sorted(people, key=lambda person: person[0])
long_words = list(filter(is_long, ["tea", "coffee"]))
name, age = oldest
words = ["bb", "a"]
words.sort(key=lambda word: len(word))
found = any(word == "a" for word in words)
