"""Reading numbers from untrusted text."""


def parse(text):
    try:
        value = int(text)
    except ValueError as error:
        message = str(error)
        reasons = error.args
        return None
    else:
        result = value + 1
    finally:
        done = True
    return result


def first(items):
    try:
        return items[0]
    except IndexError:
        return ""


good = parse("1")
bad = parse("x")
letter = first(["a"])
nothing = first([])
