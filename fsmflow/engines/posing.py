"""The questions that wait in the database, as whoever answers them sees them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from fsmflow.engines.answering import asked_by
from fsmflow.engines.owners import is_alive
from fsmflow.engines.pinned import workflow_kept
from fsmflow.engines.records import OPEN, Question, about_run, questions_kept, refuse
from fsmflow.engines.store import Store
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Asked, NotWaiting
from fsmflow.runtime.desk import token_of
from fsmflow.runtime.hiding import Hiding
from fsmflow.runtime.secrets import Secrets


class Posing:
    """Gives questions in full, by the machines of the workflows that ask them."""

    def __init__(self, store: Store) -> None:
        """Give the questions that wait in a database."""
        self._store = store
        self._workflows: dict[tuple[str, str], Workflow] = {}

    def asked(self, run_id: str, state: str) -> Asked:
        """Give all of the question that waits in a state of a run, or of a workflow that it calls.

        Raises:
            NoSuchRun: There is none of this id.
            NotWaiting: No such question waits, or it is answered already.
        """
        about = self._store.do_now(lambda connection: about_run(connection, run_id))
        if about["status"] not in OPEN:
            raise NotWaiting(f"the run {run_id} is {about['status']}")
        waiting = self._store.do_now(lambda connection: questions_kept(connection, run_id, refuse))
        found = asked_by(state, waiting, run_id)
        if found.is_answered:
            raise NotWaiting(f"the question of `{state}` in {run_id} is answered already")
        is_late = found.until_ns is not None and time.time_ns() > found.until_ns
        if is_late and not self._is_carried_out(found.root_id):
            raise NotWaiting(f"the question of `{state}` in {run_id} was waited for no longer than that")
        return self.described(found)

    def _is_carried_out(self, root_id: str) -> bool:
        """Tell whether a process may be at a run: it waits by a clock that sleeps with its machine."""
        owner = self._store.do_now(lambda connection: about_run(connection, root_id))["owner"]
        return owner is not None and is_alive(owner)

    def described(self, asking: Question) -> Asked:
        """Give all of a question that waits, without what is secret.

        The type of its answers is looked for once there is one: to show a question no step module is needed,
        and of several releases' modules a process can load but one's.
        """
        key = (asking.digest, asking.folder)
        if key not in self._workflows:
            self._workflows[key] = workflow_kept(self._store, asking.digest, Path(asking.folder))
        workflow = self._workflows[key]
        question = workflow.runner.questions[asking.state]
        hiding = Hiding(Secrets(), workflow.runner.secret)

        def validate(value: Any) -> Any:
            check = workflow.runner.answers()[asking.state]
            return value if check is None else check(value)

        return Asked(
            token=token_of(asking.run_id, asking.state, asking.visit),
            workflow=asking.workflow,
            run_id=asking.run_id,
            trace_id="",
            state=asking.state,
            visit=asking.visit,
            question=question.text,
            role=question.role,
            shown=hiding.shown(asking.state, asking.shown),
            labels=question.labels,
            gives=question.gives,
            timeout_us=question.timeout_us,
            validate=validate,
            is_secret=bool(hiding.marked(asking.state, "output")),
        )
