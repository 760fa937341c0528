"""One name, several values, one after the other."""


def clean(value):
    value = value.strip()
    value = value.split(";")
    return value


size = "12"
size = int(size)
size = size / 5
size = [size]
parts = clean(" a;b ")
total = None
for part in parts:
    total = len(part)


def size_of(parts):
    size = len(parts)
    return size


number = size_of(parts)
