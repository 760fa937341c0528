"""Operators of the built-in types."""

whole = 7 // 2
ratio = 7 / 2
mixed = 1 + 2.5
power = 2**-1
remainder = 7.5 % 2
bits = 6 & 3 | 8
shifted = 1 << 4
repeated = "ab" * 2
joined = [1] + [2]
formatted = "%s is %d" % ("Ada", 36)
negated = not whole
compared = 1 < 2 < 3
inverted = ~whole
complex_number = 2 + 3j
tuple_sum = (1,) + ("a",)
truth = True + True
both = True & False
inside = "a" in "abc"
