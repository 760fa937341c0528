"""An event bus with handlers, filters and a history."""

from enum import Enum


class Topic(Enum):
    ORDER = "order"
    USER = "user"


class Event:
    def __init__(self, topic, **data):
        self.topic = topic
        self.data = data

    def __repr__(self):
        return f"Event({self.topic.value})"


class Bus:
    def __init__(self):
        self.handlers = {topic: [] for topic in Topic}
        self.history = []

    def on(self, topic):
        def register(handler):
            self.handlers[topic].append(handler)
            return handler

        return register

    def emit(self, event):
        self.history.append(event)
        handlers = self.handlers[event.topic]
        for handler in handlers:
            handler(event)
        return len(handlers)

    def last(self, topic=None):
        events = [event for event in self.history if topic in (None, event.topic)]
        return events[-1]


bus = Bus()
seen = []


@bus.on(Topic.ORDER)
def remember(event):
    seen.append(repr(event))


def audit(prefix, event):
    seen.append(prefix + repr(event))


bus.on(Topic.ORDER)(lambda event: audit("audit: ", event))
count = bus.emit(Event(Topic.ORDER, number=7, note="fast"))
none = bus.emit(Event(Topic.USER))
last = bus.last()
order = bus.last(Topic.ORDER)
topic = order.topic
number = order.data["number"]
first = seen[0]
