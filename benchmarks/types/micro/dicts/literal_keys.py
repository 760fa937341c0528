"""A user profile, key by key."""

profile = {"name": "Ada", "age": 36}
name = profile["name"]
age = profile["age"]
profile["active"] = True
active = profile["active"]
profile["age"] = "37"
changed = profile["age"]
scores = {1: 2.5, 2: 3.5}
best = scores[2]
for key in scores:
    value = scores[key]
