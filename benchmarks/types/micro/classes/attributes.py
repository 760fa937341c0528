"""A bank account with a history."""


class Account:
    currency = "EUR"
    opened = 0

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance
        self.history = []
        self.manager = None
        Account.opened += 1

    def deposit(self, amount):
        self.balance += amount
        self.history.append(amount)
        return self.balance

    def summary(self):
        return self.owner, len(self.history)


account = Account("Ada")
other = Account("Grace", 10.5)
now = account.deposit(2.5)
account.manager = other
boss = account.manager.owner
unit = account.currency
owner, moves = account.summary()
opened = Account.opened
