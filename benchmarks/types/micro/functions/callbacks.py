"""Events and those who listen."""


class Button:
    def __init__(self):
        self.listeners = []

    def on_click(self, listener):
        self.listeners.append(listener)
        return listener

    def click(self, x, y):
        for listener in self.listeners:
            listener(x, y)
        return len(self.listeners)


clicks = []


def record(x, y):
    clicks.append((x, y))


button = Button()
button.on_click(record)
called = button.click(3, 4)


def with_default(value, convert=str):
    return convert(value)


text = with_default(5)
