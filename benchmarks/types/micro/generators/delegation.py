"""Walking a tree with yield from."""


class Node:
    def __init__(self, value, children=()):
        self.value = value
        self.children = children

    def walk(self):
        yield self.value
        for child in self.children:
            yield from child.walk()


def both(first, second):
    yield from first
    yield from second


tree = Node("root", [Node("leaf"), Node("twig")])
names = list(tree.walk())
mixed = [item for item in both([1], "a")]
leaf = tree.children[0]
