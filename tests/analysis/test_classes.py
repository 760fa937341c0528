"""Classes: attributes, inheritance, descriptors, and the classes that the standard library makes special."""

import pytest
from marks import check

CASES = {
    "attributes": """
        class A:
            count = 0  #: count: int
            def __init__(self, name, size=1):  #: name: str ;; size: int ;; ->: None
                self.name = name  #: self.name: str
                self.size = size  #: self.size: int
                self.other = None
            def rename(self, new):  #: new: str
                self.name = new
                self.other = [1]  #: self.other: list[int]
        a = A("x")  #: a: A
        a.rename("y")
        n = a.name  #: n: str
        c = A.count  #: c: int
        o = a.other  #: o: list[int] | None
        a.extra = 1.5  #: a.extra: float
        e = a.extra  #: e: float
    """,
    "methods": """
        class A:
            def one(self):  #: ->: int
                return 1
            def me(self):  #: ->: A
                return self
            @classmethod
            def make(cls, x):  #: x: str ;; ->: A
                return cls()
            @staticmethod
            def plain(x):  #: x: float ;; ->: float
                return x
        a = A().me().one()  #: a: int
        b = A.make("x")  #: b: A
        c = A.plain(1.5)  #: c: float
        m = A().one
        d = m()  #: d: int
        e = A.one(A())  #: e: int
    """,
    "inheritance": """
        class Base:
            def __init__(self, x):  #: x: int
                self.x = x
            def hello(self):
                return self.name()
            def name(self):  #: ->: str
                return "base"
        class Child(Base):
            def __init__(self, x, y):  #: x: int ;; y: str
                super().__init__(x)
                self.y = y
            def name(self):  #: ->: bytes
                return b"child"
            def both(self):  #: ->: tuple[int, str]
                return self.x, self.y
        c = Child(1, "a")
        r = c.hello()  #: r: bytes
        s = Base(2).hello()  #: s: str
        t = c.both()  #: t: tuple[int, str]
        u = c.x  #: u: int
    """,
    "multiple inheritance": """
        class A:
            def f(self):
                return 1
        class B(A):
            pass
        class C(A):
            def f(self):
                return "c"
        class D(B, C):
            pass
        x = D().f()  #: x: str
        class E(D):
            def f(self):  #: ->: tuple[str, None]
                return super().f(), None
    """,
    "properties": """
        from functools import cached_property
        class A:
            def __init__(self):
                self._x = 1
            @property
            def x(self):  #: ->: int
                return self._x
            @x.setter
            def x(self, value):
                self._x = value
            @cached_property
            def y(self):  #: ->: str
                return "a"
        a = A()
        v = a.x  #: v: int
        w = a.y  #: w: str
    """,
    "dataclasses": """
        from dataclasses import dataclass, field
        @dataclass
        class P:
            x: int
            y: str = "a"
            z: list[int] = field(default_factory=list)
            def total(self):  #: ->: int
                return self.x + 1
        p = P(1)  #: p: P
        a = p.x  #: a: int
        b = p.z  #: b: list[int]
    """,
    "named tuples": """
        from collections import namedtuple
        from typing import NamedTuple
        P = namedtuple("P", "x y")
        p = P(1, "a")  #: p: P
        class Q(NamedTuple):
            x: int
            y: str = ""
        q = Q(1)  #: q: Q
        a = q.x  #: a: int
        b, c = q  #: b: int ;; c: str
        d = q[1]  #: d: str
        e = p.x  #: e: int
    """,
    "enumerations": """
        import enum
        from enum import Enum, auto
        class Color(Enum):
            RED = 1
            GREEN = "g"
            @classmethod
            def default(cls):  #: ->: Color
                return cls.RED
            def describe(self):  #: ->: str
                return self.name
        c = Color.RED  #: c: Color
        n = c.name  #: n: str
        v = Color.GREEN.value  #: v: str
        for x in Color:  #: x: Color
            pass
        y = Color["RED"]  #: y: Color
        z = Color(1)  #: z: Color
        w = Color.default().describe()  #: w: str
        l = list(Color)  #: l: list[Color]
    """,
    "typed dictionaries": """
        from typing import TypedDict
        class Movie(TypedDict):
            name: str
            year: int
        m: Movie = {"name": "a", "year": 1}
        n = m["name"]  #: n: str
        o = Movie(name="a", year=2)  #: o: Movie
    """,
    "generic classes": """
        from typing import Generic, TypeVar
        T = TypeVar("T")
        class Box(Generic[T]):
            def __init__(self, item: T) -> None:
                self.item = item
            def get(self) -> T:
                return self.item
        b = Box(1)  #: b: Box[int]
        x = b.get()  #: x: int
        y = b.item  #: y: int
        class Names(list[str]):
            pass
        z = Names()[0]  #: z: str
    """,
    "protocols and self types": """
        from typing import Protocol, Self
        class Named(Protocol):
            name: str
        def f(x: Named):  #: ->: str
            return x.name
        class A:
            def me(self) -> Self:
                return self
        class B(A):
            pass
        b = B().me()  #: b: B
    """,
    "descriptors": """
        class D:
            def __get__(self, instance, owner):
                return 1.5
        class A:
            d = D()
        x = A().d  #: x: float
    """,
    "class objects": """
        class A:
            pass
        class B(A):
            pass
        k = A  #: k: type[A]
        a = k()  #: a: A
        t = type(a)  #: t: type[A]
        n = A.__name__  #: n: str
        c = a.__class__  #: c: type[A]
        def make(cls):  #: cls: type[A] | type[B] ;; ->: A
            return cls()
        x = make(A)  #: x: A
        y = make(B)  #: y: B
        d = {"a": A, "b": B}
        z = d["b"]()  #: z: B
    """,
    "dynamic attributes": """
        class A:
            def __getattr__(self, name):  #: name: str ;; ->: int
                return 1
        x = A().anything  #: x: int
        class B:
            y = 2
        z = getattr(B(), "y")  #: z: int
        w = getattr(B(), "q", None)  #: w: None
    """,
    "nested classes": """
        class Outer:
            class Inner:
                def f(self):  #: ->: int
                    return 1
            def make(self):  #: ->: Outer.Inner
                return Outer.Inner()
        x = Outer().make().f()  #: x: int
    """,
    "fluent and linked": """
        class Node:
            def __init__(self, value, next=None):  #: value: int ;; next: Node | None
                self.value = value
                self.next = next
        class Stack:
            def __init__(self):
                self.head = None
            def push(self, value):  #: value: int ;; ->: Stack
                self.head = Node(value, self.head)
                return self
            def pop(self):  #: ->: int
                node = self.head
                self.head = node.next
                return node.value
        s = Stack().push(1).push(2)  #: s: Stack
        v = s.pop()  #: v: int
    """,
    "abstract methods say nothing": """
        from abc import ABC, abstractmethod
        class Shape(ABC):
            @abstractmethod
            def area(self):
                ...
            def twice(self):
                return self.area() * 2
        class Square(Shape):
            def area(self):  #: ->: float
                return 1.5
        x = Square().twice()  #: x: float
    """,
    "instances as context managers and iterators": """
        class It:
            def __init__(self):
                self.n = 0
            def __iter__(self):  #: ->: It
                return self
            def __next__(self):  #: ->: int
                self.n += 1
                return self.n
        for x in It():  #: x: int
            pass
        l = list(It())  #: l: list[int]
    """,
}


@pytest.mark.parametrize("source", CASES.values(), ids=CASES)
def test_classes(source: str) -> None:
    check(source)


def test_modules() -> None:
    check(
        {
            "package/__init__.py": "from .core import *\nfrom .core import helper as assist\n",
            "package/core.py": """
                __all__ = ["Thing", "make"]
                VERSION = "1"
                class Thing:
                    def size(self):  #: ->: int
                        return 1
                def make(name):  #: name: str ;; ->: Thing
                    return Thing()
                def helper(x):  #: x: float ;; ->: float
                    return x
            """,
            "package/late.py": """
                from package import core
                import package.core as c
                def version():  #: ->: str
                    return core.VERSION
                v = c.VERSION  #: v: str
            """,
            "main.py": """
                import package
                import package.late
                import os.path as p
                from package import Thing, make, assist
                try:
                    import missing_json as json
                except ImportError:
                    import json
                t = make("a")  #: t: Thing
                n = t.size()  #: n: int
                v = package.late.version()  #: v: str
                a = assist(1.5)  #: a: float
                j = p.join("a")  #: j: str
                s = json.dumps(1)  #: s: str
                m = package.late  #: m: ModuleType
            """,
        }
    )


def test_circular_imports() -> None:
    check(
        {
            "a.py": """
                import b
                class A:
                    def other(self):  #: ->: B
                        return b.B(self)
                x = b.make(1)  #: x: int
            """,
            "b.py": """
                from a import A
                class B:
                    def __init__(self, a):  #: a: A
                        self.a = a
                    def back(self):  #: ->: A
                        return self.a
                def make(n):  #: n: int ;; ->: int
                    return n
            """,
            "main.py": """
                from a import A
                r = A().other().back()  #: r: A
            """,
        }
    )
