"""Cleaning and cutting text."""

raw = "  Ada Lovelace, mathematician "
clean = raw.strip().lower()
words = clean.split()
initials = "".join(word[0] for word in words)
name, comma, job = clean.partition(",")
position = clean.find("love")
starts = clean.startswith("ada")
lines = "a\nb".splitlines()
padded = "7".zfill(3)
first = clean[0]
part = clean[2:5]
table = str.maketrans("ab", "ba")
swapped = "abba".translate(table)
for letter in part:
    code = ord(letter)
counted = clean.count("a")
last, rest = clean.rsplit(" ", 1)
