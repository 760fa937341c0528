"""Methods of lists, dicts and sets."""

shelf = ["tea", "rice"]
taken = shelf.pop()
position = shelf.index("tea")
copy = shelf.copy()
nothing = shelf.sort()
stock = {"tea": 4, "rice": 1}
tea = stock.get("tea", 0)
for wanted in ["tea", "sugar"]:
    found = stock.get(wanted)
salt = stock.setdefault("salt", 7)
removed = stock.pop("rice")
key, value = stock.popitem()
keys = list(stock.keys())
amounts = sorted(stock.values())
both = {1, 2} & {2, 3}
either = {1}.union({2.5})
is_subset = both.issubset(either)
bits = (255).bit_length()
packed = (1).to_bytes(2, "big")
whole = (2.0).is_integer()
