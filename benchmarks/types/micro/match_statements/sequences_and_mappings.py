"""Messages taken apart by pattern."""


def move(command):
    match command:
        case ["stop"]:
            return 0
        case ["go", direction]:
            where = direction
            return where.upper()
        case ["say", *rest]:
            words = rest
            return words
    return ""


def handle(event):
    match event:
        case {"kind": 1, "name": name}:
            return len(str(name))
        case {"kind": 2, **rest}:
            keys = list(rest)
            return keys[0]
    return 0


def describe(value):
    match value:
        case int() as number:
            double = number * 2
            return str(double)
        case str(text) if text:
            shout = text.upper()
            return shout
        case (x, y):
            total = x + y
            return f"{total}"
    return ""


stopped = move(["stop"])
moved = move(["go", "north"])
said = move(["say", "hello", "you"])
length = handle({"kind": 1, "name": "click"})
key = handle({"kind": 2, "time": 5, "text": "x"})
texts = [describe(1), describe("a"), describe((1, 2))]
