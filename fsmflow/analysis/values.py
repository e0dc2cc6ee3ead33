"""The types of what a spec speaks of: values, references into them, and literals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field, frozen

from fsmflow import spec
from fsmflow.analysis.annotations import ANY, NONE, normal, union
from fsmflow.analysis.classes import Class, class_of
from fsmflow.analysis.modules import Modules
from fsmflow.analysis.signatures import Signature, signature_of
from fsmflow.analysis.symbols import Symbol, resolve
from fsmflow.expressions import Constant, DictTemplate, EachTemplate, ListTemplate, Reference, Template
from fsmflow.loading.names import forbidden_module, reference_flaw
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
    """The types of a workflow's values, found when asked for."""

    workflow: spec.Workflow
    modules: Modules
    _declared: dict[str, TypeExpr] = field(factory=dict, init=False, repr=False)
    _signatures: dict[str, Signature | None] = field(factory=dict, init=False, repr=False)
    _classes: dict[TypeName, Class | None] = field(factory=dict, init=False, repr=False)
    _given: dict[str, TypeExpr] | None = field(default=None, init=False, repr=False)

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
        if self._given is None:
            found: dict[str, list[TypeExpr]] = {}
            for name, state in self.workflow.states.items():
                if not isinstance(state, spec.Choose | spec.Wait | spec.End):
                    found.setdefault(state.as_ or name, []).append(self.output(state))
            self._given = {name: union(types) for name, types in found.items()}
            self._given["input"] = self.declared(self.workflow.input)
            self._given["error"] = ERROR
        return self._given.get(value, ANY)

    def output(self, state: spec.State) -> TypeExpr:
        """Give the type of what a state gives; `Any` if it is not known."""
        if isinstance(state, spec.Llm):
            if state.output is None and isinstance(state.success, dict):
                return LiteralType(tuple(state.success))
            return self.declared(state.output)
        if not isinstance(state, spec.Run):
            return ANY
        if state.gives is not None:
            return self.declared(state.gives)
        signature = self.signature(state.run)
        return ANY if signature is None else signature.gives

    def read(self, reference: Reference) -> TypeExpr | NoField:
        """Give the type of what a reference leads to, or the field that is not there."""
        found = self.follow(self.given(reference.root), reference.path)
        if reference.or_null and not isinstance(found, NoField):
            return union([found, NONE])
        return found

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
