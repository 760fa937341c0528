"""Queues that are passed around and changed."""


def enqueue(queue, job):
    queue.append(job)


def split(numbers, limit):
    low = [n for n in numbers if n < limit]
    high = [n for n in numbers if n >= limit]
    return low, high


def first(items):
    return items[0]


jobs = []
enqueue(jobs, "build")
job = jobs[0]
small, large = split([1, 5, 9], 4)
one = first(["a"])
two = first([1])
