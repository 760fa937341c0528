"""Evaluation of expressions in a frame."""

from __future__ import annotations

import ast
from collections.abc import Callable as Function_
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from typewright.analysis.arguments import Arguments
from typewright.analysis.assignments import Assignments
from typewright.analysis.definitions import Environment, Frame
from typewright.analysis.forms import Forms
from typewright.analysis.mentions import MUTATORS
from typewright.analysis.names import literal_value
from typewright.analysis.narrowing import narrow
from typewright.analysis.references import reference
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    Alias,
    ClassObject,
    Function,
    Instance,
    Literal,
    SpecialForm,
    Tuple,
    Type,
    join,
    known,
    widen_literals,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typewright.analysis.evaluator import Evaluator


class Expressions(Assignments):
    """Evaluates the expressions of one frame. `types` records them where somebody will ask."""

    def __init__(self, evaluator: Evaluator, frame: Frame, types: dict[ast.AST, Type] | None = None) -> None:
        super().__init__(evaluator, frame, types)
        self.yielded: list[Type] = []
        self.forms = Forms(evaluator, self)

    def evaluate(self, node: ast.expr) -> Type:
        """The type of an expression here and now."""
        method = _METHODS.get(type(node))
        result = method(self, node) if method is not None else UNKNOWN
        if self.types is not None:
            self.types[node] = result
        return result

    # Names, attributes, subscripts.

    def _name(self, node: ast.Name) -> Type:
        found = self.environment.names.get(node.id)
        if found is None:
            found = self.evaluator.names.read(self.frame, node.id)
        return found

    def _attribute(self, node: ast.Attribute) -> Type:
        receiver = self.evaluate(node.value)
        key = reference(node)
        fact = self.environment.facts.get(key) if key is not None else None
        if fact is not None:
            return fact
        return self.attribute(receiver, node.attr)

    def attribute(self, receiver: Type, name: str) -> Type:
        """What `receiver.name` is, unknown where there is no such member."""
        found = self.evaluator.classes.attribute(receiver, name)
        return found if found is not None else UNKNOWN

    def _subscript(self, node: ast.Subscript) -> Type:
        receiver = self.evaluate(node.value)
        index = self.index(node.slice)
        key = reference(node)
        fact = self.environment.facts.get(key) if key is not None else None
        if fact is not None:
            return fact
        if isinstance(receiver, ClassObject | SpecialForm | Alias):
            return self._specialised(receiver, node)
        return self.operators.subscript(receiver, index)

    def _specialised(self, receiver: Type, node: ast.Subscript) -> Type:
        if isinstance(receiver, ClassObject) and self.evaluator.classes.is_enum(receiver.definition):
            index = self.evaluate(node.slice)
            name = literal_value(index)
            if isinstance(name, str) and name in self.evaluator.classes.enum_members(receiver.definition):
                return Literal(receiver.definition, name)
            return Instance(receiver.definition)
        if isinstance(receiver, ClassObject):
            own = self.evaluator.classes.find(receiver.definition, "__class_getitem__")
            if own is not None and own[0][0].module.origin == "workspace":
                method = self.evaluator.classes.attribute(receiver, "__class_getitem__") or UNKNOWN
                return self.evaluator.calls.call(method, Arguments((self.index(node.slice),)), self, node)
        described = self.evaluator.annotations.evaluate(node, self.frame)
        if isinstance(described, Instance) and isinstance(receiver, ClassObject):
            return ClassObject(described.definition, described.arguments)
        if isinstance(described, Tuple):
            return ClassObject(described.definition, (join(*described.items),))
        return Alias(described)

    # Displays and literals.

    def _constant(self, node: ast.Constant) -> Type:
        value = node.value
        if value is None:
            return NONE
        if isinstance(value, bool | int | str | bytes):
            return self.evaluator.literal(value)
        if value is Ellipsis:
            return self.evaluator.instance("types.EllipsisType")
        return self.evaluator.instance(type(value).__name__)

    def _items(self, nodes: list[ast.expr]) -> tuple[list[Type], Type | None]:
        """The items of a display: by position, and joined where a star makes positions unknown."""
        items: list[Type] = []
        rest: Type | None = None
        for node in nodes:
            if isinstance(node, ast.Starred):
                value = self.evaluate(node.value)
                if self.types is not None:
                    self.types[node] = value
                if isinstance(value, Tuple) and rest is None:
                    items.extend(value.items)
                else:
                    rest = join(rest if rest is not None else NEVER, self.operators.element(value))
            elif rest is None:
                items.append(self.evaluate(node))
            else:
                rest = join(rest, self.evaluate(node))
        return items, rest

    def _tuple(self, node: ast.Tuple) -> Type:
        items, rest = self._items(node.elts)
        if rest is not None:
            return self.evaluator.instance("tuple", widen_literals(join(*items, rest)))
        return self.evaluator.tuple_of(*items)

    def _list(self, node: ast.List) -> Type:
        items, rest = self._items(node.elts)
        elements = tuple(enumerate(items[:24])) if rest is None else ()
        element = widen_literals(join(*items, *([rest] if rest is not None else [])))
        return Instance(self.evaluator.class_named("list"), (element,), elements, frozenset({node}))

    def _set(self, node: ast.Set) -> Type:
        items, rest = self._items(node.elts)
        element = widen_literals(join(*items, *([rest] if rest is not None else [])))
        return Instance(self.evaluator.class_named("set"), (element,), (), frozenset({node}))

    def _dict(self, node: ast.Dict) -> Type:
        keys: Type = NEVER
        values: Type = NEVER
        elements: dict[object, Type] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.evaluate(value_node)
            if key_node is None:
                arguments = self.evaluator.classes.supertype(
                    value, self.evaluator.class_named("typing.Mapping")
                )
                more_keys, more_values = (
                    arguments if arguments and len(arguments) == 2 else (UNKNOWN, UNKNOWN)
                )
                keys, values = join(keys, more_keys), join(values, more_values)
                if isinstance(value, Instance):
                    elements.update(value.elements)
                continue
            key = self.evaluate(key_node)
            keys, values = join(keys, widen_literals(key)), join(values, widen_literals(value))
            literal = literal_value(key)
            if literal is not None and len(elements) < 24:
                elements[literal] = value
        made = self.evaluator.class_named("dict")
        return Instance(made, (keys, values), tuple(elements.items()), frozenset({node}))  # type: ignore[arg-type]

    def _joined_string(self, node: ast.JoinedStr) -> Type:
        for part in node.values:
            self.evaluate(part)
        return self.evaluator.instance("str")

    def _formatted_value(self, node: ast.FormattedValue) -> Type:
        self.evaluate(node.value)
        if node.format_spec is not None:
            self.evaluate(node.format_spec)
        return self.evaluator.instance("str")

    # Operators.

    def _binary(self, node: ast.BinOp) -> Type:
        return self.operators.binary(node.op, self.evaluate(node.left), self.evaluate(node.right))

    def _unary(self, node: ast.UnaryOp) -> Type:
        return self.operators.unary(node.op, self.evaluate(node.operand))

    def _boolean(self, node: ast.BoolOp) -> Type:
        decisive = isinstance(node.op, ast.Or)
        found: list[Type] = []
        before = self.environment
        current = before
        for position, value in enumerate(node.values):
            self.environment = current
            type = self.evaluate(value)
            current = self.environment
            if position < len(node.values) - 1:
                found.append(self.operators.with_truth(type, decisive))
                current = narrow(self, value, not decisive)
            else:
                found.append(type)
        self._leave(before)
        return join(*found)

    def _leave(self, before: Environment) -> None:
        """Restores what was known before a part that may not run; walrus names stay."""
        for name, type in self.environment.names.items():
            if name not in before.names and name in self.frame.scope.bindings:
                before.names[name] = type
        self.environment = before

    def _compare(self, node: ast.Compare) -> Type:
        left = self.evaluate(node.left)
        results = []
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(right_node)
            results.append(self.operators.compare(op, left, right))
            left = right
        return join(*results)

    def _conditional(self, node: ast.IfExp) -> Type:
        test = self.evaluate(node.test)
        truth = self.evaluator.classes.is_truthy(test)
        before = self.environment
        found: list[Type] = []
        for branch, taken in ((node.body, True), (node.orelse, False)):
            self.environment = narrow(self, node.test, taken)
            type = self.evaluate(branch)
            if truth is None or truth is taken or self.types is not None:
                found.append(type)
            self._leave(before)
        return join(*found)

    # Calls.

    def _call(self, node: ast.Call) -> Type:
        special = self.forms.evaluate(node)
        if special is not None:
            return special
        callee = self.evaluate(node.func)
        arguments = self.arguments(node)
        result = self.evaluator.calls.call(callee, arguments, self, node)
        self._filled_by_call(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
            self.mutate(node.func, arguments)
            if node.func.attr == "setdefault" and len(arguments.positional) == 2:
                result = join(known(result), arguments.positional[1])
        return result

    def _filled_by_call(self, node: ast.Call) -> None:
        """What a call has put into containers that were passed to it shows in the references passed."""
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)) if self.growth else ():
            if isinstance(argument, ast.Name) and argument.id in self.environment.names:
                held = self.environment.names[argument.id]
                grown = self.final(held)
                if grown != held:
                    self.environment.names[argument.id] = grown

    def arguments(self, node: ast.Call) -> Arguments:
        """The arguments of a call, stars unpacked as far as they are known."""
        positional: list[Type] = []
        keywords: list[tuple[str, Type]] = []
        rest: Type | None = None
        mapping: Type | None = None
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                value = self.evaluate(argument.value)
                items = self.operators.positions(value)
                if items is not None and rest is None:
                    positional.extend(items)
                else:
                    rest = join(rest if rest is not None else NEVER, self.operators.element(value))
            else:
                value = self.evaluate(argument)
                if rest is None:
                    positional.append(value)
                else:
                    rest = join(rest, value)
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is not None:
                keywords.append((keyword.arg, value))
            elif (
                isinstance(value, Instance)
                and value.elements
                and all(isinstance(k, str) for k, _ in value.elements)
            ):
                keywords.extend((str(k), t) for k, t in value.elements)
            else:
                arguments = self.evaluator.classes.supertype(
                    value, self.evaluator.class_named("typing.Mapping")
                )
                mapping = join(
                    mapping or NEVER, arguments[1] if arguments and len(arguments) > 1 else UNKNOWN
                )
        return Arguments(tuple(positional), tuple(keywords), rest, mapping)

    # Scopes inside expressions.

    def _lambda(self, node: ast.Lambda) -> Type:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.evaluate(default)
        return Function(self.evaluator.declarations.function_definition(self.frame, node), self.frame)

    @contextmanager
    def _generators(self, generators: list[ast.comprehension]) -> Iterator[None]:
        before = self.environment
        self.environment = before.copy()
        for generator in generators:
            iterated = self.evaluate(generator.iter)
            element = self.operators.element(iterated, asynchronous=bool(generator.is_async))
            self.bind(generator.target, element)
            for condition in generator.ifs:
                self.evaluate(condition)
                self.environment = narrow(self, condition, True)
        try:
            yield
        finally:
            self._leave(before)

    def _list_comprehension(self, node: ast.ListComp) -> Type:
        with self._generators(node.generators):
            element = widen_literals(self.evaluate(node.elt))
        return Instance(self.evaluator.class_named("list"), (element,), (), frozenset({node}))

    def _set_comprehension(self, node: ast.SetComp) -> Type:
        with self._generators(node.generators):
            element = widen_literals(self.evaluate(node.elt))
        return Instance(self.evaluator.class_named("set"), (element,), (), frozenset({node}))

    def _dict_comprehension(self, node: ast.DictComp) -> Type:
        with self._generators(node.generators):
            pair = (widen_literals(self.evaluate(node.key)), widen_literals(self.evaluate(node.value)))
        return Instance(self.evaluator.class_named("dict"), pair, (), frozenset({node}))

    def _generator(self, node: ast.GeneratorExp) -> Type:
        with self._generators(node.generators):
            element = widen_literals(self.evaluate(node.elt))
        asynchronous = any(g.is_async for g in node.generators)
        if asynchronous:
            return self.evaluator.instance("typing.AsyncGenerator", element, NONE)
        return self.evaluator.instance("typing.Generator", element, NONE, NONE)

    def _walrus(self, node: ast.NamedExpr) -> Type:
        value = self.evaluate(node.value)
        self.bind(node.target, value)
        return value

    def _starred(self, node: ast.Starred) -> Type:
        return self.evaluate(node.value)

    # Suspension.

    def _await(self, node: ast.Await) -> Type:
        return self.operators.awaited(self.evaluate(node.value))

    def _yield(self, node: ast.Yield) -> Type:
        self.yielded.append(self.evaluate(node.value) if node.value is not None else NONE)
        return UNKNOWN

    def _yield_from(self, node: ast.YieldFrom) -> Type:
        value = self.evaluate(node.value)
        self.yielded.append(self.operators.element(value))
        generator = self.evaluator.classes.supertype(value, self.evaluator.class_named("typing.Generator"))
        return generator[2] if generator is not None and len(generator) == 3 else NONE


_METHODS: dict[type[ast.expr], Function_[[Any, Any], Type]] = {
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Subscript: Expressions._subscript,
    ast.Constant: Expressions._constant,
    ast.Tuple: Expressions._tuple,
    ast.List: Expressions._list,
    ast.Set: Expressions._set,
    ast.Dict: Expressions._dict,
    ast.JoinedStr: Expressions._joined_string,
    ast.FormattedValue: Expressions._formatted_value,
    ast.BinOp: Expressions._binary,
    ast.UnaryOp: Expressions._unary,
    ast.BoolOp: Expressions._boolean,
    ast.Compare: Expressions._compare,
    ast.IfExp: Expressions._conditional,
    ast.Call: Expressions._call,
    ast.Lambda: Expressions._lambda,
    ast.ListComp: Expressions._list_comprehension,
    ast.SetComp: Expressions._set_comprehension,
    ast.DictComp: Expressions._dict_comprehension,
    ast.GeneratorExp: Expressions._generator,
    ast.NamedExpr: Expressions._walrus,
    ast.Starred: Expressions._starred,
    ast.Await: Expressions._await,
    ast.Yield: Expressions._yield,
    ast.YieldFrom: Expressions._yield_from,
    ast.Slice: Expressions.index,
}
