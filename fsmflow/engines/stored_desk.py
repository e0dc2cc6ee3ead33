"""A desk whose answers are kept: they may come from any process, also while no one carries the run out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from typing import Any

from fsmflow.engines.rows import Corrupt, Unfit, sum_of
from fsmflow.engines.store import Store
from fsmflow.runtime import Answer, Asked, Desk, NotWaiting, Rejected
from fsmflow.runtime.outcomes import Stop

POLL_S = 0.05
"""How often a run looks whether it is answered."""

SOON_S = 0.001
"""How long the loop is given to call what is due."""


class Suspended(Stop):
    """A run waits for a person, and is let go meanwhile; no exception, which would be an outcome.

    Attributes:
        asked: The question.
    """

    def __init__(self, asked: Asked) -> None:
        super().__init__(f"`{asked.state}` waits for an answer")
        self.asked = asked


class StoredDesk:
    """Waits for answers in a store, and asks at another desk meanwhile, if there is one."""

    def __init__(self, store: Store, desk: Desk | None, *, suspends: bool = False) -> None:
        self._store = store
        self._desk = desk
        self._suspends = suspends

    async def ask(self, asked: Asked) -> Answer:
        """Ask, and wait for an answer from here or from elsewhere.

        Raises:
            Suspended: The other desk's input is at its end, or nobody is to be waited for.
        """
        try:
            return await self._asked(asked)
        except asyncio.CancelledError:
            # It may have come in the last moment: whoever gave it was told that it counts.
            answer = await self._given(asked)
            if answer is None:
                raise
            return answer

    async def _asked(self, asked: Asked) -> Answer:
        if self._desk is None:
            return await self._kept(asked)
        answer = await self._given(asked)
        if answer is not None:
            return answer
        waiting = [asyncio.ensure_future(self._kept(asked))]
        waiting.append(asyncio.ensure_future(self._desk.ask(asked)))
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        except EOFError:
            # Whoever sat there has left; the question stays.
            raise Suspended(asked) from None
        finally:
            for each in waiting:
                each.cancel()
            for each in waiting:
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await each

    async def _kept(self, asked: Asked) -> Answer:
        """Wait until an answer is kept."""
        while True:
            answer = await self._given(asked)
            if answer is not None:
                return answer
            if self._suspends:
                # A deadline that has passed meanwhile comes first.
                await asyncio.sleep(SOON_S)
                raise Suspended(asked)
            await asyncio.sleep(POLL_S)

    async def _given(self, asked: Asked) -> Answer | None:
        """Give the answer that is kept, if there is one.

        Raises:
            Unfit: It does not fit its type any more, which it did when it was given.
        """
        body = await self._store.do(lambda connection: _body(connection, asked.token))
        if body is None:
            return None
        said = json.loads(body)
        try:
            return asked.answer(said["label"], said["value"])
        except Rejected as rejected:
            raise Unfit(f"the answer to `{asked.state}` does not fit now: {rejected}") from None

    def answer(self, asked: Asked, label: str | None, value: Any) -> None:
        """Keep an answer to a question that waits.

        Raises:
            NotWaiting: It is answered already.
            Rejected: It is none of the answers that there are.
        """
        asked.answer(label, value)
        said = json.dumps({"label": label, "value": value})
        row = (asked.token, asked.run_id, asked.state, said, time.time_ns())

        def work(connection: sqlite3.Connection) -> None:
            if _body(connection, asked.token) is not None:
                raise NotWaiting(f"the question of `{asked.state}` in {asked.run_id} is answered already")
            connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", (*row, sum_of(row)))

        self._store.do_now(work)


def _body(connection: sqlite3.Connection, token: str) -> str | None:
    found = connection.execute("SELECT * FROM answers WHERE token = ?", (token,)).fetchone()
    if found is None:
        return None
    if not all(type(value) in (str, int) for value in found) or sum_of(found[:-1]) != found[-1]:
        raise Corrupt(f"the answer to `{found[2]}` is not what was given")
    return str(found[3])
