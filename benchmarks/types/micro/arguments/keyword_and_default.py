"""Invoices with sensible defaults."""


def invoice(customer, total=0.0, *, currency="EUR", paid=False):
    state = "paid" if paid else "open"
    return f"{customer} {total} {currency} {state}"


def retry(times=3, delay=None):
    if delay is None:
        delay = 0.5
    return [times] * int(delay * 2)


first = invoice("Ada", total=12.5)
second = invoice(customer="Grace", currency="USD", paid=True)
attempts = retry()
more = retry(delay=1.5)
