"""Plain classes that hold data."""

from dataclasses import dataclass, field


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y


@dataclass
class Settings:
    name: str = "default"
    sizes: dict[str, int] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.key = self.name.lower()

    def size(self, key):
        return self.sizes.get(key)


vector = Vector(1.0, 2.0)
x = vector.x
settings = Settings("Main", {"a": 1})
key = settings.key
size = settings.size("a")
missing = settings.size("b")
sizes = settings.sizes
plain = Settings()
