"""A pipeline of steps."""


def strip(text):
    return text.strip()


def measure(text):
    return len(text)


steps = [strip, measure]
cleaned = steps[0](" tea ")
length = steps[1](cleaned)
last = steps[-1]
results = [step("ab") for step in steps]


def run(steps, text):
    for step in steps:
        text = step(text)
    return text


outcome = run([strip, str.upper], " x ")
