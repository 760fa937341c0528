"""Tags without duplicates."""

tags = {"a", "b"}
tags.add("c")
seen = set()
for number in [1, 2, 1]:
    seen.add(number)
lengths = {len(tag) for tag in tags}
common = tags & {"b", "z"}
mixed = {1} | {"x"}
missing = tags - common
one = tags.pop()
fixed = frozenset(seen)
corners = {(0, 0), (0, 1)}
for left, right in corners:
    distance = left - right
