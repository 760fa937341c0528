"""Values that are bound inside expressions."""

import sys

queue = ["a", "bb", "ccc"]
if (length := len(queue)) > 2:
    message = f"{length} jobs"
else:
    message = None
while (job := queue.pop()) != "a":
    last = job
lengths = [size for word in ["x", "yy"] if (size := len(word)) > 0]
verbose = len(sys.argv) > 100
for loud in [True, False]:
    level = 10 if loud else "quiet"
    shown = level
