"""Whether what a template gives structures into a declared type, as the runtime does with outputs.

Plain mappings structure into classes with known fields, so these are looked at key by key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fsmflow.analysis.kinds.fits import fits
from fsmflow.analysis.values import Values
from fsmflow.diagnostics import did_you_mean, nearest
from fsmflow.source import Route
from fsmflow.typeexpr import Generic, LiteralType, TypeExpr, TypeName, Union


def misfits(values: Values, data: Any, wanted: TypeExpr, route: Route) -> Iterator[tuple[Route, str, str]]:
    """Give each place in `data`, plain data with references, that does not fit, why, and a hint."""
    if isinstance(wanted, Union):
        if not any(_fits(values, data, member) for member in wanted.members):
            yield route, f"expected `{wanted}`", ""
        return
    match data, wanted:
        case dict(), TypeName(module=module) if module:
            yield from _in_class(values, data, wanted, route)
        case list(), Generic(origin="list", arguments=(item,)):
            for index, part in enumerate(data):
                yield from misfits(values, part, item, (*route, index))
        case dict(), Generic(origin="dict", arguments=(_, item)):
            for key, part in data.items():
                yield from misfits(values, part, item, (*route, key))
        case _:
            given = values.of_data(data)
            if not structures(values, given, wanted):
                yield route, f"expected `{wanted}`, found `{given}`", ""


def _fits(values: Values, data: Any, wanted: TypeExpr) -> bool:
    return next(misfits(values, data, wanted, ()), None) is None


def structures(values: Values, given: TypeExpr, wanted: TypeExpr) -> bool:
    """Tell whether something of type `given` may structure into `wanted`: if any of it fits, it may."""
    members = given.members if isinstance(given, Union) else (given,)
    return any(_may_be(values, member, wanted) for member in members)


def _may_be(values: Values, given: TypeExpr, wanted: TypeExpr) -> bool:
    if isinstance(wanted, Union):
        return any(_may_be(values, given, member) for member in wanted.members)
    is_class = isinstance(wanted, TypeName) and bool(wanted.module)
    match given:
        case Generic(origin="dict") | TypeName(module="", name="dict") if is_class:
            return True
        case _ if is_class and _is_made_of_anything(values, wanted):
            return True
        case LiteralType() | TypeName(module="") if is_class and _is_made_of_scalars(values, wanted):
            return True
        case TypeName(module=module) if module and is_class:
            found = values.class_of(given)
            # What is said to be of a class may be of one that is derived from it.
            related = (fits(values.modules, *pair) for pair in ((given, wanted), (wanted, given)))
            return found is None or found.is_mapping or any(related)
        case Generic(origin=origin, arguments=parts) if isinstance(wanted, Generic):
            pairs = zip(parts, wanted.arguments, strict=False)
            return wanted.origin == origin and all(structures(values, *pair) for pair in pairs)
    return fits(values.modules, given, wanted)


def _is_made_of_anything(values: Values, wanted: TypeExpr) -> bool:
    """Tell whether it is not known what a class is made of."""
    found = values.class_of(wanted) if isinstance(wanted, TypeName) else None
    return found is None or not found.known or found.dynamic


def _is_made_of_scalars(values: Values, wanted: TypeExpr) -> bool:
    """Tell whether a class is an enum or derived from a scalar: it is made of such a value."""
    found = values.class_of(wanted) if isinstance(wanted, TypeName) else None
    return found is not None and (found.is_enum or not found.ancestors.isdisjoint({"str", "int", "float"}))


def _in_class(
    values: Values, data: dict[str, Any], wanted: TypeName, route: Route
) -> Iterator[tuple[Route, str, str]]:
    found = values.class_of(wanted)
    if found is None or found.fields is None or found.dynamic:
        return
    required = [name for name, one in found.fields.items() if one.required]
    near = (nearest(key, found.fields) for key in data)
    if data and required and found.fields.keys().isdisjoint(data) and not any(near):
        # Another thing altogether, and so one fault.
        yield route, f"`{wanted}` needs {_listed(required)}, and here are {_listed(data)}", ""
        return
    meant: set[str | None] = set()
    for key, part in data.items():
        if key not in found.fields:
            free = [name for name in found.fields if name not in data]
            meant.add(nearest(key, free))
            yield (*route, key), f"`{wanted}` has no field `{key}`", did_you_mean(key, free or found.fields)
        elif not found.fields[key].validated:
            yield from misfits(values, part, found.fields[key].type, (*route, key))
    missing = [name for name in required if name not in {*data, *meant}]
    if missing:
        yield route, f"`{wanted}` needs {_listed(missing)}", ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
