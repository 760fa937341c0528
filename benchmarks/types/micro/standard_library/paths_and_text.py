"""Files, patterns and JSON."""

import json
import os.path
import re
from pathlib import Path

folder = Path("/tmp")
target = folder / "notes.txt"
suffix = target.suffix
parent = target.parent
exists = target.exists()
joined = os.path.join("a", "b")
base, extension = os.path.splitext("a.txt")
pattern = re.compile(r"(\d+)")
for text in ["room 12", "hall"]:
    match = pattern.search(text)
numbers = re.findall(r"\d+", "1 2")
replaced = re.sub("a", "b", "banana")
text = json.dumps({"a": 1})
pieces = re.split(",", "a,b")
parts = folder.parts
