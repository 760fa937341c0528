"""Temperatures with several ways to make one."""


class Temperature:
    def __init__(self, celsius):
        self.celsius = celsius

    @classmethod
    def from_fahrenheit(cls, degrees):
        return cls((degrees - 32) / 1.8)

    @staticmethod
    def is_valid(text):
        return text.endswith("C")

    @property
    def kelvin(self):
        return self.celsius + 273.15

    @property
    def label(self):
        return self._label

    @label.setter
    def label(self, value):
        self._label = value

    def warmer(self, degrees):
        return Temperature(self.celsius + degrees)


boiling = Temperature.from_fahrenheit(212)
valid = Temperature.is_valid("12C")
absolute = boiling.kelvin
boiling.label = "hot"
text = boiling.label
hotter = boiling.warmer(1.0).warmer(2.0)
value = hotter.celsius
method = boiling.warmer
result = method(3.0)
