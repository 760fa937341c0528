"""Errors that carry what went wrong."""


class OrderError(Exception):
    def __init__(self, order, code=400):
        super().__init__(f"{order} failed")
        self.order = order
        self.code = code

    def hint(self):
        return f"see {self.code}"


class PaymentError(OrderError):
    retry = True


def check(order):
    if order == "bad":
        raise PaymentError(order, 402)
    return order


try:
    check("good")
    check("bad")
except OrderError as error:
    code = error.code
    order = error.order
    hint = error.hint()
problem = OrderError("o-1")
number = problem.code
