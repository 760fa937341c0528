"""Values that may be missing."""


class Node:
    def __init__(self, value, parent=None):
        self.value = value
        self.parent = parent


def find(names, wanted):
    found = names.get(wanted)
    if found is None:
        return None
    result = found
    return result


def root(node):
    while node.parent is not None:
        node = node.parent
    return node


def title(name=None):
    name = name or "nobody"
    return name.title()


def length(text=None):
    if text is None:
        text = ""
    size = len(text)
    return size


hit = find({"a": "b"}, "a")
miss = find({"a": "b"}, "z")
top = root(Node("leaf", Node("root")))
label = title()
other = title("ada")
zero = length()
three = length("abc")
