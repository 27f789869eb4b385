"""Walking a unit's statements in order: branches, loops, returns. The base classes know stores and
expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import libcst as cst

from trainlint.analysis.branches import is_main_guard
from trainlint.analysis.close.assignments import Assignments, assigned_names
from trainlint.analysis.close.loop_ends import LoopEnds
from trainlint.analysis.close.managers import other_manager, region_of
from trainlint.analysis.close.nodes import (
    annotation_text,
    dotted_name,
    ends_raising,
    every_parameter,
    formal_parameters,
)
from trainlint.analysis.close.terms import NumericHooks, TermTable
from trainlint.analysis.facts import Condition, Loop, Nested, Parameter, Return
from trainlint.analysis.index.names import Names
from trainlint.knowledge.base import Knowledge

MAX_CONDITIONS = 12


class Interpreter(Assignments):
    """Interprets one unit. `run` leaves terms, events, loops and returns; `env` then holds the final
    bindings."""

    def __init__(
        self,
        names: Names,
        knowledge: Knowledge,
        numerics: Callable[[TermTable], NumericHooks],
        kind: str,
        module_path: str,
    ) -> None:
        super().__init__(names, knowledge, numerics, module_path)
        self.kind = kind
        self.defaults: dict[str, int] = {}
        self.params: list[Parameter] = []
        self.decorators: list[int] = []
        self._outside: dict[int, int] = {}
        self._loop_ends = LoopEnds(self.table.terms)
        self._statements: dict[type[cst.CSTNode], Callable[[Any], bool]] = {
            cst.If: self._if, cst.For: self._for, cst.While: self._while, cst.With: self._with,
            cst.Try: self._try, cst.TryStar: self._try, cst.Match: self._match,
            cst.FunctionDef: self._function, cst.ClassDef: self._class, cst.Expr: self._expression,
            cst.Assign: self._assign, cst.AnnAssign: self._annotated, cst.AugAssign: self._augmented,
            cst.Return: self._return, cst.Raise: self._raise, cst.Assert: self._assert, cst.Del: self._delete,
            cst.Break: self._jump, cst.Continue: self._jump, cst.Import: self._import,
            cst.ImportFrom: self._import, cst.Global: self._global_names, cst.Nonlocal: self._pass,
            cst.Pass: self._pass,
        }  # fmt: skip

    def run(self, module: cst.Module) -> None:
        """Interpret a slice: the body under its `if 1:` wrapper, or the plain statements."""
        body: Sequence[cst.CSTNode] = module.body
        if len(body) == 1 and isinstance(body[0], cst.If) and self.kind != "module":
            body = body[0].body.body
        if self.kind == "function":
            definition = next((node for node in body if isinstance(node, cst.FunctionDef)), None)
            if definition is not None:
                self._enter_function(definition)
            return
        if self.kind == "class":
            definition_class = next((node for node in body if isinstance(node, cst.ClassDef)), None)
            if definition_class is not None:
                self._block(definition_class.body)
                return
        self.block(body)

    def _enter_function(self, node: cst.FunctionDef) -> None:
        inside, self.names = self.names, self.names.around()
        self.decorators = [self.evaluate(decorator.decorator) for decorator in node.decorators]
        defaults = self._default_terms(node.params)
        self.names = inside
        self.defaults = {name: term for name, term in defaults.items() if term >= 0}
        self.params = self._bind_parameters(node.params, defaults, prefix="")
        self._block(node.body)

    def _default_terms(self, params: cst.Parameters) -> dict[str, int]:
        """The terms of the defaults by parameter, -1 for none: all are read before any parameter is bound."""
        return {
            param.name.value: self.evaluate(param.default) if param.default is not None else -1
            for param in every_parameter(params)
        }

    def _bind_parameters(
        self, params: cst.Parameters, defaults: Mapping[str, int], prefix: str
    ) -> list[Parameter]:
        for param in every_parameter(params):
            name = param.name.value
            index = self.table.make("param", name=prefix + name, node=param.name)
            annotation = annotation_text(param.annotation)
            self.numerics.parameter(index, name, annotation, defaults[name])
            self.env[name] = index
        return formal_parameters(params)

    def block(self, body: Iterable[cst.CSTNode]) -> bool:
        """Interpret statements; False when control cannot reach their end."""
        for statement in body:
            if isinstance(statement, cst.SimpleStatementLine):
                if not self._small(statement.body):
                    return False
            else:
                handler = self._statements.get(type(statement))
                if handler is not None and not handler(statement):
                    return False
        return True

    def _small(self, statements: Iterable[cst.CSTNode]) -> bool:
        for statement in statements:
            handler = self._statements.get(type(statement))
            if handler is not None and not handler(statement):
                return False
        return True

    def _block(self, suite: cst.BaseSuite) -> bool:
        if isinstance(suite, cst.SimpleStatementSuite):
            return self._small(suite.body)
        return self.block(suite.body)

    def _pass(self, _: cst.CSTNode) -> bool:
        return True

    def _jump(self, node: cst.CSTNode) -> bool:
        if self.loop >= 0:
            self.loops[self.loop].jumps = True
            self._loop_ends.jump(self.loop, self.env)
            if isinstance(node, cst.Break):
                self.loops[self.loop].exits.append(self.conditions[self._outside[self.loop] :])
        return False

    def _expression(self, node: cst.Expr) -> bool:
        self.evaluate(node.value)
        return True

    def _return(self, node: cst.Return) -> bool:
        value = self.evaluate(node.value) if node.value is not None else self.constant(None)
        self.returns.append(Return(value, self.conditions, nested=self.scope))
        return False

    def _raise(self, node: cst.Raise) -> bool:
        if node.exc is not None:
            self.evaluate(node.exc)
        return False

    def _assert(self, node: cst.Assert) -> bool:
        self.numerics.assume(self.evaluate(node.test), True)
        return True

    def _global_names(self, node: cst.Global) -> bool:
        self._globals.update(item.name.value for item in node.names)
        return True

    def _import(self, node: cst.Import | cst.ImportFrom) -> bool:
        if isinstance(node.names, cst.ImportStar):
            return True
        for alias in node.names:
            local = alias.asname.name if alias.asname is not None else alias.name
            path = dotted_name(local)
            if path is not None:
                self.env.pop(path, None)
        return True

    def _if(self, node: cst.If) -> bool:
        test = self.evaluate(node.test)
        fixed = self._main_guard(test)
        if fixed:
            # Only a script's own run enters here; the link step drops these events for imported modules.
            outer = self.conditions
            self._condition(test, True)
            falls = self._block(node.body)
            self.conditions = outer
            return falls or node.orelse is None
        outer_env, outer = dict(self.env), self.conditions
        then_falls = self._branch(test, True, lambda: self._block(node.body))
        then_env, self.env = self.env, dict(outer_env)
        otherwise = node.orelse
        if otherwise is None:
            else_falls = True
        elif isinstance(otherwise, cst.If):
            else_falls = self._branch(test, False, lambda: self._if(otherwise))
        else:
            else_falls = self._branch(test, False, lambda: self._block(otherwise.body))
        self.conditions = outer
        if then_falls and else_falls:
            self.env = self._join(test, then_env, self.env, node)
            return True
        if then_falls or else_falls:
            if then_falls:
                self.env = then_env
            self.numerics.assume(test, then_falls)
            left = otherwise if then_falls else node
            if not (left is not None and ends_raising(left.body)):
                self._condition(test, then_falls)
            return True
        return False

    def _branch(self, test: int, holds: bool, run: Callable[[], bool]) -> bool:
        outer = self.conditions
        self._condition(test, holds)
        self.numerics.push()
        self.numerics.assume(test, holds)
        falls = run()
        self.numerics.pop()
        self.conditions = outer
        return falls

    def _condition(self, test: int, holds: bool) -> None:
        if len(self.conditions) < MAX_CONDITIONS:
            self.conditions = (*self.conditions, Condition(test, holds))

    def _main_guard(self, test: int) -> bool:
        return is_main_guard(self.table.terms, test)

    def _for(self, node: cst.For) -> bool:
        source = self.evaluate(node.iter)
        loop = self._open_loop("for", source, node, dotted_name(node.target) or "")
        before = self._widen(node.body, node)
        self.numerics.push()
        self.bind_element(node.target, source)
        return self._close_loop(node, loop, before)

    def _while(self, node: cst.While) -> bool:
        before = self._widen(node.body, node)
        test = self.evaluate(node.test)
        loop = self._open_loop("while", test, node, "")
        self.numerics.push()
        self.numerics.assume(test, True)
        return self._close_loop(node, loop, before)

    def _open_loop(self, kind: str, source: int, node: cst.CSTNode, target: str) -> int:
        self.loops.append(Loop(kind, source, self.loop, target=target))
        self.loop_nodes.append(node)
        return len(self.loops) - 1

    def _close_loop(self, node: cst.For | cst.While, loop: int, before: dict[str, int]) -> bool:
        outer_loop, outer_conditions = self.loop, self.conditions
        self._outside[loop] = len(outer_conditions)
        self.loop = loop
        self._block(node.body)
        self.loop, self.conditions = outer_loop, outer_conditions
        self.numerics.pop()
        self._merge_after_loop(before, loop, node)
        return node.orelse is None or self._loop_else(node.orelse, loop)

    def _loop_else(self, node: cst.Else, loop: int) -> bool:
        """The `else` of a loop, which a `break` leaps over."""
        broken = dict(self.env)
        falls = self._block(node.body)
        if not self.loops[loop].exits:
            return falls
        if falls:
            self.env = self._join(self.unknown("the loop ran to its end"), self.env, broken, node)
        else:
            self.env = broken
        return True

    def _widen(self, body: cst.BaseSuite, node: cst.CSTNode) -> dict[str, int]:
        before = dict(self.env)
        for name in assigned_names(body):
            if name in self.env:
                self.env[name] = self.term("loop", (self.env[name],), name, node=node)
                self._forget_paths(name)
        return before

    def _merge_after_loop(self, before: dict[str, int], loop: int, node: cst.For | cst.While) -> None:
        self.env.update(self._loop_ends.bound_by_jumps(loop, self.env))
        for name, value in list(self.env.items()):
            earlier = before.get(name)
            changes = [] if earlier is None else self._loop_ends.changed(loop, name, earlier, value)
            if earlier is None or not changes:
                continue
            source = (self.loops[loop].source,) if self._gathers(loop, earlier, changes[0]) else ()
            for change in changes:
                earlier = self.term("loop", (earlier, change, *source), name)
            self.env[name] = earlier
            if name in self.changed:
                self._note_change(name, node)

    def _gathers(self, loop: int, before: int, after: int) -> bool:
        """Whether every round of a loop appends once to a list, so that it holds a value for each element."""
        term, record = self.table.terms[after], self.loops[loop]
        appends = term.op == "update" and term.name == "append" and term.args[0] == before
        return appends and record.kind == "for" and not record.jumps

    def _with(self, node: cst.With) -> bool:
        outer = self.contexts
        entered: list[str] = []
        for item in node.items:
            manager = self.evaluate(item.item)
            name = region_of(self.table.terms, manager, self.knowledge)
            if name:
                entered.append(name)
                self.numerics.region(name, True)
            name = name or other_manager(self.table.terms, manager, self.knowledge)
            if name:
                self.contexts = (*self.contexts, name)
            if item.asname is not None:
                self._store(item.asname.name, self.term("enter", (manager,), node=item.item))
        falls = self._block(node.body)
        for name in reversed(entered):
            self.numerics.region(name, False)
        self.contexts = outer
        return falls

    def _try(self, node: cst.Try | cst.TryStar) -> bool:
        start = dict(self.env)
        outer = self.conditions
        falls = self._block(node.body)
        if falls and node.orelse is not None:
            falls = self._block(node.orelse.body)
        env, self.conditions = self.env, outer
        failed = self.unknown("an exception was raised")
        for handler in node.handlers:
            self.env = dict(start)
            if handler.name is not None:
                self._store(handler.name.name, self.unknown("exception", handler))
            if self._branch(failed, True, lambda h=handler: self._block(h.body)):  # type: ignore[misc]
                env = self._prefer(env, self.env, node) if falls else self.env
                falls = True
        self.env = env
        if node.finalbody is not None:
            return self._block(node.finalbody.body) and falls
        return falls

    def _match(self, node: cst.Match) -> bool:
        subject = self.evaluate(node.subject)
        start, outer = dict(self.env), self.conditions
        env: dict[str, int] | None = None
        for case in node.cases:
            self.env = dict(start)
            chosen = self.term("unknown", (subject,), "a case of match", node=case, unique=True)
            if self._branch(chosen, True, lambda c=case: self._block(c.body)):  # type: ignore[misc]
                env = self.env if env is None else self._join(chosen, self.env, env, node)
        self.conditions = outer
        self.env = start if env is None else self._join(self.unknown("no case matched"), env, start, node)
        return True

    def _function(self, node: cst.FunctionDef) -> bool:
        name = node.name.value
        if self.kind != "function" and self.scope < 0:
            self.env.pop(name, None)
            return True
        for decorator in node.decorators:
            self.evaluate(decorator.decorator)
        record = len(self.nested)
        self.nested.append(Nested(name, []))
        self.env[name] = self.term("func", name=name, value=record, node=node)
        saved = (dict(self.env), self.conditions, self.contexts, self.loop, self.scope)
        self.scope, self.conditions, self.loop = record, (), -1
        self.numerics.push()
        self.nested[record].params = self._bind_parameters(
            node.params, self._default_terms(node.params), prefix=f"{name} "
        )
        self._block(node.body)
        self.numerics.pop()
        self.env, self.conditions, self.contexts, self.loop, self.scope = saved
        return True

    def _class(self, node: cst.ClassDef) -> bool:
        if self.kind != "function" and self.scope < 0:
            self.env.pop(node.name.value, None)
            return True
        saved = dict(self.env)
        self._block(node.body)
        self.env = saved
        self.env[node.name.value] = self.unknown(f"class {node.name.value} defined in a function", node)
        return True
