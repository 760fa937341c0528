"""A small bank: several features in one program."""

from dataclasses import dataclass, field
from datetime import date


class InsufficientFunds(Exception):
    def __init__(self, missing):
        super().__init__(f"{missing} missing")
        self.missing = missing


@dataclass
class Account:
    owner: str
    balance: float = 0.0
    history: list[tuple[date, float]] = field(default_factory=list)

    def deposit(self, amount, day):
        self.balance += amount
        self.history.append((day, amount))
        return self.balance

    def withdraw(self, amount):
        if amount > self.balance:
            raise InsufficientFunds(amount - self.balance)
        self.balance -= amount
        return self.balance


class Bank:
    def __init__(self, name):
        self.name = name
        self.accounts = {}

    def open(self, owner, deposit=None):
        account = Account(owner)
        self.accounts[owner] = account
        if deposit is not None:
            account.deposit(deposit, date(2020, 1, 1))
        return account

    def find(self, owner):
        return self.accounts.get(owner)

    def total(self):
        return sum((account.balance for account in self.accounts.values()), 0.0)

    def richest(self):
        return max(self.accounts.values(), key=lambda account: account.balance)


bank = Bank("Thrift")
ada = bank.open("Ada", 100.0)
grace = bank.open("Grace")
found = bank.find("Ada")
nobody = bank.find("Bob")
try:
    grace.withdraw(5.0)
except InsufficientFunds as problem:
    gap = problem.missing
left = ada.withdraw(30.0)
total = bank.total()
owner = bank.richest().owner
first_day = ada.history[0][0]
