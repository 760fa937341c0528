"""Notes on every name of a module: one walk over the syntax tree, which says what happens to each of them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from .slice_features import callee_name, name_words, shapes
from .slice_scopes import Binding, ClassNotes, FunctionNode, Notes, Scope


class ModuleNotes:
    """What a module does with every name, by scope.

    `scopes` are in the order of their beginnings. `calls` are the calls with the scopes they stand in,
    `functions` the functions and `results` the uses of what they return, each by the last part of the name.
    `received` says which names take what a call gives, `copied` which take what another name holds.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._scope = Scope((), tree, None, None)
        self.scopes = [self._scope]
        self.calls: defaultdict[str, list[tuple[Scope, ast.Call]]] = defaultdict(list)
        self.received: list[tuple[Scope, str, str]] = []  # scope, name, callee
        self.copied: list[tuple[Scope, str, str]] = []  # scope, name, source
        self.results: Notes = defaultdict(list)
        self.functions: defaultdict[str, list[Scope]] = defaultdict(list)
        self._statements(tree.body)

    def _statements(self, body: Iterable[ast.stmt]) -> None:
        """Visit statements; one that is nested beyond the interpreter's stack costs itself, not the rest."""
        scope = self._scope
        for statement in body:
            try:
                self._visit(statement)
            except RecursionError:
                self._scope = scope

    def _visit(self, node: ast.AST) -> None:
        visitor = self._VISITORS.get(type(node))
        if visitor is not None:
            visitor(self, node)
        else:
            self._children(node)

    def _children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self._visit(child)

    # -- notes ------------------------------------------------------------------------------------

    def _note(self, node: ast.AST, *features: str) -> None:
        """Note features for the slot that an expression is: a name, an attribute of self, a call's result."""
        if isinstance(node, ast.Name):
            self._scope.uses[node.id] += features
        elif isinstance(node, ast.Attribute):
            attributes = self._attributes(node)
            if attributes is not None:
                attributes[node.attr] += features
        elif isinstance(node, ast.Call):
            self.results[callee_name(node.func).rpartition(".")[2]] += features
        elif isinstance(node, (ast.Await, ast.Starred, ast.NamedExpr)):
            self._note(node.value, *features)

    def _attributes(self, node: ast.Attribute) -> Notes | None:
        """The attribute notes of the class, where the expression is `self.name`."""
        if not isinstance(node.value, ast.Name):
            return None
        receiver, cls = self._scope.instance
        return cls.attributes if cls is not None and receiver == node.value.id else None

    def _bind(self, target: ast.expr, features: Sequence[str], annotation: ast.expr | None = None) -> None:
        """A target receives a value that looks as `features` say."""
        scope = self._scope
        if isinstance(target, (ast.Tuple, ast.List)):
            for position, element in enumerate(target.elts):
                self._bind(element, [f"unpacked#{position}", *(f"unpacked#{position}:{f}" for f in features)])
            return
        if isinstance(target, ast.Starred):
            self._bind(target.value, ["assigned:list", *(f"starred:{f}" for f in features)])
            return
        if isinstance(target, ast.Name):
            key = target.id
            scope.uses[key] += features
        elif isinstance(target, ast.Attribute) and (attributes := self._attributes(target)) is not None:
            key = f"self.{target.attr}"
            attributes[target.attr] += features
            cls = scope.instance[1]
            scope = cls.first.setdefault(target.attr, scope) if cls is not None else scope
        else:
            self._visit(target)
            return
        known = scope.bindings.setdefault(key, Binding("variable", target, annotation, []))
        known.annotation = known.annotation or annotation

    # -- scopes -----------------------------------------------------------------------------------

    def _function(self, node: FunctionNode) -> None:
        outer = self._scope
        method = isinstance(outer.node, ast.ClassDef)
        for expression in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self._visit(expression)
        scope = Scope((*outer.path, node.name), node, outer, outer.cls if method else None)
        self.functions[node.name].append(scope)
        self._body(scope, node.body)

    def _lambda(self, node: ast.Lambda) -> None:
        for expression in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self._visit(expression)
        scope = Scope((*self._scope.path, "lambda"), node, self._scope, None)
        self._body(scope, [ast.Expr(node.body)])

    def _class(self, node: ast.ClassDef) -> None:
        for expression in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self._visit(expression)
        bases = tuple(filter(None, (callee_name(base).rpartition(".")[2] for base in node.bases)))
        path = (*self._scope.path, node.name)
        self._body(Scope(path, node, self._scope, ClassNotes(node.name, bases)), node.body)

    def _body(self, scope: Scope, body: Iterable[ast.stmt]) -> None:
        self.scopes.append(scope)
        self._scope = scope
        self._statements(body)
        parent = scope.parent
        assert parent is not None
        for name in [name for name in scope.uses if name not in scope.bindings]:
            parent.uses[name] += scope.uses.pop(name)
        self._scope = parent

    # -- statements -------------------------------------------------------------------------------

    def _assignment(self, node: ast.Assign) -> None:
        features = [f"assigned:{shape}" for shape in shapes(node.value)]
        for target in node.targets:
            self._assign(target, node.value, features)
        self._visit(node.value)

    def _assign(self, target: ast.expr, value: ast.expr, features: Sequence[str]) -> None:
        """Bind a target; `a, b = x, y` is two assignments."""
        if (
            isinstance(target, ast.Tuple)
            and isinstance(value, ast.Tuple)
            and len(target.elts) == len(value.elts)
        ):
            for element, part in zip(target.elts, value.elts, strict=True):
                self._assign(element, part, [f"assigned:{shape}" for shape in shapes(part)])
        else:
            self._bind(target, features)
            self._flow(value, target)

    def _annotated_assignment(self, node: ast.AnnAssign) -> None:
        features = [f"assigned:{shape}" for shape in shapes(node.value)] if node.value is not None else []
        self._bind(node.target, features, node.annotation)
        if node.value is not None:
            self._flow(node.value, node.target)
            self._visit(node.value)

    def _flow(self, value: ast.expr, target: ast.expr) -> None:
        """A value goes on under another name: note the name, and follow it into attributes of self."""
        if name := self._key(target):
            origin = value.value if isinstance(value, ast.Await) else value
            if isinstance(origin, ast.Call):
                self.received.append((self._scope, name, callee_name(origin.func).rpartition(".")[2]))
            elif known := self._key(origin):
                self.copied.append((self._scope, name, known))
        if isinstance(target, ast.Name):
            self._note(value, f"stored:{target.id}")
        elif isinstance(target, ast.Attribute):
            self._note(value, f"stored:{target.attr}", "stored-in-attribute")
            if self._attributes(target) is not None:
                sources = value.values if isinstance(value, ast.BoolOp) else [value]
                for source in sources:
                    if isinstance(source, ast.Name):
                        self._scope.stored.append((source.id, target.attr))
        elif isinstance(target, ast.Subscript):
            self._note(value, f"stored-in:{callee_name(target.value).rpartition('.')[2]}")
        elif isinstance(target, ast.Tuple):
            self._note(value, f"unpack:{len(target.elts)}")

    def _augmented_assignment(self, node: ast.AugAssign) -> None:
        operator = type(node.op).__name__
        right = shapes(node.value)[:1]
        self._bind(node.target, [f"augmented:{operator}", *(f"augmented:{operator}:{s}" for s in right)])
        self._note(node.value, f"augments:{operator}")
        self._visit(node.value)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self._iterate(node.target, node.iter, asynchronous=isinstance(node, ast.AsyncFor))
        self._statements((*node.body, *node.orelse))

    def _iterate(self, target: ast.expr, iterable: ast.expr, *, asynchronous: bool) -> None:
        features = ["async-iterated" if asynchronous else "iterated"]
        if isinstance(target, ast.Tuple):
            features.append(f"iterated:unpack{len(target.elts)}")
        elif isinstance(target, ast.Name):
            features += [f"iterated:as:{word}" for word in name_words(target.id)]
        self._note(iterable, *features)
        self._bind(target, [f"element:{shape}" for shape in shapes(iterable)])
        self._visit(iterable)

    def _generator(self, node: ast.comprehension) -> None:
        self._iterate(node.target, node.iter, asynchronous=bool(node.is_async))
        for test in node.ifs:
            self._truth(test)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        for generator in node.generators:
            self._visit(generator)
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for element in elements:
            self._visit(element)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        prefix = "async-with" if isinstance(node, ast.AsyncWith) else "with"
        for item in node.items:
            self._note(item.context_expr, prefix)
            self._visit(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, [f"{prefix}:{shape}" for shape in shapes(item.context_expr)])
        self._statements(node.body)

    def _handler(self, node: ast.ExceptHandler) -> None:
        if node.name and node.type is not None:
            self._scope.uses[node.name] += [f"caught:{shape}" for shape in shapes(node.type)]
        self._children(node)

    def _return(self, node: ast.Return) -> None:
        scope = self._scope
        if node.value is None:
            scope.returned.append("returns:nothing")
            return
        scope.returned += [f"returns:{shape}" for shape in shapes(node.value)]
        self._note(node.value, "returned")
        branches = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
        scope.returned_names += [name for b in branches if (name := self._key(b))]
        for branch in branches:
            called = branch.value if isinstance(branch, ast.Await) else branch
            if isinstance(called, ast.Call):
                scope.returned_calls.append(callee_name(called.func).rpartition(".")[2])
        self._visit(node.value)

    def _key(self, node: ast.expr) -> str:
        """The name by which a scope knows a slot; '' for any other expression."""
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute) and self._attributes(node) is not None:
            return f"self.{node.attr}"
        return ""

    def _yield(self, node: ast.Yield) -> None:
        self._scope.returned.append("generator")
        if node.value is not None:
            self._scope.returned += [f"yields:{shape}" for shape in shapes(node.value)]
            self._note(node.value, "yielded")
            self._visit(node.value)

    def _yield_from(self, node: ast.YieldFrom) -> None:
        self._scope.returned += ["generator", *(f"yields-from:{shape}" for shape in shapes(node.value))]
        self._note(node.value, "iterated", "yielded-from")
        self._visit(node.value)

    def _raise(self, node: ast.Raise) -> None:
        if node.exc is not None:
            self._note(node.exc, "raised")
            self._scope.returned.append(f"raises:{callee_name(node.exc).rpartition('.')[2]}")
        self._children(node)

    def _branch(self, node: ast.If | ast.While) -> None:
        self._truth(node.test)
        self._statements((*node.body, *node.orelse))

    def _match(self, node: ast.Match) -> None:
        patterns = {type(case.pattern).__name__ for case in node.cases}
        self._note(node.subject, *(f"matched:{pattern}" for pattern in sorted(patterns)))
        for case in node.cases:
            if isinstance(case.pattern, ast.MatchClass):
                self._note(node.subject, f"isinstance:{callee_name(case.pattern.cls)}")
        self._children(node)

    # -- expressions ------------------------------------------------------------------------------

    def _truth(self, test: ast.expr) -> None:
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test = test.operand
        self._note(test, "truth")
        self._visit(test)

    def _conditional(self, node: ast.IfExp) -> None:
        self._truth(node.test)
        self._visit(node.body)
        self._visit(node.orelse)

    def _boolean(self, node: ast.BoolOp) -> None:
        for value in node.values:
            self._truth(value)
        if isinstance(node.op, ast.Or):
            self._note(node.values[0], *(f"or:{shape}" for shape in shapes(node.values[-1])[:2]))

    def _unary(self, node: ast.UnaryOp) -> None:
        self._note(
            node.operand, "truth" if isinstance(node.op, ast.Not) else f"unary:{type(node.op).__name__}"
        )
        self._visit(node.operand)

    def _walrus(self, node: ast.NamedExpr) -> None:
        self._bind(node.target, [f"assigned:{shape}" for shape in shapes(node.value)])
        self._visit(node.value)

    def _attribute(self, node: ast.Attribute) -> None:
        prefix = "member" if isinstance(node.ctx, ast.Load) else "member-set"
        self._note(node.value, f"{prefix}:{node.attr}")
        if isinstance(node.value, ast.Attribute):
            self._note(node.value.value, f"path:{node.value.attr}.{node.attr}")
        self._visit(node.value)

    def _call(self, node: ast.Call) -> None:
        callee = callee_name(node.func)
        last = callee.rpartition(".")[2]
        self.calls[last].append((self._scope, node))
        self._note(node.func, "called", f"called:{len(node.args)}")
        if isinstance(node.func, ast.Attribute):
            self._note(node.func.value, f"method:{last}#{len(node.args)}")
        if last in {"isinstance", "issubclass"} and len(node.args) == 2:
            kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
            self._note(node.args[0], last, *(f"{last}:{callee_name(kind)}" for kind in kinds))
        else:
            for position, argument in enumerate(node.args):
                if isinstance(argument, ast.Starred):
                    self._note(argument.value, "star-passed")
                else:
                    self._pass(argument, callee, last, str(position))
        for keyword in node.keywords:
            if keyword.arg is None:
                self._note(keyword.value, "double-star-passed")
            else:
                self._pass(keyword.value, callee, last, keyword.arg)
        self._children(node)

    def _pass(self, argument: ast.expr, callee: str, last: str, place: str) -> None:
        self._note(argument, f"passed:{last}", f"passed:{callee}#{place}")
        if not place.isdigit():
            self._note(argument, f"keyword:{place}")

    def _subscript(self, node: ast.Subscript) -> None:
        mode = "subscript" if isinstance(node.ctx, ast.Load) else "subscript-set"
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        literal = [f"{mode}-key:{key[:40]}"] if isinstance(key, str) else []
        self._note(node.value, mode, *(f"{mode}:{shape}" for shape in shapes(node.slice)[:2]), *literal)
        self._note(node.slice, "index", f"index-of:{callee_name(node.value).rpartition('.')[2]}")
        self._children(node)

    def _binary(self, node: ast.BinOp) -> None:
        operator = type(node.op).__name__
        self._note(node.left, f"left:{operator}", *(f"left:{operator}:{s}" for s in shapes(node.right)[:2]))
        self._note(node.right, f"right:{operator}", *(f"right:{operator}:{s}" for s in shapes(node.left)[:2]))
        self._children(node)

    def _comparison(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for operation, left, right in zip(node.ops, operands, operands[1:], strict=False):
            name = type(operation).__name__
            self._note(left, f"compared:{name}", *(f"compared:{name}:{s}" for s in shapes(right)[:2]))
            self._note(right, f"compared-to:{name}", *(f"compared-to:{name}:{s}" for s in shapes(left)[:2]))
        self._children(node)

    def _await(self, node: ast.Await) -> None:
        self._note(node.value, "awaited")
        self._visit(node.value)

    def _formatted(self, node: ast.FormattedValue) -> None:
        self._note(node.value, "formatted", *(["formatted:repr"] if node.conversion == ord("r") else []))
        self._children(node)

    def _dictionary(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self._note(value, "double-star-passed")
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                self._note(value, f"dict-value:{key.value[:40]}")
            else:
                self._note(key, "dict-key")
        self._children(node)

    _VISITORS: ClassVar[dict[type[ast.AST], Callable[..., None]]] = {
        ast.Lambda: _lambda,
        ast.ClassDef: _class,
        ast.Assign: _assignment,
        ast.AnnAssign: _annotated_assignment,
        ast.AugAssign: _augmented_assignment,
        ast.For: _for,
        ast.comprehension: _generator,
        ast.With: _with,
        ast.ExceptHandler: _handler,
        ast.Return: _return,
        ast.Yield: _yield,
        ast.YieldFrom: _yield_from,
        ast.Raise: _raise,
        ast.If: _branch,
        ast.Match: _match,
        ast.IfExp: _conditional,
        ast.BoolOp: _boolean,
        ast.UnaryOp: _unary,
        ast.NamedExpr: _walrus,
        ast.Attribute: _attribute,
        ast.Call: _call,
        ast.Subscript: _subscript,
        ast.BinOp: _binary,
        ast.Compare: _comparison,
        ast.Await: _await,
        ast.FormattedValue: _formatted,
        ast.Dict: _dictionary,
        ast.FunctionDef: _function,
        ast.AsyncFunctionDef: _function,
        ast.AsyncFor: _for,
        ast.ListComp: _comprehension,
        ast.SetComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.DictComp: _comprehension,
        ast.AsyncWith: _with,
        ast.While: _branch,
    }
