"""What generated runners and step functions import; it needs nothing of the compiler."""

from fsmflow.runtime.backoff import Backoff
from fsmflow.runtime.binding import Step
from fsmflow.runtime.clock import Clock, Deadline, SystemClock
from fsmflow.runtime.commands import Callee, Children, Command, End, Onward, Pause, Question, Stage
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.context import StepContext
from fsmflow.runtime.desk import Answer, Asked, Desk, Inbox, NoDesk, NotWaiting
from fsmflow.runtime.events import Elapsed, Ended, Event, Late, Lost
from fsmflow.runtime.families import Enter, Member, Members, Row
from fsmflow.runtime.gauge import StaleCertificate, WorstCase
from fsmflow.runtime.model import Model
from fsmflow.runtime.options import Options
from fsmflow.runtime.outcomes import Breach, Invalid, Outcome, Permanent, Transient
from fsmflow.runtime.result import Result
from fsmflow.runtime.run import Configuration, Error, Limits, Run, Spent, Unbound
from fsmflow.runtime.runner import Runner, load_runner, runner_of
from fsmflow.runtime.trace import JsonLines, Sink, Span
from fsmflow.runtime.validation import LoadedElsewhere, StepNotFound
from fsmflow.runtime.values import Missing, each, ge, gt, le, length, lt, maybe, read, same, within

__all__ = [
    "Answer",
    "Asked",
    "Backoff",
    "Breach",
    "Callee",
    "Children",
    "Clock",
    "Command",
    "Configuration",
    "Deadline",
    "Desk",
    "Elapsed",
    "End",
    "Ended",
    "Enter",
    "Error",
    "Event",
    "Inbox",
    "Invalid",
    "JsonLines",
    "Late",
    "Limits",
    "LoadedElsewhere",
    "Lost",
    "Member",
    "Members",
    "Missing",
    "Model",
    "NoDesk",
    "NotWaiting",
    "Onward",
    "Options",
    "Outcome",
    "Pause",
    "Permanent",
    "Question",
    "Rejected",
    "Result",
    "Row",
    "Run",
    "Runner",
    "Sink",
    "Span",
    "Spent",
    "Stage",
    "StaleCertificate",
    "Step",
    "StepContext",
    "StepNotFound",
    "SystemClock",
    "Transient",
    "Unbound",
    "WorstCase",
    "each",
    "ge",
    "gt",
    "le",
    "length",
    "load_runner",
    "lt",
    "maybe",
    "read",
    "runner_of",
    "same",
    "within",
]
