"""Functions that look into their keyword arguments."""


def tag(name, **attributes):
    pairs = []
    for key, value in attributes.items():
        pairs.append(f'{key}="{value}"')
    title = attributes.get("title", "")
    return f"<{name} {' '.join(pairs)}>{title}"


def options(**settings):
    names = sorted(settings)
    settings.setdefault("depth", 1)
    return settings, names


link = tag("a", href="/", title="home")
chosen, names = options(width=3, wrap=True)
depth = chosen["depth"]


def build(kind, **fields):
    return kind(**fields)


class User:
    def __init__(self, name, age):
        self.name = name
        self.age = age


user = build(User, name="Ada", age=36)
years = user.age
