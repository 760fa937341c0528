"""Calls of classes: `__new__`, `__init__`, the fields of data classes, and the calls that make classes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from typewright.analysis.definitions import ClassDefinition, Frame
from typewright.analysis.generics import Solution, substitute
from typewright.analysis.types import (
    NEVER,
    NONE,
    UNKNOWN,
    BoundMethod,
    ClassObject,
    Function,
    Instance,
    Literal,
    Parameter,
    Partial,
    Super,
    Tuple,
    Type,
    TypeVariable,
    Unknown,
    Wrapped,
    alternatives,
    join,
    known,
    widen_literals,
)

if TYPE_CHECKING:
    from typewright.analysis.arguments import Arguments
    from typewright.analysis.calls import Site
    from typewright.analysis.evaluator import Evaluator

_GROWING = frozenset(
    {
        "builtins.list", "builtins.dict", "builtins.set", "collections.deque", "collections.defaultdict",
        "collections.OrderedDict", "collections.Counter",
    }
)  # fmt: skip


class Constructions:
    """Evaluates calls of classes."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def construct(
        self, callee: ClassObject, arguments: Arguments, site: Site | None, node: ast.AST | None
    ) -> Type:
        """The result of `C(…)`."""
        definition = callee.definition
        special = self._special(definition, arguments, node)
        if special is not None:
            return special
        classes = self.evaluator.classes
        if classes.is_enum(definition) and classes.enum_members(definition):
            return Instance(definition)
        if classes.is_typed_dict(definition):
            return Instance(definition)
        if "__fields__" in definition.members:
            return self._record(definition, arguments)
        solution = dict(zip(classes.type_parameters(definition), callee.arguments, strict=False))
        result = self._made(callee, arguments, solution, site, node)
        return self._growing(result, node)

    def _record(self, definition: ClassDefinition, arguments: Arguments) -> Type:
        """A named tuple remembers what its fields were given."""
        names = [name for name in definition.members if not name.startswith("__")]
        fields = tuple(Parameter(name, "normal", definition.members[name]) for name in names)
        bound = self.evaluator.calls.bind(fields, arguments)
        given = {i: widen_literals(t) for i, t in bound.types.items() if isinstance(fields[i].type, Unknown)}
        elements = [(i, given.get(i, field.type)) for i, field in enumerate(fields)]
        named = [(fields[i].name, type) for i, type in elements]
        return Instance(definition, (), (*elements, *named))

    def _growing(self, type: Type, node: ast.AST | None) -> Type:
        """A container whose elements are still open remembers where it was made, so that uses may fill it."""
        if node is None or not isinstance(type, Instance) or type.definition.qualified_name not in _GROWING:
            return type
        parameters = self.evaluator.classes.type_parameters(type.definition)
        arguments = type.arguments or tuple(UNKNOWN for _ in parameters)
        opened = tuple(self._opened(argument, (node, i)) for i, argument in enumerate(arguments))
        return Instance(type.definition, opened, type.elements, frozenset({node}))

    def _opened(self, argument: Type, site: object) -> Type:
        """An unknown element type as one that is still open, also inside: `defaultdict(list)`."""
        if isinstance(argument, Unknown):
            return NEVER
        if not isinstance(argument, Instance) or argument.definition.qualified_name not in _GROWING:
            return argument
        if not all(isinstance(inner, Unknown) for inner in argument.arguments):
            return argument
        parameters = self.evaluator.classes.type_parameters(argument.definition)
        return Instance(argument.definition, tuple(NEVER for _ in parameters), (), frozenset({site}))

    def _made(
        self,
        callee: ClassObject,
        arguments: Arguments,
        solution: Solution,
        site: Site | None,
        node: ast.AST | None,
    ) -> Type:
        evaluator, definition = self.evaluator, callee.definition
        classes = evaluator.classes
        receiver = Instance(definition, callee.arguments or tuple(classes.type_parameters(definition)))
        maker = classes.find(definition, "__new__")
        starter = classes.find(definition, "__init__")
        order = [ancestor for ancestor, _ in classes.mro(definition)]
        has_init = starter is not None and starter[0][0].qualified_name != "builtins.object"
        if maker is not None and maker[0][0].qualified_name != "builtins.object":
            before = not has_init or (
                starter is not None and order.index(maker[0][0]) < order.index(starter[0][0])
            )
            if before or maker[0][0].module.origin == "workspace":
                made = evaluator.calls.call(
                    maker[1], arguments.behind(ClassObject(definition, receiver.arguments)), site, node
                )
                trusted = before and known(made) != NEVER and definition.module.origin == "stub"
                if trusted or (before and self._is_own(made, definition)):
                    return self._completed(made, definition)
        if has_init and starter is not None and isinstance(starter[1], Function):
            return self._initialised(receiver, starter[1], starter[0][0], arguments, solution, site, node)
        fields = self.field_parameters(definition)
        if fields is not None:
            bound = evaluator.calls.bind(fields, arguments)
            for index, type in bound.types.items():
                evaluator.calls.generics.solve(fields[index].type, type, solution)
        return (
            substitute(receiver, solution)
            if isinstance(substitute(receiver, solution), Instance)
            else receiver
        )

    def _is_own(self, made: Type, definition: ClassDefinition) -> bool:
        return any(
            isinstance(item, Instance | Tuple)
            and self.evaluator.classes.is_subclass(item.definition, definition)
            for item in alternatives(made)
        )

    def _completed(self, made: Type, definition: ClassDefinition) -> Type:
        if (
            isinstance(made, Instance)
            and made.definition is definition
            and any(isinstance(a, TypeVariable) for a in made.arguments)
        ):
            return Instance(
                definition, tuple(UNKNOWN if isinstance(a, TypeVariable) else a for a in made.arguments)
            )
        return made

    def _initialised(
        self,
        receiver: Instance,
        function: Function,
        owner: ClassDefinition,
        arguments: Arguments,
        solution: Solution,
        site: Site | None,
        node: ast.AST | None,
    ) -> Type:
        """Runs `__init__`; its arguments solve the class's type parameters."""
        calls, classes = self.evaluator.calls, self.evaluator.classes
        own = classes.type_parameters(receiver.definition)
        definitions = function.overloads or (function.definition,)
        chosen = None
        base = classes.receiver_solution(receiver, owner)
        for definition in definitions:
            parameters = calls.parameters(definition, function)
            bound = calls.bind(parameters, arguments.behind(receiver))
            accepted = all(
                calls.generics.accepts(substitute(parameters[i].type, base, keep=True), t)
                for i, t in bound.types.items()
                if i > 0
            )
            if bound.fits and accepted:
                chosen = (parameters, bound)
                break
        if not function.overloads:
            calls.call(BoundMethod(function, receiver), arguments, site, node)
        if chosen is None or not own:
            return (
                receiver
                if not own
                else Instance(receiver.definition, tuple(solution.get(p, UNKNOWN) for p in own))
            )
        parameters, bound = chosen
        found: Solution = dict(solution)
        if bound.types.get(0) is not None and isinstance(parameters[0].type, Instance):
            # an overload that says what `self` is: `def __init__(self: dict[str, V], **kwargs: V)`
            for parameter, given in zip(own, parameters[0].type.arguments, strict=False):
                argument = substitute(given, base, keep=True)
                if argument != parameter:
                    found[parameter] = argument
        for late in (False, True):
            for index, type in bound.types.items():
                expected = substitute(parameters[index].type, base, keep=True)
                is_late = any(
                    not isinstance(i, Instance | TypeVariable | Tuple) for i in alternatives(expected)
                )
                if index > 0 and is_late == late:
                    calls.generics.solve(expected, type, found)
        arguments_ = tuple(substitute(found.get(p, UNKNOWN), found) for p in own)
        return Instance(receiver.definition, arguments_)

    def field_parameters(self, definition: ClassDefinition) -> tuple[Parameter, ...] | None:
        """The parameters that `@dataclass`, attrs or NamedTuple make of fields; None for other classes."""
        classes = self.evaluator.classes
        if not self.has_fields(definition):
            return None
        made = []
        for name, annotation, default, owner in classes.fields(definition):
            if annotation is None or _is_class_variable(annotation):
                continue
            assert owner.body is not None
            type = self.evaluator.annotations.evaluate(annotation, owner.body)
            made.append(Parameter(name, "normal", type, default is None))
        return tuple(made)

    def has_fields(self, definition: ClassDefinition) -> bool:
        """Whether annotated names of the class body become constructor parameters."""
        for ancestor, _ in self.evaluator.classes.mro(definition):
            if ancestor.qualified_name == "typing.NamedTuple":
                return True
            for decorator in ancestor.head.decorator_list if ancestor.head is not None else ():
                function = decorator.func if isinstance(decorator, ast.Call) else decorator
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if name in ("dataclass", "define", "frozen", "attrs", "s", "mutable"):
                    return True
        return False

    # Classes with a meaning of their own, and calls that make classes.

    def _special(
        self, definition: ClassDefinition, arguments: Arguments, node: ast.AST | None
    ) -> Type | None:
        positional = arguments.positional
        match definition.qualified_name:
            case "builtins.type" if len(positional) == 1:
                return self.class_of_value(positional[0])
            case "builtins.type" if len(positional) == 3:
                return self._dynamic_class(positional, node)
            case "functools.partial" if positional:
                return Partial(positional[0], positional[1:], arguments.keywords)
            case "builtins.property" if positional:
                return Wrapped("property", positional[0], positional[1] if len(positional) > 1 else None)
            case "builtins.staticmethod" if positional:
                return Wrapped("staticmethod", positional[0])
            case "builtins.classmethod" if positional:
                return Wrapped("classmethod", positional[0])
            case "builtins.tuple" if len(positional) == 1 and isinstance(positional[0], Tuple):
                return self.evaluator.tuple_of(*positional[0].items)
            case "builtins.list" if len(positional) == 1 and isinstance(positional[0], Tuple):
                return self.evaluator.instance("list", widen_literals(join(*positional[0].items)))
            case "builtins.bool":
                return self.evaluator.instance("bool")
            case "builtins.dict" if not positional and arguments.keywords and arguments.mapping is None:
                values = widen_literals(join(*(t for _, t in arguments.keywords)))
                made = self.evaluator.instance("dict", self.evaluator.instance("str"), values)
                return Instance(
                    made.definition, made.arguments, arguments.keywords, frozenset({node} if node else ())
                )
            case _:
                return None

    def class_of_value(self, type: Type) -> Type:
        """What `type(value)` is."""
        found: list[Type] = []
        for item in alternatives(type):
            own = self.evaluator.classes.class_of(item)
            if isinstance(item, Unknown) or own is None:
                found.append(self.evaluator.instance("type"))
            else:
                found.append(ClassObject(own, item.arguments if isinstance(item, Instance) else ()))
        return join(*found) if found else UNKNOWN

    def _dynamic_class(self, positional: tuple[Type, ...], node: ast.AST | None) -> Type:
        name, bases, members = positional
        if not isinstance(name, Literal) or node is None:
            return self.evaluator.instance("type")
        elements = dict(members.elements) if isinstance(members, Instance) else {}
        items = bases.items if isinstance(bases, Tuple) else ()
        return self.made_class(node, str(name.value), items, {str(k): v for k, v in elements.items()})

    def made_class(
        self,
        node: ast.AST,
        name: str,
        bases: tuple[Type, ...],
        members: dict[str, Type],
        frame: Frame | None = None,
    ) -> Type:
        """The class that a call makes; one for each call."""
        around = frame or self.evaluator.builtins.frame
        made = self.evaluator.memo.get(
            ("made class", node),
            lambda: ClassDefinition(name, around.module, around, None, None, bases, members),
            None,
        )
        return ClassObject(made) if made is not None else UNKNOWN

    def super_of(self, frame: Frame, arguments: Arguments) -> Type:
        """`super()` in the method that `frame` runs, or with explicit arguments."""
        if len(arguments.positional) == 2 and isinstance(arguments.positional[0], ClassObject):
            return Super(arguments.positional[0].definition, arguments.positional[1])
        around: Frame | None = frame
        while around is not None:
            function = around.function
            if function is not None and function.owner is not None and around.environment is not None:
                names = [*function.head.args.posonlyargs, *function.head.args.args]
                receiver = around.environment.names.get(names[0].arg) if names else None
                if receiver is not None and receiver != NONE:
                    return Super(function.owner, receiver)
            around = around.parent
        return UNKNOWN


def _is_class_variable(annotation: ast.expr) -> bool:
    node = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return getattr(node, "attr", getattr(node, "id", "")) == "ClassVar"
