"""Objects that get their attributes later."""


class Record:
    pass


def fill(record, number):
    record.number = number
    record.tags = ["new"]
    return record


record = fill(Record(), 3)
number = record.number
tag = record.tags[0]
record.title = "note"
title = record.title
fields = vars(record)
doubled = number * 2
