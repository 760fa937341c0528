"""The type of a name at each point: branches, loops, exceptions, narrowing."""

import pytest
from marks import check

CASES = {
    "reassignment": """
        x = 1  #: x: int
        x = "a"  #: x: str
        y = x  #: y: str
    """,
    "branches join": """
        def f(c):
            if c:
                x = 1
            else:
                x = "a"
            y = x  #: y: int | str
            return y
    """,
    "an early return leaves the branch": """
        def f(x=None):  #: ->: int
            if x is None:
                return 0
            y = x
            return 1
    """,
    "none is narrowed away": """
        import re
        m = re.match("a", "b")  #: m: Match[str] | None
        if m is not None:
            g = m.group()  #: g: str
        if m:
            h = m  #: h: Match[str]
        else:
            h = m  #: h: None
    """,
    "isinstance": """
        def f(x):  #: x: int | str
            if isinstance(x, int):
                a = x  #: a: int
            else:
                a = x  #: a: str
            return a
        f(1)
        f("a")
    """,
    "isinstance of a tuple of classes, and its negation": """
        def f(x):
            if not isinstance(x, (int, str)):
                y = x  #: y: float
                return
            z = x  #: z: int | str
        f(1); f("a"); f(1.5)
    """,
    "and, or, not": """
        def f(a, b=None):
            x = a or "none"  #: x: int | str
            y = b and b.upper()  #: y: str | None
            z = not a  #: z: bool
            return x
        f(1, "a")
        f(2, None)
    """,
    "while grows a union": """
        def f():
            x = None
            while True:
                y = x  #: y: int | None
                if x is not None:
                    break
                x = 1
            return x
        z = f()  #: z: int
    """,
    "for variables": """
        for i in range(3):  #: i: int
            pass
        for c in "abc":  #: c: str
            pass
        for k, v in {"a": 1.5}.items():  #: k: str ;; v: float
            pass
        for n, (a, b) in enumerate([(1, "x")]):  #: n: int ;; a: int ;; b: str
            pass
        for x in (1, "a"):  #: x: int | str
            pass
        for l in open("f"):  #: l: str
            pass
        for b in b"abc":  #: b: int
            pass
    """,
    "loop else and break": """
        def f(items):
            for item in items:
                found = item  #: found: int
                break
            else:
                found = None  #: found: None
            return found
        r = f([1, 2])  #: r: int | None
    """,
    "try": """
        def f(s):  #: ->: int | None
            try:
                x = int(s)  #: x: int
            except ValueError as e:
                y = e  #: y: ValueError
                return None
            else:
                z = x  #: z: int
            finally:
                w = 1  #: w: int
            return x
    """,
    "what a try assigned may be seen by its handler": """
        def f():
            x = 1
            try:
                x = "a"
                open("f")
            except (OSError, KeyError) as e:
                y = x  #: y: int | str
                z = e  #: z: OSError | KeyError
    """,
    "assert narrows": """
        def f(x):
            assert isinstance(x, str)
            y = x  #: y: str
            return y
    """,
    "walrus": """
        import re
        if (m := re.match("a", "b")) is not None:  #: m: Match[str] | None
            g = m  #: g: Match[str]
        while (n := len("a")) > 3:  #: n: int
            pass
    """,
    "conditional expressions": """
        def f(x=None):
            y = 0 if x is None else len(x)  #: y: int
            z = x if x is not None else "a"  #: z: str
            return z
        f("b")
    """,
    "del and global": """
        count = 0
        name = None
        def bump():
            global count, name
            count += 1
            name = "x"
        def read():  #: ->: str | None
            return name
        bump()
    """,
    "nonlocal": """
        def outer():
            n = 0
            def inner():
                nonlocal n
                n = n + 1
                return n
            return inner
        f = outer()
        x = f()  #: x: int
    """,
    "match": """
        def f(x):
            match x:
                case int():
                    y = x  #: y: int
                case str() as s:
                    y = s  #: y: str
                case [a, b]:
                    y = a  #: y: float
                case None:
                    y = None
                case _:
                    y = x
            return y
        f(1); f("a"); f([1.5, 2.5]); f(None)
    """,
    "match on values and mappings": """
        def f(d):
            match d:
                case {"name": n}:
                    x = n  #: x: str
                case "go" | "stop":
                    x = d  #: x: str
        f({"name": "a"})
        f("go")
    """,
    "augmented assignment": """
        x = 1
        x += 2.5  #: x: float
        s = "a"
        s *= 3  #: s: str
        l = [1]
        l += ["a"]  #: l: list[int | str]
    """,
    "unpacking": """
        a, b = 1, "x"  #: a: int ;; b: str
        (c, d), e = (1, 2.5), None  #: c: int ;; d: float ;; e: None
        f, *g = [1, 2, 3]  #: f: int ;; g: list[int]
        *h, i = "ab"  #: h: list[str] ;; i: str
        a, b = b, a  #: a: str ;; b: int
        x = y = []  #: x: list ;; y: list
        k, v = {"a": 1}.popitem()  #: k: str ;; v: int
    """,
    "with": """
        import threading, tempfile
        with open("a") as f, open("b", "rb") as g:  #: f: TextIOWrapper ;; g: BufferedReader
            t = f.read()  #: t: str
            u = g.read()  #: u: bytes
        with tempfile.TemporaryDirectory() as d:  #: d: str
            pass
        class C:
            def __enter__(self):  #: ->: C
                return self
            def __exit__(self, *a):  #: ->: None
                pass
            def go(self):
                return 1
        with C() as c:  #: c: C
            n = c.go()  #: n: int
    """,
    "containers are filled as they are used": """
        l = []  #: l: list[int]
        for i in range(3):
            l.append(i)
        d = {}  #: d: dict[str, list[int]]
        d["a"] = l
        s = set()  #: s: set[str]
        s.add("x")
        from collections import defaultdict, deque
        e = defaultdict(list)  #: e: defaultdict[str, list[int]]
        e["a"].append(1)
        q = deque()  #: q: deque[int]
        q.append(1)
        x = q.popleft()  #: x: int
        m = {}  #: m: dict[str, list[int]]
        m.setdefault("k", []).append(1)
    """,
    "elements at literal keys": """
        d = {"a": 1, "b": "x"}  #: d: dict[str, int | str | float]
        x = d["a"]  #: x: int
        y = d["b"]  #: y: str
        d["c"] = 2.5  #: d["c"]: float
        z = d["c"]  #: z: float
        l = [1, "a", None]  #: l: list[int | str | float | None]
        p = l[1]  #: p: str
        l[1] = 2.5  #: l[1]: float
        q = l[1]  #: q: float
        t = (1, "a")
        r = t[0]  #: r: int
        n = {"k": {"v": 1}}
        m = n["k"]["v"]  #: m: int
        w = l[-1]  #: w: None
    """,
    "is literal equality": """
        def f(mode):
            if mode == "a":
                x = 1
            elif mode in ("b", "c"):
                x = mode  #: x: str
            else:
                x = None
            return x
        f("a")
    """,
    "hasattr and callable": """
        def f(x):
            if callable(x):
                y = x()  #: y: int
            else:
                y = x  #: y: str
            return y
        f(lambda: 1)
        f("a")
    """,
    "type comparison": """
        def f(x):
            if type(x) is int:
                y = x  #: y: int
            return x
        f(1); f("a")
    """,
    "sys.exit ends the flow": """
        import sys
        def f(x=None):
            if x is None:
                sys.exit(1)
            y = x  #: y: str
            return y
        f("a")
    """,
    "narrowed attributes": """
        class A:
            def __init__(self):
                self.x = None  #: self.x: None
            def set(self):
                self.x = 1  #: self.x: int
            def get(self):  #: ->: int
                if self.x is None:
                    return 0
                return self.x
    """,
}


@pytest.mark.parametrize("source", CASES.values(), ids=CASES)
def test_flow(source: str) -> None:
    check(source)
