"""What the built-in functions give back."""

prices = [3.5, 1.25, 9.0]
names = ["pen", "ink", "pad"]
cheapest = min(prices)
longest = max(names, key=len)
ordered = sorted(names)
amount = len(names)
rounded = round(cheapest)
precise = round(cheapest, 1)
everything = all(names)
quotient, remainder = divmod(17, 5)
total = sum([1, 2])
power = pow(2.0, 3)
shown = repr(prices)
letter = chr(65)
code = ord("A")
printer = print
identity = id(names)
kind = isinstance(prices, list)
hexed = hex(255)
