"""Which errors leave a workflow clear enough to prove something of it."""

BESIDE_THE_PROOF = frozenset(
    (
        "answer-missing",
        "ask-among-children",
        "attempt-above-cap",
        "bad-reference",
        "bad-type",
        "budget-below-happy-path",
        "child-input-mismatch",
        "effect-unsaid",
        "end-unaffordable",
        "guard-never-reached",
        "missing-timeout",
        "no-way-to-end",
        "output-missing",
        "output-never-given",
        "policy-refuted",
        "prompt-mismatch",
        "prompt-not-found",
        "read-before-write",
        "reask-on-effect",
        "repeated-effect-without-key",
        "reserve-unaffordable",
        "step-not-found",
        "type-mismatch",
        "unaffordable-fallback",
        "unbounded-loop",
        "unknown-profile-state",
    )
)
"""The checks whose errors leave it clear what the machine is, and so what is to be proved of it."""
