"""What generated tests, and tests by hand, import: plans of runs, and a world to play them in."""

from fsmflow.testing.clock import SimulatedClock
from fsmflow.testing.corners import Corner, corners
from fsmflow.testing.plan_reading import FaultPlan, Planned
from fsmflow.testing.plan_steps import BadPlan, plan
from fsmflow.testing.plans import Act, Plan, plans
from fsmflow.testing.play import Played, play
from fsmflow.testing.subject import Subject
from fsmflow.testing.worst import WorstCase, with_worst_runs, worst_cases

__all__ = [
    "Act",
    "BadPlan",
    "Corner",
    "FaultPlan",
    "Plan",
    "Planned",
    "Played",
    "SimulatedClock",
    "Subject",
    "WorstCase",
    "corners",
    "plan",
    "plans",
    "play",
    "with_worst_runs",
    "worst_cases",
]
