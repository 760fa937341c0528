"""Calls on what a call has just given."""


class Query:
    def __init__(self, table):
        self.table = table
        self.limit_to = 0

    def limit(self, rows):
        self.limit_to = rows
        return self

    def sql(self):
        return f"select * from {self.table} limit {self.limit_to}"


def select(table):
    return Query(table)


text = select("users").limit(5).sql()
query = select("books").limit(1)
words = select("a").sql().split()
size = (lambda items: len(items))(words)
letter = "abc"[1].upper()
