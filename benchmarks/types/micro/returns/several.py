"""Functions with more than one way out."""


def grade(points):
    if points > 90:
        return "A"
    if points > 50:
        return "B"
    return None


def find(names, wanted):
    for index, name in enumerate(names):
        if name == wanted:
            return index
    return -1


def parse(text):
    if text.isdigit():
        return int(text)
    if "." in text:
        return float(text)
    return text


def log(text):
    if not text:
        return
    print(text, end="")


a = grade(95)
b = grade(60)
c = grade(5)
place = find(["a", "b"], "b")
nowhere = find([], "x")
number = parse("1")
ratio = parse("1.5")
word = parse("x")
nothing = log("")
