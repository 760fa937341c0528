"""Records that are taken apart."""

name, age = "Ada", 36
(city, country), code = ("London", "UK"), 44.5
head, *rest = [1, 2, 3]
*initials, last = "Ada"
first, *middle, end = (1, "a", "b", 2.5)
größe, länge = 1.75, 3
name, age = age, name
pairs = [("a", 1), ("b", 2)]
for letter, number in pairs:
    joined = letter * number
