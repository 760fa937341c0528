"""Is the ground truth of the micro-suite true? Every snippet is run with tracing and its facts are compared.

    python benchmarks/types/micro/verify.py [GROUP | GROUP/SNIPPET]...

A parameter must get, a function return and a variable hold, right after it was assigned, values that the
fact's type allows; and every part of the type must have been seen: `list[int | str]` needs an int and a
str in it. Containers are looked at once more when the snippet has ended, so that the type of a list that is
filled later is that of the filled list. What cannot be looked into (the type that a generator is sent, the
result of a partial) is taken on trust. Exit code 1 where a fact is wrong or too many are never reached.
CPython 3.11 or newer: it tells the column of every instruction.
"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import json
import re
import runpy
import subprocess
import sys
import tomllib
import types
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MOST_UNREACHED = 0.01
STORES_OF_NAMES = frozenset({"STORE_NAME", "STORE_FAST", "STORE_GLOBAL", "STORE_DEREF"})
STORES_INTO = frozenset({"STORE_ATTR", "STORE_SUBSCR"})
FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    type(functools.lru_cache(len)),
)
ITERABLES = frozenset({"list", "set", "frozenset", "deque", "Counter"})
MAPPINGS = frozenset({"dict", "defaultdict", "OrderedDict"})


@dataclass(eq=False)
class Truth:
    """A node of a type; `seen` once a value has matched it."""

    name: str
    parts: list[Truth] = field(default_factory=list)
    seen: bool = False

    def unseen(self) -> Iterator[str]:
        """The parts for which there was no value."""
        if not self.seen:
            yield self.name
        else:
            for part in self.parts:
                yield from part.unseen()

    def trust(self) -> None:
        """Take the parts as seen: they cannot be looked into."""
        for part in self.parts:
            part.seen = True
            part.trust()


def parse(node: ast.expr) -> Truth:
    """The type that is written in a fact."""
    if isinstance(node, ast.Constant):
        return Truth(repr(node.value))
    if isinstance(node, ast.Name):
        return Truth(node.id)
    if isinstance(node, ast.Attribute):
        return Truth(node.attr)
    if isinstance(node, ast.BinOp):
        sides = [parse(node.left), parse(node.right)]
        return Truth("|", [part for side in sides for part in (side.parts if side.name == "|" else [side])])
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        parts = [parse(part) for part in inner]
        if len(parts) == 2 and parts[1].name == "Ellipsis":
            return Truth("tuple...", parts[:1])
        return Truth(parse(node.value).name, parts)
    raise ValueError(f"not a type: {ast.dump(node)}")


@dataclass(eq=False)
class Fact:
    """One line of ground truth and what was seen of it."""

    file: str
    line: int
    column: int
    kind: str
    name: str
    type: str
    truth: Truth
    reached: bool = False
    problems: list[str] = field(default_factory=list)


def read(facts_file: Path) -> list[Fact]:
    """The facts of a snippet."""
    rows = tomllib.loads(facts_file.read_text(encoding="utf-8"))["facts"]
    return [
        Fact(
            r["file"],
            r["line"],
            r["column"],
            r["kind"],
            r["name"],
            r["type"],
            parse(ast.parse(r["type"], mode="eval").body),
        )
        for r in rows
    ]


class Comparison:
    """Values against types; what the code objects of generators and coroutines have given is kept aside."""

    def __init__(self) -> None:
        self.yielded: defaultdict[types.CodeType, list[Any]] = defaultdict(list)
        self.returned: defaultdict[types.CodeType, list[Any]] = defaultdict(list)

    def accepts(self, truth: Truth, value: object) -> bool:
        """Whether the value has the type; marks the parts it is an example of."""
        if truth.name == "|":
            fits = [self.accepts(part, value) for part in truth.parts]
            accepted = any(fits)
        else:
            accepted = self._fits(truth, value)
        truth.seen = truth.seen or accepted
        return accepted

    def _all(self, truth: Truth, values: list[Any]) -> bool:
        fits = [self.accepts(truth, value) for value in values]  # every one: each may be an example
        return all(fits)

    def _fits(self, truth: Truth, value: object) -> bool:
        name, parts, kind = truth.name, truth.parts, type(value).__name__
        if name == "None":
            return value is None
        if name == "Callable":
            return isinstance(value, FUNCTIONS)
        if name == "type":
            return isinstance(value, type) and self._named(parts[0], value.__name__)
        if name == "Path":
            return kind in {"PosixPath", "WindowsPath"}
        if name == "tuple...":
            return type(value) is tuple and self._all(parts[0], list(value))
        if name == "tuple":
            if parts and parts[0].name == "()":
                parts[0].seen = True
                return value == ()
            if type(value) is not tuple or len(value) != len(parts):
                return False
            fits = [self.accepts(part, one) for part, one in zip(parts, value, strict=True)]
            return all(fits)
        if name in {"Generator", "Coroutine", "AsyncGenerator"}:
            return self._lazy(truth, value)
        if kind != name or isinstance(value, type):
            return False
        if name in ITERABLES:
            return not parts or self._all(parts[0], list(value))  # type: ignore[call-overload]
        if name in MAPPINGS and isinstance(value, dict):
            if not parts:
                return True
            return self._all(parts[0], list(value)) and self._all(parts[1], list(value.values()))
        if name == "Task":
            return not value.done() or self.accepts(parts[0], value.result())  # type: ignore[attr-defined]
        if name == "Pattern":
            return self.accepts(parts[0], value.pattern)  # type: ignore[attr-defined]
        if name == "Match":
            return self.accepts(parts[0], value.string)  # type: ignore[attr-defined]
        truth.trust()
        return True

    def _named(self, truth: Truth, name: str) -> bool:
        fits = truth.name == name
        truth.seen = truth.seen or fits
        return fits

    def _lazy(self, truth: Truth, value: object) -> bool:
        if isinstance(value, types.GeneratorType):
            yields, sends, returns = truth.parts
            sends.seen = True
            sends.trust()
            good = self._all(yields, self.yielded[value.gi_code])
            known = self.returned[value.gi_code] or ([None] if returns.name == "None" else [])
            return truth.name == "Generator" and good and self._all(returns, known)
        if isinstance(value, types.CoroutineType):
            truth.parts[-1].seen |= self._all(truth.parts[-1], self.returned[value.cr_code])
        truth.trust()
        return type(value).__name__ == {"Coroutine": "coroutine", "AsyncGenerator": "async_generator"}.get(
            truth.name
        )


class Tracer:
    """Runs a snippet and shows every fact the values it is about."""

    def __init__(self, folder: Path, facts: list[Fact]) -> None:
        self.folder = folder
        self.comparison = Comparison()
        self.stored: defaultdict[tuple[str, int], list[Fact]] = defaultdict(list)
        self.fixed: defaultdict[tuple[str, int, str, str], list[Fact]] = defaultdict(list)
        for fact in facts:
            if fact.kind == "variable":
                self.stored[fact.file, fact.line].append(fact)
            else:
                self.fixed[fact.file, fact.line, fact.kind, fact.name].append(fact)
        self.arguments: dict[tuple[str, int, str], tuple[int, dict[str, tuple[int, str]]]] = {}
        for file in sorted({fact.file for fact in facts}):
            self._read_functions(file)
        self.instructions: dict[types.CodeType, dict[int, dis.Instruction]] = {}
        self.last: dict[types.FrameType, int] = {}
        self.later: list[tuple[Fact, Any]] = []

    def _read_functions(self, file: str) -> None:
        """Where the code object of each function has its name and its parameters."""
        tree = ast.parse((self.folder / file).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                inner = node.args
                named = {a.arg: (a.lineno, "") for a in inner.posonlyargs + inner.args + inner.kwonlyargs}
                if inner.vararg:
                    named[inner.vararg.arg] = (inner.vararg.lineno, "*")
                if inner.kwarg:
                    named[inner.kwarg.arg] = (inner.kwarg.lineno, "**")
                if isinstance(node, ast.Lambda):
                    key = (file, node.lineno, "<lambda>")
                    named |= self.arguments.get(key, (0, {}))[1]
                    self.arguments[key] = node.lineno, named
                else:
                    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                    self.arguments[file, first, node.name] = node.lineno, named

    def _file(self, code: types.CodeType) -> str:
        path = Path(code.co_filename)
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else ""

    def show(self, fact: Fact, value: object) -> None:
        """Compare now, and again at the end."""
        fact.reached = True
        lazy = isinstance(value, types.GeneratorType | types.CoroutineType)
        if not lazy and not self.comparison.accepts(fact.truth, value):
            fact.problems.append(f"saw {value!r:.80} ({type(value).__name__})")
        self.later.append((fact, value))

    def trace(self, frame: types.FrameType, event: str, argument: object) -> Any:  # noqa: ANN401
        """The function for sys.settrace."""
        file = self._file(frame.f_code)
        if not file:
            return None
        if event == "call":
            frame.f_trace_opcodes = True
            if frame not in self.last:
                self._called(file, frame)
            self.last[frame] = -1
        elif event == "opcode":
            self._stored(file, frame)
            self.last[frame] = frame.f_lasti
        elif event == "return":
            self._stored(file, frame)
            self._left(file, frame, argument)
        return self.trace

    def _called(self, file: str, frame: types.FrameType) -> None:
        code = frame.f_code
        _, named = self.arguments.get((file, code.co_firstlineno, code.co_name), (0, {}))
        for name, (line, stars) in named.items():
            for fact in self.fixed[file, line, "param", name]:
                if name not in frame.f_locals:
                    continue  # the other lambda of the same line
                value = frame.f_locals[name]
                values = list(value) if stars == "*" else list(value.values()) if stars == "**" else [value]
                for one in values:
                    self.show(fact, one)

    def _left(self, file: str, frame: types.FrameType, value: object) -> None:
        code = frame.f_code
        operation = dis.opname[code.co_code[frame.f_lasti]]
        line, _ = self.arguments.get((file, code.co_firstlineno, code.co_name), (0, {}))
        facts = self.fixed[file, line, "return", code.co_name]
        returned = operation in {"RETURN_VALUE", "RETURN_CONST"}  # else it yields, or an exception leaves it
        if operation == "YIELD_VALUE" and code.co_flags & inspect.CO_GENERATOR:
            self.comparison.yielded[code].append(value)
        if returned:
            self.comparison.returned[code].append(value)
        for fact in facts:
            fact.reached = True
            if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR):
                self.later.append((fact, _Lazy(code)))
            elif fact.type == "NoReturn":
                fact.truth.seen = not returned
            elif returned:
                self.show(fact, value)

    def _stored(self, file: str, frame: types.FrameType) -> None:
        offset = self.last.get(frame, -1)
        code = frame.f_code
        if code not in self.instructions:
            self.instructions[code] = {i.offset: i for i in dis.get_instructions(code)}
        instruction = self.instructions[code].get(offset)
        if instruction is None or instruction.positions is None:
            return
        line, column = instruction.positions.lineno or 0, instruction.positions.col_offset or 0
        for fact in self.stored.get((file, line), ()):
            if fact.name.isidentifier():
                if instruction.opname in STORES_OF_NAMES and fact.name == instruction.argval:
                    scope = frame.f_globals if instruction.opname == "STORE_GLOBAL" else frame.f_locals
                    self.show(fact, scope[fact.name])
            elif instruction.opname in STORES_INTO and fact.column == column + 1:
                # Not traced: nothing that a trace function calls is.
                self.show(fact, eval(fact.name, frame.f_globals, frame.f_locals))

    def finish(self, facts: list[Fact]) -> None:
        """Look at all values once more and find what was never seen."""
        for fact, value in self.later:
            if isinstance(value, _Lazy):
                self._finish_lazy(fact, value.code)
            elif not self.comparison.accepts(fact.truth, value):
                fact.problems.append(f"in the end {value!r:.80}")
        for fact in facts:
            missing = list(fact.truth.unseen())
            if fact.reached and missing and not fact.problems:
                fact.problems.append("never seen: " + ", ".join(missing))

    def _finish_lazy(self, fact: Fact, code: types.CodeType) -> None:
        truth, comparison = fact.truth, self.comparison
        truth.seen = True
        if code.co_flags & inspect.CO_ASYNC_GENERATOR:
            if truth.name != "AsyncGenerator":
                fact.problems.append("is an asynchronous generator")
            truth.trust()
            return
        if truth.name != "Generator":
            fact.problems.append("is a generator")
            return
        yields, sends, returns = truth.parts
        sends.seen = True
        sends.trust()
        returned = comparison.returned[code] or ([None] if returns.name == "None" else [])
        for part, values in ((yields, comparison.yielded[code]), (returns, returned)):
            fact.problems += [f"gave {v!r:.80}" for v in values if not comparison.accepts(part, v)]


@dataclass(frozen=True)
class _Lazy:
    """Stands for what a generator function returned."""

    code: types.CodeType


def run(key: str) -> list[Fact]:
    """Run one snippet in this process; its facts with what was wrong."""
    facts = read(HERE / f"{key}.facts.toml")
    single = HERE / f"{key}.py"
    folder = single.parent if single.exists() else HERE / key
    main = single if single.exists() else folder / "main.py"
    sys.path.insert(0, str(folder))
    sys.argv = [str(main)]
    tracer = Tracer(folder, facts)
    sys.settrace(tracer.trace)
    try:
        runpy.run_path(str(main), run_name="__main__")
    finally:
        sys.settrace(None)
    tracer.finish(facts)
    return facts


def keys(wanted: list[str]) -> list[str]:
    """The snippets, all or those asked for."""
    found = sorted(
        str(path.relative_to(HERE)).removesuffix(".facts.toml") for path in HERE.rglob("*.facts.toml")
    )
    return [key for key in found if not wanted or any(re.match(f"{re.escape(w)}(/|$)", key) for w in wanted)]


def main() -> int:
    """Run the snippets one after the other, each in a process of its own."""
    if sys.argv[1:2] == ["--child"]:
        facts = run(sys.argv[2])
        rows = [(f.file, f.line, f.kind, f.name, f.type, f.reached, f.problems[:3]) for f in facts]
        sys.stdout.write("\n" + json.dumps(rows) + "\n")
        return 0
    total = wrong = 0
    unreached = []
    groups = set()
    for key in keys(sys.argv[1:]):
        groups.add(key.partition("/")[0])
        command = [sys.executable, "-B", str(Path(__file__).resolve()), "--child", key]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            print(f"{key}: failed\n{done.stderr}")
            wrong += 1
            continue
        for file, line, kind, name, type_, reached, problems in json.loads(done.stdout.splitlines()[-1]):
            total += 1
            place = f"{key}: {file}:{line} {kind} {name}: {type_}"
            if problems:
                wrong += 1
                print(f"{place} -- {'; '.join(problems)}")
            elif not reached:
                unreached.append(place)
    for place in unreached:
        print(f"not reached: {place}")
    print(f"{total} facts in {len(groups)} groups, {wrong} wrong, {len(unreached)} not reached")
    return int(wrong > 0 or len(unreached) > MOST_UNREACHED * total)


if __name__ == "__main__":
    sys.exit(main())
