"""A counter that lives in the module."""

counter = 0
history = {}
current = None


def bump(name):
    global counter, current
    counter += 1
    current = name
    history[name] = counter
    return counter


one = bump("a")
two = bump("b")
seen = current
copy = history
