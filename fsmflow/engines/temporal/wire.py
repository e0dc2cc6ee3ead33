"""How values cross between clients, workers and the server: in the closed, tagged JSON of journals."""

from __future__ import annotations

from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
)

from fsmflow.engines.keeping import read_named, written
from fsmflow.engines.temporal.claims import CLAIM, Claims
from fsmflow.engines.temporal.payloads import Lost, Payloads


class TaggedJson(EncodingPayloadConverter):
    """Writes data as JSON that keeps the order of keys, and tags what JSON has no word for."""

    @property
    def encoding(self) -> str:
        """The name under which payloads say how they are written; the web UI shows such payloads."""
        return "json/plain"

    def to_payload(self, value: Any) -> Payload:
        """Write a value.

        Raises:
            Unkeepable: A part of it is no data.
        """
        return Payload(metadata={"encoding": b"json/plain"}, data=written(value).encode("ascii"))

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Read a value, under the names of its fields; no class is made for it, whatever the hint."""
        return read_named(payload.data.decode("ascii" if payload.data.isascii() else "utf-8"))


class Unclaimed(EncodingPayloadConverter):
    """Meets the references to values that are kept apart where nobody has said where that is."""

    @property
    def encoding(self) -> str:
        """The encoding of a reference."""
        return CLAIM.decode("ascii")

    def to_payload(self, value: Any) -> None:
        """Write nothing: that is a codec's to do."""

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Say what is missing.

        Raises:
            Lost: Whatever it is that is kept apart.
        """
        raise Lost("a value is kept apart from its history: name the folder with --payloads")


class Converter(CompositePayloadConverter):
    """Temporal's own converter, but for plain data."""

    def __init__(self) -> None:
        """Put ours in the place of Temporal's."""
        usual = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(
            *(TaggedJson() if isinstance(each, JSONPlainPayloadConverter) else each for each in usual),
            Unclaimed(),
        )


def converter(payloads: Payloads | None = None) -> DataConverter:
    """Make what converts values for a client, and so for its workers.

    Args:
        payloads: Where large values are kept; without one all of them are in the history.
    """
    return DataConverter(
        payload_converter_class=Converter, payload_codec=None if payloads is None else Claims(payloads)
    )
