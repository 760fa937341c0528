"""Orders as data classes."""

from dataclasses import asdict, astuple, dataclass, field, replace


@dataclass
class Line:
    product: str
    price: float
    amount: int = 1

    def total(self):
        return self.price * self.amount


@dataclass(order=True)
class Order:
    number: int
    lines: list[Line] = field(default_factory=list)

    def add(self, product, price):
        line = Line(product, price)
        self.lines.append(line)
        return line

    def sum(self):
        return sum([line.total() for line in self.lines], 0.0)


@dataclass
class Rush(Order):
    fee: float = 5.0


order = Order(1)
line = order.add("pen", 2.5)
total = order.sum()
product = line.product
dearer = replace(line, price=3.5)
fields = astuple(line)
first = order.lines[0].amount
rush = Rush(2, fee=7.5)
fee = rush.fee
number = rush.number
same = order == rush
later = Order(1) < Order(2)
table = asdict(line)
