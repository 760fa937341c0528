"""Commands of a small shell, looked up by name."""


def add(a, b):
    return a + b


def join(parts):
    return " ".join(parts)


commands = {"add": add, "join": join}
command = commands["add"]
three = command(1, 2)
sentence = commands["join"](["a", "b"])


def make_table():
    return {"upper": str.upper, "size": len}


table = make_table()
size = make_table()["size"]("abc")
