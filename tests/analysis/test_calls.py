"""Calls: arguments into parameters, results back, generics, callbacks, decorators."""

import pytest
from marks import check

CASES = {
    "positional and keyword": """
        def f(a, b, c=None):  #: a: int ;; b: str ;; c: float | None ;; ->: tuple[int, str, float | None]
            return a, b, c
        f(1, b="x")
        f(2, "y", c=1.5)
    """,
    "a default that is never overridden": """
        def f(a=1, b="x", *, c=()):  #: a: int ;; b: str
            return a
        x = f()  #: x: int
    """,
    "a result depends on the arguments": """
        def identity(x):  #: ->: int | str
            return x
        a = identity(1)  #: a: int
        b = identity("x")  #: b: str
    """,
    "star arguments": """
        def f(*args, **kwargs):  #: args: int | str ;; kwargs: float
            a = args[0]  #: a: int | str
            return args
        r = f(1, "a", k=1.5)  #: r: tuple[int, str]
        def g(a, b, c):  #: a: int ;; b: int ;; c: str
            return c
        l = [1, 2]
        g(*l, c="x")
        g(**{"a": 1, "b": 2, "c": "x"})
    """,
    "functions are values": """
        def one():
            return 1
        def two():
            return "a"
        f = one
        x = f()  #: x: int
        d = {"a": one, "b": two}
        y = d["b"]()  #: y: str
        l = [one, two]
        z = l[0]()  #: z: int
        def choose():
            return two
        w = choose()()  #: w: str
    """,
    "callbacks": """
        def apply(f, x):  #: x: int ;; ->: str
            return f(x)
        def show(n):  #: n: int ;; ->: str
            return str(n)
        r = apply(show, 1)  #: r: str
        s = apply(lambda v: "x" * v, 2)  #: v: int ;; s: str
    """,
    "callbacks of the standard library": """
        a = list(map(lambda s: len(s), ["x"]))  #: s: str ;; a: list[int]
        b = sorted([(1, "a")], key=lambda p: p[1])  #: p: tuple[int, str] ;; b: list[tuple[int, str]]
        c = list(filter(lambda n: n > 1, [1, 2]))  #: n: int ;; c: list[int]
        from functools import reduce
        d = reduce(lambda x, y: x + y, [1, 2])  #: x: int ;; y: int ;; d: int
        e = max(["a"], key=len)  #: e: str
        def twice(n):  #: n: int ;; ->: int
            return n * 2
        f = list(map(twice, [1]))  #: f: list[int]
    """,
    "closures": """
        def outer(x):
            def inner(y):  #: y: str ;; ->: tuple[int, str]
                return x, y
            return inner
        f = outer(1)
        r = f("a")  #: r: tuple[int, str]
    """,
    "decorators": """
        import functools
        def log(f):
            @functools.wraps(f)
            def wrapper(*args, **kwargs):
                return f(*args, **kwargs)
            return wrapper
        @log
        def add(a, b):  #: a: int ;; b: int ;; ->: int
            return a + b
        x = add(1, 2)  #: x: int
        def repeat(n):  #: n: int
            def decorate(f):
                def wrapper(*args):
                    return [f(*args) for _ in range(n)]
                return wrapper
            return decorate
        @repeat(3)
        def hello(name):  #: name: str
            return name
        y = hello("a")  #: y: list[str]
    """,
    "cached functions": """
        from functools import lru_cache, cache
        @lru_cache(maxsize=None)
        def f(n):  #: n: int ;; ->: int
            return n + 1
        x = f(1)  #: x: int
        @cache
        def g(n):
            return str(n)
        y = g(1)  #: y: str
    """,
    "partial": """
        from functools import partial
        def f(a, b, c=None):  #: a: int ;; b: str ;; c: float | None
            return b
        g = partial(f, 1, c=2.5)
        x = g("a")  #: x: str
    """,
    "recursion": """
        def fact(n):  #: n: int ;; ->: int
            if n <= 1:
                return 1
            return n * fact(n - 1)
        x = fact(5)  #: x: int
        def even(n):  #: n: int ;; ->: bool
            return True if n == 0 else odd(n - 1)
        def odd(n):  #: n: int ;; ->: bool
            return False if n == 0 else even(n - 1)
        y = even(4)  #: y: bool
        def flatten(x):
            if isinstance(x, list):
                r = []
                for i in x:
                    r.extend(flatten(i))
                return r
            return [x]
        z = flatten([1, [2]])  #: z: list[int]
    """,
    "generators": """
        def count(n):  #: n: int ;; ->: Generator[int, None, None]
            i = 0
            while i < n:
                yield i
                i += 1
        for x in count(3):  #: x: int
            pass
        l = list(count(2))  #: l: list[int]
        n = next(count(1))  #: n: int
        def both():  #: ->: Generator[int | str, None, float]
            yield from count(1)
            yield "a"
            return 1.5
        def outer():
            r = yield from both()  #: r: float
    """,
    "async": """
        import asyncio
        async def fetch(n):  #: n: int ;; ->: str
            await asyncio.sleep(1)
            return str(n)
        async def main():
            x = await fetch(1)  #: x: str
            a, b = await asyncio.gather(fetch(1), fetch(2))  #: a: str ;; b: str
            t = asyncio.create_task(fetch(3))  #: t: Task[str]
            y = await t  #: y: str
            async for v in numbers():  #: v: int
                pass
            l = [v async for v in numbers()]  #: l: list[int]
        async def numbers():  #: ->: AsyncGenerator[int, None]
            yield 1
    """,
    "context managers from generators": """
        from contextlib import contextmanager
        @contextmanager
        def opened(name):  #: name: str ;; ->: Generator[int, None, None]
            yield len(name)
        with opened("a") as n:  #: n: int
            pass
    """,
    "lambdas": """
        f = lambda x, y=2: x * y  #: x: int ;; y: int
        r = f(3)  #: r: int
        g = lambda: "a"
        s = g()  #: s: str
    """,
    "operators call special methods": """
        class V:
            def __init__(self, x):
                self.x = x
            def __add__(self, other):  #: other: V ;; ->: V
                return V(self.x + other.x)
            def __mul__(self, k):  #: k: int ;; ->: V
                return V(self.x * k)
            def __getitem__(self, i):  #: i: int ;; ->: str
                return "a"
            def __len__(self):  #: ->: int
                return 1
            def __eq__(self, other):  #: ->: bool
                return True
            def __call__(self, z):  #: z: str ;; ->: str
                return z
            def __iter__(self):
                return iter([1.5])
            def __contains__(self, item):  #: ->: bool
                return True
        v = V(1) + V(2)  #: v: V
        w = v * 3  #: w: V
        x = v[0]  #: x: str
        y = len(v)  #: y: int
        z = v("q")  #: z: str
        for e in v:  #: e: float
            pass
        b = v == w  #: b: bool
    """,
    "arithmetic": """
        a = 1 + 2  #: a: int
        b = 1 / 2  #: b: float
        c = 7 // 2  #: c: int
        d = 2 ** 3  #: d: int
        e = 1.5 * 2  #: e: float
        f = "a" + "b"  #: f: str
        g = "%s" % 1  #: g: str
        h = [1] + ["a"]  #: h: list[int | str]
        i = (1,) + ("a",)  #: i: tuple[int, str]
        j = [0] * 3  #: j: list[int]
        k = 1 < 2  #: k: bool
        l = -1  #: l: int
        m = 1 if k else 2.5  #: m: int | float
        n = {1} | {"a"}  #: n: set[int | str]
        o = 5 & 3  #: o: int
        p = True + 1  #: p: int
        q = 3 + 1.5  #: q: float
        r = divmod(7, 2)  #: r: tuple[int, int]
        s = "a" in "abc"  #: s: bool
        t = f"{a}"  #: t: str
        u = 3 - 1j  #: u: complex
        v = round(1.5)  #: v: int
        w = round(1.5, 1)  #: w: float
        x = abs(-2)  #: x: int
        y = sum([1.5, 2.5])  #: y: float
        z = pow(2, 3)  #: z: int
    """,
    "string, list and dictionary methods": """
        a = "a b".split()  #: a: list[str]
        b = ",".join(a)  #: b: str
        c = "a".encode()  #: c: bytes
        d = "{}".format(1)  #: d: str
        e = {"a": 1}.get("a")  #: e: int | None
        f = {"a": 1}.get("a", 0)  #: f: int
        g = list({"a": 1}.keys())  #: g: list[str]
        h = [3, 1].pop()  #: h: int
        i = "a".partition(",")  #: i: tuple[str, str, str]
        j = {"a": 1}.items()  #: j: dict_items[str, int]
        k = [1].copy()  #: k: list[int]
        l = sorted({"b", "a"})  #: l: list[str]
        m = dict([("a", 1)])  #: m: dict[str, int]
        n = list(zip([1], "a"))  #: n: list[tuple[int, str]]
        o = [*reversed([1])]  #: o: list[int]
        p = set("abc")  #: p: set[str]
        q = tuple([1])  #: q: tuple[int, ...]
        r = dict(a=1)  #: r: dict[str, int]
        s = "a".startswith("b")  #: s: bool
        t = min(1, 2)  #: t: int
        u = any([1])  #: u: bool
        v = input("x")  #: v: str
        w = {**{"a": 1}, "b": "c"}  #: w: dict[str, int | str]
        x = [1, 2][::2]  #: x: list[int]
        y = "abc"[0]  #: y: str
        z = list("ab")  #: z: list[str]
    """,
    "the standard library": """
        import os, json, datetime, subprocess, collections, itertools, pathlib, logging, random, time
        a = os.path.join("a", "b")  #: a: str
        b = os.environ.get("X")  #: b: str | None
        c = datetime.datetime.now()  #: c: datetime
        d = c - c  #: d: timedelta
        e = collections.Counter("abc")  #: e: Counter[str]
        f = e.most_common(1)  #: f: list[tuple[str, int]]
        g = pathlib.Path("a") / "b"  #: g: Path
        h = g.read_text()  #: h: str
        i = logging.getLogger(__name__)  #: i: Logger
        j = random.choice([1, 2])  #: j: int
        k = time.time()  #: k: float
        l = list(itertools.chain([1], [2]))  #: l: list[int]
        m = subprocess.run(["a"], capture_output=True, text=True)  #: m: CompletedProcess[str]
        n = [p.name for p in g.iterdir()]  #: n: list[str]
        o = json.dumps({})  #: o: str
        p = os.getcwd()  #: p: str
        q = os.listdir(".")  #: q: list[str]
        r = itertools.groupby([1], key=str)
        for s, t in r:  #: s: str
            pass
        u = pathlib.Path.cwd()  #: u: Path
        v = datetime.date.today().isoformat()  #: v: str
    """,
    "functions without a return": """
        def f():  #: ->: None
            pass
        def g(x):  #: ->: None
            print(x)
        def h(x):  #: ->: int | None
            if x:
                return 1
        def i():  #: ->: Never
            raise ValueError("x")
    """,
}


@pytest.mark.parametrize("source", CASES.values(), ids=CASES)
def test_calls(source: str) -> None:
    check(source)
