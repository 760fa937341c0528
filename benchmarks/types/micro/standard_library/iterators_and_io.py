"""Tools for iterators and text in memory."""

import io
import itertools
import operator
import string
import textwrap
import uuid

buffer = io.StringIO()
written = buffer.write("a\nb\n")
content = buffer.getvalue()
lines = content.splitlines()
raw = io.BytesIO(b"data").read()
chained = list(itertools.chain([1], [2, 3]))
combined = list(itertools.product("ab", [1, 2]))
running = list(itertools.accumulate([1, 2, 3]))
for left, right in itertools.combinations([1, 2, 3], 2):
    product = left * right
alphabet = string.ascii_lowercase
wrapped = textwrap.wrap("some text", 4)
total = operator.add(1, 2)
identity = uuid.uuid4()
digits = identity.hex
