"""The language that authors write, as data: names unresolved, shorthands whole.

Each class is one mapping of the language and each attribute one of its keys, without the
trailing underscore that `as_`, `with_` and `else_` need in Python. `fsmflow.loading` makes
these from YAML; writing them in Python is the same language and meets the same checks.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal

from attrs import field, frozen

from fsmflow.source import Real

_UNITS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_DURATION = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?(us|ms|s|min|h|d)", re.ASCII)
_MONEY = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?", re.ASCII)


@frozen(order=True)
class Duration:
    """A length of time, in whole microseconds; written `200ms`, `5s`, `2min`, `1.5h` or `7d`."""

    microseconds: int

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read a number and its unit.

        Raises:
            ValueError: `text` is not a duration, or is finer than a microsecond.
        """
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValueError("expected a duration such as 200ms, 5s, 2min or 1h")
        whole, fraction, unit = match.groups()
        exact = Decimal(f"{whole}.{fraction or 0}") * _UNITS[unit]
        if exact != exact.to_integral_value():
            raise ValueError("a duration can't be finer than a microsecond")
        return cls(int(exact))

    def __str__(self) -> str:
        for unit in ("d", "h", "min", "s", "ms"):
            if self.microseconds and self.microseconds % _UNITS[unit] == 0:
                return f"{self.microseconds // _UNITS[unit]}{unit}"
        return f"{self.microseconds}us"


@frozen(order=True)
class Money:
    """An amount of US dollars, in whole micro-dollars; written `0.25` or `2`."""

    micro_usd: int

    @classmethod
    def parse(cls, amount: int | Real | str) -> Money:
        """Read an amount as decimal text, so that it is exact.

        Raises:
            ValueError: `amount` is not a plain decimal with at most six places.
        """
        text = amount.text if isinstance(amount, Real) else str(amount)
        if _MONEY.fullmatch(text) is None:
            raise ValueError("expected an amount in dollars with at most six decimal places, such as 0.25")
        return cls(int(Decimal(text) * 1_000_000))

    def __str__(self) -> str:
        return f"{Decimal(self.micro_usd).scaleb(-6).normalize():f}"


def _help(help_: str, *examples: Any) -> dict[str, Any]:
    """Say what an editor shows for an attribute: a sentence, and values to offer."""
    return {"help": help_, "examples": examples}


def _says(help_: str, *examples: Any, **options: Any) -> Any:
    """Declare an attribute that may be left out; a type checker takes what stands here for its default."""
    return field(metadata=_help(help_, *examples), **options)


@frozen(kw_only=True)
class Target:
    """Where an edge leads, when more than a name must be said."""

    to: str = field(metadata=_help("The state that this edge leads to.", "draft"))
    times: int | None = _says("How often this edge may be taken.", 2, default=None)
    else_: str | None = _says("Where to go instead, once the edge is used up.", "quote", default=None)
    per: str | None = _says(
        "What `times` counts per: `run`, or since a state was last entered.", "run", default=None
    )


Arm = str | Target


@frozen(kw_only=True)
class Retry:
    """The same step again after a transient failure, following a pause that grows."""

    times: int = field(
        metadata=_help("How often the step may be tried again: 3 is at most four attempts.", 3)
    )
    backoff: Duration = _says("The pause before the first retry.", "200ms", default=Duration(1_000_000))
    factor: int | Real = _says("How much longer each further pause is.", 2, default=2)
    cap: Duration = _says("The longest pause.", "5s", default=Duration(60_000_000))
    jitter: Literal["full", "none"] = _says(
        "`full` draws each pause at random below its length; `none` takes it as it is.",
        "full",
        default="full",
    )
    retry_after: bool = _says("Whether a server's Retry-After is a floor for the pause.", True, default=True)
    else_: str | None = _says(
        "Where to go once retries are used up; otherwise `fallback`.", "quote", default=None
    )
    per: str | None = _says("What `times` counts per: the visit unless said.", "run", default=None)


@frozen(kw_only=True)
class Invalid:
    """What to do with an output that was rejected: ask again, or send the complaints elsewhere."""

    times: int | None = _says("How often to ask again.", 2, default=None)
    to: str | None = _says(
        "The state that gets the complaints; the same step unless said.", "draft", default=None
    )
    else_: str | None = _says(
        "Where to go once re-asks are used up; otherwise `fallback`.", "quote", default=None
    )
    per: str | None = _says("What `times` counts per: the visit unless said.", "run", default=None)


@frozen(kw_only=True)
class Cost:
    """The most that one attempt may use. What is not said is 0."""

    tool_calls: int = _says("Tool calls.", 1, default=0)
    tokens: int = _says("Tokens, read and written.", 1500, default=0)
    usd: Money = _says("Dollars.", 0.01, default=Money(0))


@frozen(kw_only=True)
class Budget:
    """Caps on a whole run. A cap of N allows exactly N."""

    steps: int | None = _says("Attempts started, of any step: retries and re-asks count.", 32, default=None)
    tool_calls: int | None = _says("Tool calls.", 8, default=None)
    tokens: int | None = _says("Tokens.", 12000, default=None)
    usd: Money | None = _says("Dollars.", 0.25, default=None)
    time: Duration | None = _says("Time in attempts, waits and pauses.", "2min", default=None)
    exceeded: str | None = _says(
        "Where a run goes when the next attempt does not fit.", "quote", default=None
    )


@frozen(kw_only=True)
class Price:
    """What a model charges, in dollars for a million tokens."""

    input: Money = field(metadata=_help("Dollars for a million tokens read.", 0.15))
    output: Money = field(metadata=_help("Dollars for a million tokens written.", 0.6))


Success = Arm | dict[str, Arm]

Secret = bool | list[str]
"""All that goes in and out, or the fields of it that are named."""


def _kept_secret(*examples: str) -> Any:
    """Declare the key `secret` of a state."""
    return _says(
        "What no trace, log or message may hold: `true` for all that goes in and out, or a list of "
        "arguments, of `output`, and of fields in them.",
        list(examples),
        default=False,
    )


@frozen(kw_only=True)
class Run:
    """A step: calls a Python function, sync or async."""

    run: str = field(metadata=_help("The function, as `module:name`.", "ask_docs:retrieve"))
    title: str | None = _says("What the state is for, in a sentence.", "Find the passages.", default=None)
    with_: dict[str, Any] = _says(
        "Arguments; `$name` refers to a value.", {"question": "$input.text"}, factory=dict
    )
    as_: str | None = _says("The name of this state's value, if not the state's own.", "answer", default=None)
    gives: str | None = _says("The type that the output must have.", "list[ask_docs:Passage]", default=None)
    accept: list[str] = _says("Functions that may reject an output.", ["ask_docs:is_cited"], factory=list)
    cost: Cost = _says("The most that one attempt may use.", {"tokens": 1500}, factory=Cost)
    timeout: Duration | None = _says("The longest that one attempt may take.", "20s", default=None)
    effect: Literal["none", "idempotent", "once"] | None = _says(
        "What the step does to the world: nothing, something that its key makes safe to repeat, "
        "or something that must never be repeated.",
        "none",
        default=None,
    )
    key: str | None = _says(
        "What makes the idempotency key, if not run, state and visit.", "$input.id", default=None
    )
    inline: bool = _says("Run a sync function on the event loop, not in a thread.", True, default=False)
    secret: Secret = _kept_secret("card", "output.email")
    reserve: bool = _says("Set this state's worst case aside from the start.", True, default=False)
    success: Success = field(
        metadata=_help("Where success leads, by label if the step gives labels.", "check")
    )
    retry: Retry | None = _says(
        "Transient failure: the same step again, after a pause.", {"times": 3}, default=None
    )
    invalid: Invalid | None = _says(
        "Rejected output: ask again with what was wrong.", {"times": 2}, default=None
    )
    fallback: Arm | None = _says("Where to go when the step can't succeed.", "quote", default=None)
    unknown: Arm | None = _says("Where to go when nobody can tell if it happened.", "reconcile", default=None)

    @property
    def output(self) -> str | None:
        """The type of the output; None if it is not said, or is a label alone."""
        return self.gives


Form = Literal["schema", "object", "text", "tools"]


@frozen(kw_only=True)
class Model:
    """What is asked of a model, over the OpenAI-compatible protocol."""

    model: str = field(metadata=_help("The model, by the name that its endpoint has for it.", "gpt-4o-mini"))
    prompt: str = field(
        metadata=_help(
            "The file beside the spec that holds the prompt; `{{ name }}` stands for an argument.",
            "prompts/draft.md",
        )
    )
    system: str | None = _says(
        "The file beside the spec that holds the system message.", "prompts/system.md", default=None
    )
    max_tokens: int = field(
        metadata=_help("The longest answer, in tokens, what the model thinks before included.", 400)
    )
    temperature: int | Real | None = _says("How freely the model chooses its words.", 0, default=None)
    format: Form | None = _says(
        "How the model answers: in JSON of the shape of `gives` (`schema`), in a JSON object (`object`), or "
        "in plain words (`text`). Unless said, `text` where a string is wanted, and `schema` otherwise.",
        "schema",
        default=None,
    )
    tools: dict[str, str] = _says(
        "The tools of which the model calls one, by label: what each takes. Its arguments are the value.",
        {"search": "agent:Search", "answer": "agent:Answer"},
        factory=dict,
    )
    options: dict[str, Any] = _says(
        "What else the endpoint is told, as it is.", {"reasoning_effort": "low", "seed": 7}, factory=dict
    )


@frozen(kw_only=True)
class Llm:
    """A step: one wire call to a model."""

    llm: Model = field(
        metadata=_help(
            "What is asked of which model.",
            {"model": "gpt-4o-mini", "prompt": "prompts/draft.md", "max_tokens": 400},
        )
    )
    title: str | None = _says("What the state is for, in a sentence.", "Draft an answer.", default=None)
    with_: dict[str, Any] = _says(
        "Arguments; `$name` refers to a value.", {"question": "$input.text"}, factory=dict
    )
    as_: str | None = _says("The name of this state's value, if not the state's own.", "answer", default=None)
    gives: str | None = _says("The type that the output must have.", "ask_docs:Answer", default=None)
    accept: list[str] = _says("Functions that may reject an output.", ["ask_docs:is_cited"], factory=list)
    cost: Cost = _says("The most that one attempt may use.", {"tokens": 1500}, factory=Cost)
    timeout: Duration | None = _says("The longest that one attempt may take.", "20s", default=None)
    effect: Literal["none", "idempotent", "once"] | None = _says(
        "What the step does to the world; nothing unless said.", "none", default=None
    )
    key: str | None = _says("What makes the idempotency key.", "$input.id", default=None)
    secret: Secret = _kept_secret("letter", "output.name")
    reserve: bool = _says("Set this state's worst case aside from the start.", True, default=False)
    success: Success = field(
        metadata=_help("Where success leads, by label if the step gives labels.", "check")
    )
    retry: Retry | None = _says(
        "Transient failure: the same step again, after a pause.", {"times": 3}, default=None
    )
    invalid: Invalid | None = _says(
        "Rejected output: ask again with what was wrong.", {"times": 2}, default=None
    )
    fallback: Arm | None = _says("Where to go when the step can't succeed.", "quote", default=None)
    unknown: Arm | None = _says("Where to go when nobody can tell if it happened.", "reconcile", default=None)

    @property
    def form(self) -> Form:
        """How the model answers: as said, or as the output asks for it."""
        if self.llm.tools:
            return "tools"
        if self.llm.format is not None:
            return self.llm.format
        return "text" if self.gives in (None, "str") and not isinstance(self.success, dict) else "schema"

    @property
    def output(self) -> str | None:
        """The type of the output: `gives`, or what the form makes of it; None if it is a label alone."""
        if self.llm.tools:
            return " | ".join(dict.fromkeys(self.llm.tools.values()))
        if self.gives is not None or isinstance(self.success, dict):
            return self.gives
        return "str" if self.form == "text" else "dict[str, Any]"


@frozen(kw_only=True)
class ChooseArm:
    """One arm of a choice."""

    when: str | None = _says("The guard; the last arm has none.", "len(retrieve) > 0", default=None)
    to: str = field(metadata=_help("The state that this arm leads to.", "draft"))
    times: int | None = _says("How often this arm may be taken.", 2, default=None)
    else_: str | None = _says("Where to go instead, once the arm is used up.", "quote", default=None)
    per: str | None = _says("What `times` counts per.", "run", default=None)

    @property
    def target(self) -> Target:
        """Where it leads, as any other edge does."""
        return Target(to=self.to, times=self.times, else_=self.else_, per=self.per)


@frozen(kw_only=True)
class Choose:
    """A choice: the first arm whose guard holds."""

    choose: list[ChooseArm] = field(
        metadata=_help("Arms, tried in order.", [{"when": "input.urgent", "to": "page"}, {"to": "queue"}])
    )
    title: str | None = _says("What the state is for, in a sentence.", "Urgent or not?", default=None)
    reserve: bool = _says("Whether the state belongs to the reserve region.", True, default=False)


@frozen(kw_only=True)
class Wait:
    """A pause of fixed length."""

    wait: Duration = field(metadata=_help("How long to pause.", "10s"))
    title: str | None = _says("What the state is for, in a sentence.", "Let the index settle.", default=None)
    reserve: bool = _says("Set this state's worst case aside from the start.", True, default=False)
    success: Arm = field(metadata=_help("Where to go then.", "poll"))


@frozen(kw_only=True)
class Ask:
    """A question to a person, who picks from the labels of `success`."""

    ask: str = field(metadata=_help("The question.", "Pay this refund?"))
    show: dict[str, Any] = _says(
        "What the person sees; `$name` refers to a value.", {"amount": "$order.amount"}, factory=dict
    )
    role: str | None = _says("Who may answer.", "finance", default=None)
    title: str | None = _says("What the state is for, in a sentence.", "Have it approved.", default=None)
    as_: str | None = _says("The name of this state's value.", "approval", default=None)
    gives: str | None = _says("The type of what the person fills in.", "str", default=None)
    timeout: Duration | None = _says("How long to wait for an answer.", "7d", default=None)
    secret: Secret = _kept_secret("card", "output")
    reserve: bool = _says("Whether the state belongs to the reserve region.", True, default=False)
    success: Success = field(metadata=_help("Where each answer leads.", {"approve": "pay", "refuse": "tell"}))
    fallback: Arm | None = _says("Where to go when nobody answers in time.", "tell", default=None)


@frozen(kw_only=True)
class Map:
    """A child workflow for each item of a list."""

    map: str = field(metadata=_help("The child workflow.", "summarise"))
    over: str = field(metadata=_help("The items.", "$retrieve"))
    at_most: int = field(metadata=_help("The most items; more is failure.", 20))
    width: int = _says("How many run at a time.", 4, default=1)
    tolerate: int = _says("How many children may fail.", 2, default=0)
    title: str | None = _says("What the state is for, in a sentence.", "Read each source.", default=None)
    with_: dict[str, Any] | None = _says(
        "The child's input, which may use `$item`; the item itself unless said.",
        {"source": "$item"},
        default=None,
    )
    as_: str | None = _says("The name of this state's value.", "notes", default=None)
    secret: Secret = _kept_secret("card", "output.email")
    reserve: bool = _says("Set this state's worst case aside from the start.", True, default=False)
    success: Arm = field(metadata=_help("Where success leads.", "merge"))
    fallback: Arm | None = _says("Where to go when too many children fail.", "apologise", default=None)


@frozen(kw_only=True)
class Branch:
    """One of the children that run side by side."""

    call: str = field(metadata=_help("The child workflow.", "search_web"))
    with_: dict[str, Any] = _says("The child's input.", {"text": "$input.text"}, factory=dict)


@frozen(kw_only=True)
class Parallel:
    """Child workflows side by side."""

    parallel: dict[str, Branch] = field(
        metadata=_help("The children, by key.", {"web": {"call": "search_web"}})
    )
    title: str | None = _says("What the state is for, in a sentence.", "Search everywhere.", default=None)
    as_: str | None = _says("The name of this state's value.", "found", default=None)
    secret: Secret = _kept_secret("web.text", "output.web")
    reserve: bool = _says("Set this state's worst case aside from the start.", True, default=False)
    success: Arm = field(metadata=_help("Where success leads.", "merge"))
    fallback: Arm | None = _says("Where to go when a child fails.", "apologise", default=None)


@frozen(kw_only=True)
class Call:
    """One child workflow."""

    call: str = field(metadata=_help("The child workflow.", "summarise"))
    title: str | None = _says("What the state is for, in a sentence.", "Sum it up.", default=None)
    with_: dict[str, Any] = _says("The child's input.", {"text": "$input.text"}, factory=dict)
    as_: str | None = _says("The name of this state's value.", "summary", default=None)
    secret: Secret = _kept_secret("card", "output.email")
    reserve: bool = _says("Set this state's worst case aside from the start.", True, default=False)
    success: Arm = field(metadata=_help("Where success leads.", "merge"))
    fallback: Arm | None = _says("Where to go when the child fails.", "apologise", default=None)


@frozen(kw_only=True)
class End:
    """The end of a run."""

    end: Literal["success", "degraded", "handoff", "failed"] = field(
        metadata=_help("What kind of end this is.", "success")
    )
    title: str | None = _says("What the state is for, in a sentence.", "Answered.", default=None)
    output: Any = _says("What the run gives; `$name` refers to a value.", "$answer", default=None)


State = Run | Llm | Choose | Wait | Ask | Map | Parallel | Call | End

KINDS: dict[str, type[State]] = {
    "run": Run,
    "llm": Llm,
    "choose": Choose,
    "wait": Wait,
    "ask": Ask,
    "map": Map,
    "parallel": Parallel,
    "call": Call,
    "end": End,
}
"""Each kind of state, by the one key that defines it."""


@frozen(kw_only=True)
class Policy:
    """A rule that every run must keep, in one of Dwyer's patterns.

    `never`, `always`, `at_most` with `visit`, `before` with `visit`, or `after` with `visit`;
    `between` narrows each to the stretch from its first event to its second.
    """

    never: str | None = _says("This never happens.", "done", default=None)
    always: str | None = _says("This always happens.", "check", default=None)
    at_most: int | None = _says("How often `visit` may happen.", 3, default=None)
    before: str | None = _says("This happens before any `visit`.", "check", default=None)
    after: str | None = _says("After this, `visit` happens.", "charge", default=None)
    visit: str | None = _says(
        "The state or `state.outcome` that is counted, preceded or followed.", "draft", default=None
    )
    between: list[str] | None = _says(
        "From the first until the second.", ["draft", "check.grounded"], default=None
    )


@frozen(kw_only=True)
class Workflow:
    """One workflow: a whole spec file."""

    fsmflow: Literal[1] = _says("The version of the language.", 1, default=1)
    workflow: str = field(metadata=_help("The workflow's name.", "ask_docs"))
    title: str | None = _says("What the workflow does, in a sentence.", "Answer a question.", default=None)
    input: str | None = _says("The type of what a run is given.", "ask_docs:Question", default=None)
    output: str | None = _says("The type of what a run gives.", "ask_docs:Answer", default=None)
    secret: Secret = _says(
        "What of the input no trace, log or message may hold: `true` for all of it, or fields of it.",
        ["card", "customer.email"],
        default=False,
    )
    budget: Budget = _says("Caps on a whole run.", {"steps": 32}, factory=Budget)
    prices: dict[str, Price] = _says(
        "What each model charges.", {"gpt-4o-mini": {"input": 0.15, "output": 0.6}}, factory=dict
    )
    start: str | None = _says("The first state, if not the first one written.", "retrieve", default=None)
    states: dict[str, State] = field(metadata=_help("The states, by name.", {"done": {"end": "success"}}))
    policies: list[Policy] = _says(
        "Rules that every run must keep.", [{"at_most": 3, "visit": "draft"}], factory=list
    )
    profiles: dict[str, dict[str, str]] = _says(
        "Other implementations of steps, by profile.", {"offline": {"draft": "ask_docs:quote"}}, factory=dict
    )
