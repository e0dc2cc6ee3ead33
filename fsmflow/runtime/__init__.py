"""What generated runners and step functions import; it needs nothing of the compiler."""

from fsmflow.runtime.backoff import Backoff
from fsmflow.runtime.clock import Clock, Deadline, SystemClock
from fsmflow.runtime.context import StepContext
from fsmflow.runtime.events import Elapsed, Ended, Event, Late
from fsmflow.runtime.gauge import StaleCertificate, WorstCase
from fsmflow.runtime.model import Model
from fsmflow.runtime.outcomes import Breach, Invalid, Outcome, Permanent, Transient
from fsmflow.runtime.result import Result
from fsmflow.runtime.run import (
    Command,
    Configuration,
    End,
    Error,
    Limits,
    Onward,
    Pause,
    Run,
    Spent,
    Stage,
    Unbound,
)
from fsmflow.runtime.runner import Options, Runner, load_runner, runner_of
from fsmflow.runtime.steps import StepNotFound
from fsmflow.runtime.trace import JsonLines, Span
from fsmflow.runtime.validation import Rejected
from fsmflow.runtime.values import Missing, ge, gt, le, length, lt, maybe, read, same, within

__all__ = [
    "Backoff",
    "Breach",
    "Clock",
    "Command",
    "Configuration",
    "Deadline",
    "Elapsed",
    "End",
    "Ended",
    "Error",
    "Event",
    "Invalid",
    "JsonLines",
    "Late",
    "Limits",
    "Missing",
    "Model",
    "Onward",
    "Options",
    "Outcome",
    "Pause",
    "Permanent",
    "Rejected",
    "Result",
    "Run",
    "Runner",
    "Span",
    "Spent",
    "Stage",
    "StaleCertificate",
    "StepContext",
    "StepNotFound",
    "SystemClock",
    "Transient",
    "Unbound",
    "WorstCase",
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
