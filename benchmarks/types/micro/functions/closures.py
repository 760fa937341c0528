"""State that a function keeps to itself."""


def make_counter(start):
    count = start

    def increment(step=1):
        nonlocal count
        count += step
        return count

    return increment


def make_stack():
    items = []

    def push(item):
        items.append(item)

    def pop():
        return items.pop()

    return push, pop


counter = make_counter(10)
eleven = counter()
push, pop = make_stack()
push("a")
item = pop()
push("b")
