"""The types of what a spec speaks of: values, references into them, and literals."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any, assert_never

from attrs import define, field, frozen

from fsmflow import spec
from fsmflow.analysis.calling import Called
from fsmflow.analysis.kinds.annotations import ANY, NONE, normal, union
from fsmflow.analysis.kinds.classes import Class, class_of
from fsmflow.analysis.kinds.signatures import Signature, signature_of
from fsmflow.analysis.kinds.symbols import Symbol, is_missing, resolve
from fsmflow.analysis.mentions import named_in
from fsmflow.analysis.modules import Modules
from fsmflow.analysis.reads import givers
from fsmflow.expressions import (
    ITEM,
    Constant,
    DictTemplate,
    EachTemplate,
    ListTemplate,
    Reference,
    Template,
    parse_template,
)
from fsmflow.loading.names import forbidden_module, reference_flaw
from fsmflow.machine import Callee
from fsmflow.typeexpr import Generic, LiteralType, TypeExpr, TypeName, Union, parse_type

ERROR = TypeName("fsmflow.runtime.run", "Error")


@frozen
class NoField:
    """A path that leads nowhere: `type` has no `name`."""

    type: TypeExpr
    name: str
    known: tuple[str, ...]


@define
class Values:
    """The types of a workflow's values, found when asked for.

    Attributes:
        workflow: What the author said.
        modules: The modules that hold steps and types.
        callees: The workflows that it runs, as far as they were found.
        called: Which tools a value may be the arguments of, where a state is entered.
        item: The type of `$item`, where there is one.
        taken: The types of the values that are the arguments of a tool, where it is known of which.
    """

    workflow: spec.Workflow
    modules: Modules
    callees: Mapping[str, Callee] = field(factory=dict)
    called: Called = field(factory=dict)
    item: TypeExpr = ANY
    taken: Mapping[str, TypeExpr] = field(factory=dict)
    _declared: dict[str, TypeExpr] = field(factory=dict, init=False, repr=False)
    _signatures: dict[str, Signature | None] = field(factory=dict, init=False, repr=False)
    _classes: dict[TypeName, Class | None] = field(factory=dict, init=False, repr=False)
    _given: dict[str, TypeExpr] | None = field(default=None, init=False, repr=False)
    _states: dict[str, list[spec.State]] | None = field(default=None, init=False, repr=False)

    def declared(self, text: str | None) -> TypeExpr:
        """Read a type that the spec declares; `Any` if it declares none, or none that can be read."""
        if text is None:
            return ANY
        if text not in self._declared:
            try:
                self._declared[text] = normal(self.modules, parse_type(text))
            except (ValueError, RecursionError):
                self._declared[text] = ANY
        return self._declared[text]

    def declared_by(self, state: spec.State) -> TypeExpr | None:
        """Give the type that a state, or its children, declare for its value; None for one that is wrong."""
        match state:
            case spec.Llm(output=gives) | spec.Run(gives=gives) | spec.Ask(gives=gives):
                return self.declared(gives) if gives is None or self._is_one(gives) else None
        return self.output(state)

    def _is_one(self, text: str) -> bool:
        """Tell whether a declared type is one, and the classes in it are where it says, if that is known."""
        try:
            found = named_in(parse_type(text))
            return not any(is_missing(self.modules, name.module, name.name) for name in found)
        except ValueError:
            return False

    def signature(self, reference: str) -> Signature | None:
        """Read the signature of the function `module:name`; None if it is not known, or none of a step."""
        if reference not in self._signatures:
            self._signatures[reference] = self._signature(reference)
        return self._signatures[reference]

    def _signature(self, reference: str) -> Signature | None:
        if reference_flaw(reference) is not None or forbidden_module(reference) is not None:
            return None
        module, _, name = reference.partition(":")
        found = resolve(self.modules, module, name)
        return signature_of(self.modules, found) if isinstance(found, Symbol) else None

    def class_of(self, name: TypeName) -> Class | None:
        """Look up what a class holds."""
        if name not in self._classes:
            self._classes[name] = class_of(self.modules, name.module, name.name)
        return self._classes[name]

    def given(self, value: str) -> TypeExpr:
        """Give the type of a value by its name."""
        if value == ITEM:
            return self.item
        if value in self.taken:
            return self.taken[value]
        if self._given is None:
            found = {name: self._shared(states) for name, states in self._givers().items()}
            self._given = found | {"input": self.declared(self.workflow.input), "error": ERROR}
        return self._given.get(value, ANY)

    def _shared(self, states: Sequence[spec.State]) -> TypeExpr:
        """Give the type of a value that some states give; `Any` where they do not declare one type."""
        one = len(states) == 1 or len(set(map(self.declared_by, states))) == 1
        return union(map(self.output, states)) if one else ANY

    def _givers(self) -> Mapping[str, Sequence[spec.State]]:
        """Give the states that give each value."""
        if self._states is None:
            states = self.workflow.states
            named = givers(self.workflow).items()
            self._states = {value: [states[name] for name in names] for value, names in named}
        return self._states

    def output(self, state: spec.State) -> TypeExpr:
        """Give the type of what a state gives; `Any` if it is not known."""
        match state:
            case spec.Run(gives=None):
                signature = self.signature(state.run)
                return ANY if signature is None else signature.gives
            case spec.Llm(output=None, success=dict(labels)) | spec.Ask(gives=None, success=dict(labels)):
                return LiteralType(tuple(labels))
            case spec.Llm(llm=spec.Model(tools=tools)) if tools:
                return union(map(self.declared, tools.values()))
            case spec.Llm(output=gives) | spec.Run(gives=gives) | spec.Ask(gives=gives):
                return self.declared(gives)
            case spec.Call():
                return self.of_child(state.call)
            case spec.Map():
                output = self.of_child(state.map)
                return Generic("list", (union([output, NONE]) if state.tolerate else output,))
            case spec.Parallel():
                outputs = [self.of_child(branch.call) for branch in state.parallel.values()]
                return Generic("dict", (TypeName("", "str"), union(outputs or [ANY])))
            case spec.Choose() | spec.Wait() | spec.End():
                return ANY
            case _:
                assert_never(state)

    def of_child(self, name: str) -> TypeExpr:
        """Give the type of what the workflow `name` gives to the one that runs it."""
        callee = self.callees.get(name)
        return ANY if callee is None else normal(self.modules, callee.output)

    def taken_by_child(self, name: str) -> TypeExpr:
        """Give the type of what the workflow `name` is run on."""
        callee = self.callees.get(name)
        return ANY if callee is None else normal(self.modules, callee.input)

    def inside(self, name: str) -> Values:
        """Give the values as the state `name` sees them: a `map` its item, and each what a tool takes."""
        state, called = self.workflow.states[name], self.called.get(name)
        if not called and not isinstance(state, spec.Map):
            return self
        self.given("input")
        inner = copy.copy(self)
        inner.taken = {value: self._of_tools(value, labels) for value, labels in (called or {}).items()}
        if isinstance(state, spec.Map):
            inner.item = inner.item_of(state)
        return inner

    def _of_tools(self, value: str, labels: Collection[str]) -> TypeExpr:
        """Give the type of a value that is what one of some tools takes."""
        (asker,) = self._givers()[value]
        tools = asker.llm.tools if isinstance(asker, spec.Llm) else {}
        return union(self.declared(kind) for label, kind in tools.items() if label in labels)

    def item_of(self, state: spec.Map) -> TypeExpr:
        """Give the type of the items that a `map` is run over; `Any` if it is not known."""
        match self.of_data(state.over):
            case Generic(origin="list", arguments=(item,)):
                return item
        return ANY

    def read(self, reference: Reference) -> TypeExpr | NoField:
        """Give the type of what a reference leads to, or the field that is not there."""
        found = self._read(reference.root, reference.path)
        if reference.or_null and not isinstance(found, NoField):
            return union([found, NONE])
        return found

    def _read(self, root: str, path: Sequence[str]) -> TypeExpr | NoField:
        match self._givers().get(root):
            case [spec.Parallel(parallel=branches)] if path:
                # Of what children gave side by side, each has a type of its own.
                if path[0] not in branches:
                    return NoField(self.given(root), path[0], tuple(branches))
                return self.follow(self.of_child(branches[path[0]].call), path[1:])
        return self.follow(self.given(root), path)

    def follow(self, type_: TypeExpr, path: Sequence[str]) -> TypeExpr | NoField:
        """Follow `path` from a value of `type_`."""
        for name in path:
            found = self._field(type_, name)
            if isinstance(found, NoField):
                return found
            type_ = found
        return type_

    def _field(self, type_: TypeExpr, name: str) -> TypeExpr | NoField:
        match type_:
            case Union(members=members):
                parts = [self._field(member, name) for member in members if member != NONE]
                there = [part for part in parts if not isinstance(part, NoField)]
                return union(there) if there else parts[0] if parts else NoField(type_, name, ())
            case Generic(origin="dict", arguments=(_, item)):
                return item
            case TypeName(module="", name="Any" | "dict"):
                return ANY
            case TypeName(module="") | LiteralType() | Generic():
                return NoField(type_, name, ())
            case TypeName():
                return self._field_of_class(type_, name)
        return ANY

    def _field_of_class(self, type_: TypeName, name: str) -> TypeExpr | NoField:
        found = self.class_of(type_)
        if found is None:
            return ANY
        if found.fields is not None and name in found.fields:
            return found.fields[name].type
        if name in found.others:
            return found.others[name]
        if found.fields is None or found.dynamic:
            return ANY
        return NoField(type_, name, (*found.fields, *found.others))

    def of_data(self, data: Any) -> TypeExpr:
        """Give the type of plain data with references in it; `Any` if they can't be read."""
        try:
            return self.of(parse_template(data))
        except ValueError:
            return ANY

    def of(self, template: Template) -> TypeExpr:
        """Give the type of a template once its references are filled in."""
        match template:
            case Reference():
                found = self.read(template)
                return ANY if isinstance(found, NoField) else found
            case Constant(value=value):
                return of_data(value)
            case ListTemplate(items=items):
                return Generic("list", (union(self.of(item) for item in items),))
            case DictTemplate(items=pairs):
                return Generic("dict", (TypeName("", "str"), union(self.of(item) for _, item in pairs)))
            case EachTemplate():
                return Generic("list", (ANY,))


def of_data(data: Any) -> TypeExpr:
    """Give the type of plain data."""
    match data:
        case str() | bool() | int() | None:
            return LiteralType((data,))
        case float():
            return TypeName("", "float")
        case list():
            return Generic("list", (union(map(of_data, data)) if data else ANY,))
        case dict():
            return Generic("dict", (TypeName("", "str"), union(map(of_data, data.values())) if data else ANY))
    return ANY
