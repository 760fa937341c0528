"""A menu whose entries are nested classes."""


class Menu:
    class Entry:
        def __init__(self, title, price):
            self.title = title
            self.price = price

        def discount(self, percent):
            return Menu.Entry(self.title, self.price * (100 - percent) / 100)

    def __init__(self):
        self.entries = []

    def add(self, title, price):
        entry = self.Entry(title, price)
        self.entries.append(entry)
        return entry

    def cheapest(self):
        return min(self.entries, key=lambda entry: entry.price).title


menu = Menu()
soup = menu.add("soup", 4.5)
half = soup.discount(50)
best = menu.cheapest()
kind = Menu.Entry
made = kind("salad", 3.0)
