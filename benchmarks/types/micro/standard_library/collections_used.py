"""Containers of the standard library."""

from collections import Counter, OrderedDict, defaultdict, deque

letters = Counter("banana")
common = letters.most_common(1)
amount = letters["a"]
groups = defaultdict(list)
groups["even"].append(2)
evens = groups["even"]
totals = defaultdict(int)
totals["x"] += 5
queue = deque([1.5, 2.5])
left = queue.popleft()
queue.append(3.5)
ordered = OrderedDict()
ordered["first"] = 1
for name, total in totals.items():
    line = f"{name}: {total}"
