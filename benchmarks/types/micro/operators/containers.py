"""A shelf that behaves like a container."""


class Shelf:
    def __init__(self, books):
        self.books = books

    def __getitem__(self, position):
        return self.books[position]

    def __setitem__(self, position, title):
        self.books[position] = title

    def __len__(self):
        return len(self.books)

    def __contains__(self, title):
        return title in self.books

    def __iter__(self):
        return iter(self.books)

    def __call__(self, prefix):
        return [book for book in self if book.startswith(prefix)]


shelf = Shelf(["emma", "dune"])
first = shelf[0]
shelf[1] = "ulysses"
amount = len(shelf)
known = "emma" in shelf
titles = [title.title() for title in shelf]
matching = shelf("em")
top, bottom = shelf
copy = list(shelf)
