"""A state's own step, called from what stands in for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fsmflow.runtime import Stage, StepContext
from fsmflow.runtime.steps import Acceptor, bind
from fsmflow.runtime.threads import in_thread


class RealStep:
    """A state's own step, or its profile's, which some attempts call and others do not.

    Attributes:
        is_called: Whether the attempt under way calls it.
    """

    def __init__(self, stage: Stage, folder: Path, implementation: str | None = None) -> None:
        """Find the step.

        Args:
            stage: The state.
            folder: Where modules are looked for first.
            implementation: What a profile has in the place of the state's own step.

        Raises:
            StepNotFound: It is not where the spec says.
        """
        self._stage = stage
        self._bound = bind(stage, folder, implementation)
        self.is_called = False

    @property
    def wants_context(self) -> bool:
        """Whether the step has a parameter `ctx`."""
        return self._bound.wants_context

    def accept(self) -> tuple[Acceptor, ...]:
        """Give the accept functions, which judge the step's own outputs alone."""
        return tuple(map(self._accepting, self._bound.accept))

    def _accepting(self, acceptor: Acceptor) -> Acceptor:
        def accept(value: Any, **given: Any) -> Any:
            return acceptor.function(value, **given) if self.is_called else None

        return Acceptor(accept, acceptor.takes)

    async def call(self, ctx: StepContext | None, given: Mapping[str, Any]) -> Any:
        """Call the step, in a thread if it has to be."""
        arguments = {**given, "ctx": ctx} if self._bound.wants_context else dict(given)
        if self._bound.mode == "thread":
            return await in_thread(self._bound.function, arguments, self._stage.name)
        found = self._bound.function(**arguments)
        return await found if self._bound.mode == "async" else found
