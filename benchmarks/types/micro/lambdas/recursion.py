"""Lambdas that call themselves or choose."""

factorial = lambda n: 1 if n < 2 else n * factorial(n - 1)
result = factorial(5)
join = lambda words: words[0] + join(words[1:]) if words else ""
sentence = join(["a", "b"])
choose = lambda flag: (lambda: "yes") if flag else (lambda: "no")
answer = choose(True)()
table = [(lambda base: base * 10)(digit) for digit in range(3)]
ordered = sorted(["bb", "a"], key=lambda word: (len(word), word))
total = sum(map(lambda value: value * 0.5, [1, 2]))
