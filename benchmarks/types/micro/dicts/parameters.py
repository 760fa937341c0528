"""Dictionaries in and out of functions."""


def full_name(person):
    return person["first"] + " " + person["last"]


def with_id(person, number):
    return {**person, "id": number}


def ages(people):
    return [person["age"] for person in people]


ada = {"first": "Ada", "last": "Lovelace"}
text = full_name(ada)
numbered = with_id(ada, 7)
identity = numbered["id"]
known = ages([{"age": 36}, {"age": 85}])
