"""What is written."""

import authors


class Book:
    shelf = []

    def __init__(self, title, author):
        self.title = title
        self.author = author if author else authors.Author("anonymous")
        Book.shelf.append(self)
