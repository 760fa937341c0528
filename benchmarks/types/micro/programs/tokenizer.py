"""A calculator: tokens, a tree and its value."""

import operator
import re
from typing import NamedTuple


class Token(NamedTuple):
    kind: str
    text: str


class Number:
    def __init__(self, value):
        self.value = value

    def evaluate(self):
        return self.value


class Binary:
    def __init__(self, left, sign, right):
        self.left = left
        self.sign = sign
        self.right = right

    def evaluate(self):
        function = OPERATORS[self.sign]
        return function(self.left.evaluate(), self.right.evaluate())


OPERATORS = {"+": operator.add, "-": operator.sub}
PATTERN = re.compile(r"\s*(?:(\d+)|(.))")


def tokenize(text):
    tokens = []
    for match in PATTERN.finditer(text):
        if match.group(1):
            tokens.append(Token("number", match.group(1)))
        else:
            tokens.append(Token("sign", match.group(2)))
    return tokens


class Parser:
    def __init__(self, tokens):
        self.tokens = tokens
        self.position = 0

    def advance(self):
        token = self.tokens[self.position]
        self.position += 1
        return token

    def done(self):
        return self.position >= len(self.tokens)

    def number(self):
        return Number(float(self.advance().text))

    def parse(self):
        tree = self.number()
        while not self.done():
            sign = self.advance().text
            tree = Binary(tree, sign, self.number())
        return tree


tokens = tokenize("1 + 2 - 3")
tree = Parser(tokens).parse()
single = Parser(tokenize("7")).parse()
value = tree.evaluate()
kind = tokens[0].kind
