"""A desk whose answers are kept: they may come from any process, also while no one carries the run out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from typing import Any

from fsmflow.engines.store import Store
from fsmflow.runtime import Answer, Asked, Desk, NotWaiting

POLL_S = 0.05
"""How often a run looks whether it is answered."""


class StoredDesk:
    """Waits for answers in a store, and asks at another desk meanwhile, if there is one."""

    def __init__(self, store: Store, desk: Desk | None) -> None:
        self._store = store
        self._desk = desk

    async def ask(self, asked: Asked) -> Answer:
        """Ask, and wait for an answer from here or from elsewhere."""
        waiting = [asyncio.ensure_future(self._kept(asked))]
        if self._desk is not None:
            waiting.append(asyncio.ensure_future(self._desk.ask(asked)))
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for each in waiting:
                each.cancel()
            for each in waiting:
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await each

    async def _kept(self, asked: Asked) -> Answer:
        """Wait until an answer is kept; one that does not fit is forgotten."""
        while True:
            body = await self._store.do(lambda connection: _body(connection, asked.token))
            if body is not None:
                said = json.loads(body)
                return asked.answer(said["label"], said["value"])
            await asyncio.sleep(POLL_S)

    def answer(self, run_id: str, state: str, label: str | None, value: Any, asked: Any) -> None:
        """Keep an answer to a question that waits.

        Args:
            run_id: The run that asks.
            state: The state that asks.
            label: The label that is picked, if it has labels.
            value: What is filled in, as plain data, if anything is.
            asked: The question, for its token, and to hold the answer to.

        Raises:
            NotWaiting: It is answered already.
            Rejected: It is none of the answers that there are.
        """
        asked.answer(label, value)
        body = json.dumps({"label": label, "value": value})

        def work(connection: sqlite3.Connection) -> None:
            if _body(connection, asked.token) is not None:
                raise NotWaiting(f"the question of `{state}` in {run_id} is answered already")
            row = (asked.token, run_id, state, body, time.time_ns())
            connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", row)

        self._store.do_now(work)


def _body(connection: sqlite3.Connection, token: str) -> str | None:
    found = connection.execute("SELECT body FROM answers WHERE token = ?", (token,)).fetchone()
    return None if found is None else str(found[0])
