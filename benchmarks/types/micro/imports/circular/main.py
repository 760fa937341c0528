"""Authors know their books, books know their authors."""

from authors import Author
from books import Book

author = Author("Ada")
book = author.write("Notes")
writer = book.author
title = writer.latest().title
shelf = Book.shelf
