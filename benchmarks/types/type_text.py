"""Types as tools write them, in one form that can be compared.

Every tool has its own way to say the same: `List[int]`, `list[int]`, `builtins.list[int]`; `(x: int) -> str`
and `Callable[[int], str]`; `Literal[1]` where a person writes `int`. What is left of namespaces, literals and
arms that say "unknown" is the same for every tool and for the truth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

ALIASES = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
    "Text": "str",
    "LiteralString": "str",
    "NoneType": "None",
    "Never": "NoReturn",
    "DefaultDict": "defaultdict",
    "Deque": "deque",
    "CoroutineType": "Coroutine",
    "GeneratorType": "Generator",
    "AsyncGeneratorType": "AsyncGenerator",
    "AbstractSet": "Set",
    "ContextManager": "AbstractContextManager",
    "AsyncContextManager": "AbstractAsyncContextManager",
    "FunctionType": "Callable",
    "BuiltinFunctionType": "Callable",
    "MethodType": "Callable",
    "function": "Callable",
    "method": "Callable",
    "Ellipsis": "...",
}
UNKNOWN = frozenset({"Unknown", "Any", "Incomplete", "Todo", "@Todo", "unknown", "?", ""})
WRAPPERS = frozenset({"Annotated", "Final", "ClassVar", "Required", "NotRequired", "InitVar"})


@dataclass(frozen=True, slots=True)
class Type:
    """A name and its arguments; a union is named "|" and its arms are sorted."""

    name: str
    arguments: tuple[Type, ...] = ()

    def names(self) -> set[str]:
        """Every name in it."""
        return {self.name}.union(*(argument.names() for argument in self.arguments))

    def __str__(self) -> str:
        if self.name == "|":
            return " | ".join(map(str, self.arguments))
        return self.name + (f"[{', '.join(map(str, self.arguments))}]" if self.arguments else "")


NONE = Type("None")
ANY = Type("Any")


def split(text: str, separator: str) -> list[str]:
    """Split at a separator outside brackets and quotes."""
    parts, depth, quote, current = [], 0, "", ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[({":
            depth += 1
        elif character in "])}":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(current.strip())
            current = ""
            continue
        current += character
    return [*parts, current.strip()]


def union(arms: list[Type]) -> Type:
    """One type for several: flat, without repetition or order."""
    flat = [inner for arm in arms for inner in (arm.arguments if arm.name == "|" else (arm,))]
    known = {arm for arm in flat if arm.name not in UNKNOWN}
    if not known:
        return ANY
    return Type("|", tuple(sorted(known, key=str))) if len(known) > 1 else known.pop()


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of a text counts: the signatures of callables, the values of literals."""

    signatures: bool = False
    literals: bool = False


LOOSE = Reading()
PREDICTION = Reading(signatures=True)
ANNOTATION = Reading(signatures=True, literals=True)


@lru_cache(maxsize=200_000)
def parse(text: str, reading: Reading = LOOSE) -> Type:
    """The type that a text says; arms that say nothing are dropped, `Any` where nothing is left."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"(?<=\w)\*", "", text)  # ty: a literal that was widened
    text = re.sub(r"<class '([\w.]+)'>", r"type[\1]", text)
    text = re.sub(r"<module '[\w.]+'>|Module\([^)]*\)", "ModuleType", text)
    arms = []
    for arm in split(text, "|"):
        if _has_arrow(arm) or arm.startswith(FUNCTIONS):
            arms.append(Type("Callable"))
            break  # what follows belongs to the arrow's right side
        arms.append(_arm(arm, reading))
    return union(arms)


FUNCTIONS = (
    "def ",
    "async def ",
    "bound method ",
    "Overload[",
    "Overload(",
    "overload ",
    "<function",
    "<bound",
)


def _has_arrow(text: str) -> bool:
    depth = 0
    for position, character in enumerate(text):
        if depth == 0 and text.startswith("->", position):
            return True
        depth += (character in "[({") - (character in "])}")
    return False


def _arm(text: str, reading: Reading) -> Type:
    if text.startswith("(") and text.endswith(")"):
        return parse(text[1:-1], reading) if len(text) > 2 else Type("()")
    if text[:1] in {"'", '"'} and text[-1:] == text[:1] and len(text) > 2:
        return parse(text[1:-1], reading)
    match = re.fullmatch(r"([\w.@]+)\[(.*)\]", text)
    name, inner = (match[1], split(match[2], ",")) if match else (text, None)
    if name.startswith("@"):  # ty: a type that it does not know yet
        return ANY
    name = name.removeprefix("Self@").partition("@")[0]
    name = name.rpartition(".")[2] if name != "..." else name
    name = ALIASES.get(name, name)
    if inner is not None:
        return _generic(name, inner, reading)
    return Type("bool") if name in {"True", "False"} else Type("Any" if name in UNKNOWN else name)


def _generic(name: str, inner: list[str], reading: Reading) -> Type:
    if name in UNKNOWN:
        return ANY
    if name == "Callable":
        return _callable(inner, reading)
    if name == "Optional":
        return union([parse(inner[0], reading), NONE])
    if name == "Union":
        return union([parse(part, reading) for part in inner])
    if name == "Literal":
        if reading.literals:
            return Type(name, tuple(Type(part) for part in sorted(inner)))
        return union([_literal(part) for part in inner])
    if name in WRAPPERS:
        return parse(inner[0], reading)
    if name == "tuple" and inner in (["()"], [""]):
        return Type("tuple", (Type("()"),))
    # Type variables of stubs with defaults, which nobody writes: TextIOWrapper[_WrappedBuffer].
    arguments = tuple(parse(part, reading) for part in inner if not re.fullmatch(r"_\w+", part))
    if name in {"Generator", "AsyncGenerator"}:
        arguments += (NONE,) * ((3 if name == "Generator" else 2) - len(arguments))
    if name == "memoryview" or (name != "tuple" and all(argument == ANY for argument in arguments)):
        return Type(name)
    return Type(name, arguments)


def _callable(inner: list[str], reading: Reading) -> Type:
    if not reading.signatures or len(inner) != 2 or inner == ["...", "Any"]:
        return Type("Callable")
    given = inner[0]
    if given.startswith("[") and given.endswith("]"):
        parts = [parse(part, reading) for part in split(given[1:-1], ",") if part]
        parameters = Type("[]", tuple(parts))
    else:
        parameters = parse(given, reading)
    return Type("Callable", (parameters, parse(inner[1], reading)))


def _literal(text: str) -> Type:
    for pattern, name in LITERALS:
        if re.match(pattern, text):
            return Type(name)
    return parse(text.rpartition(".")[0] or "Any")


LITERALS = (
    (r"[bB]['\"]", "bytes"),
    (r"['\"]", "str"),
    (r"True|False", "bool"),
    (r"-?\d", "int"),
    (r"None", "None"),
)


def as_annotated(text: str, *, stars: int = 0, asynchronous: bool = False) -> str:
    """What a person writes where a tool tells the type that the name has.

    `*args: int` for a `tuple[int, ...]`, `**options: int` for a `dict[str, int]`, and for an `async def` what
    awaiting it gives.
    """
    found = parse(text, PREDICTION)
    if asynchronous and found.name == "Coroutine" and len(found.arguments) == 3:
        return str(found.arguments[2])
    if stars and found.name == ("tuple", "dict")[stars - 1] and len(found.arguments) == 2:
        return str(found.arguments[stars - 1])
    return "" if stars and found.name in {"tuple", "dict"} else text


def without_none(type_: Type) -> Type:
    """A top-level Optional does not count in strip-and-recover."""
    if type_.name != "|":
        return type_
    return union([arm for arm in type_.arguments if arm != NONE])


def outermost(type_: Type) -> object:
    """The outermost constructor; of a union, those of its arms."""
    return frozenset(a.name for a in type_.arguments) if type_.name == "|" else type_.name
