"""Several errors, several answers."""


def attempt(action):
    try:
        return action()
    except ZeroDivisionError:
        return "infinite"
    except (KeyError, TypeError) as error:
        return [type(error).__name__]


def fail():
    raise RuntimeError("no way")


def divide():
    return 1 / 2


def crash():
    return 1 / 0


def miss():
    return {}["key"]


one = attempt(divide)
two = attempt(crash)
three = attempt(miss)
try:
    fail()
except Exception as error:
    caught = error
    cause = error.__cause__
    text = str(caught)
