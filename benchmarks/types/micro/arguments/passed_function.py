"""Functions that are handed to other functions."""


def apply(transform, text):
    return transform(text)


def shout(text):
    return text.upper() + "!"


def count_words(text):
    return len(text.split())


loud = apply(shout, "hello")
words = apply(count_words, "one two three")
handler = shout
again = handler("bye")
