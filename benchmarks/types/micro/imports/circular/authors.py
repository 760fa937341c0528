"""Those who write."""

import books


class Author:
    def __init__(self, name):
        self.name = name
        self.works = []

    def write(self, title):
        book = books.Book(title, self)
        self.works.append(book)
        return book

    def latest(self):
        return self.works[-1]
