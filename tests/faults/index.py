"""Which fault of models, tools and the world around a run is shown by which tests.

A fault goes by its number, and a test by its file and function.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

HERE, RUNTIME = "tests/faults", "tests/runtime"


class Fault(NamedTuple):
    """A fault, what we owe it, and the tests that show it: files with the functions in them."""

    number: int
    what: str
    owed: str
    tests: dict[str, tuple[str, ...]]

    @property
    def nodes(self) -> Iterator[tuple[str, str]]:
        """Each test, as file and function."""
        yield from ((file, name) for file, names in self.tests.items() for name in names)


FAULTS = (
    Fault(
        59,
        "secrets in arguments, exceptions, URLs, headers, nested, in base64",
        "none of a hundred canaries is in anything that is written",
        {
            f"{HERE}/test_canaries.py": (
                "test_no_canary_is_in_anything_that_is_written",
                "test_no_canary_is_told_by_a_run_that_is_cancelled",
                "test_no_canary_is_shown_to_people",
                "test_people_are_shown_no_secret_where_nobody_watches",
                "test_no_canary_is_told_by_a_model",
                "test_no_canary_is_told_by_a_run_that_is_taken_up",
                "test_no_canary_is_in_an_exception",
                "test_no_canary_is_on_the_terminal",
                "test_no_canary_is_told_of_wrong_input",
                "test_bodies_can_be_left_out_altogether",
                "test_equal_secrets_are_told_to_be_equal",
                "test_the_search_finds_what_is_there",
                "test_the_steps_do_tell",
            ),
            f"{RUNTIME}/test_secrets.py": ("test_a_secret_is_found_in_each_of_its_forms",),
        },
    ),
    Fault(
        60,
        "Retry-After: 5, a date, -1, nan, 1e9, ٣, 5, 10; three days",
        "a floor of the pause, or no wish; beyond the cap the way out is taken at once",
        {
            f"{HERE}/test_wires.py": (
                "test_every_form_of_retry_after_is_heeded_or_ignored",
                "test_a_retry_after_beyond_the_cap_is_not_waited_for",
            ),
            f"{RUNTIME}/test_outcomes.py": (
                "test_retry_after_is_read_as_the_rfc_says",
                "test_retry_after_is_found_in_any_headers",
            ),
            f"{RUNTIME}/test_retries.py": ("test_retry_after_is_a_floor",),
            f"{RUNTIME}/test_llm.py": ("test_a_wish_to_wait",),
        },
    ),
    Fault(
        61,
        "retries multiplied by retries",
        "attempts on the wire are the attempts on the ledger",
        {
            f"{HERE}/test_answers.py": ("test_no_retry_multiplies_another",),
            f"{RUNTIME}/test_llm.py": ("test_retries_are_the_runtimes",),
            f"{RUNTIME}/test_llm_against_llmock.py": ("test_a_whole_answer",),
        },
    ),
    Fault(
        62,
        "5xx, 529; 400, 401, 403, 404",
        "the first are retried, the others never",
        {
            f"{HERE}/test_wires.py": ("test_a_status_is_retried_or_never",),
            f"{RUNTIME}/test_outcomes.py": (
                "test_passing_statuses_are_transient",
                "test_other_statuses_are_failures",
            ),
            f"{RUNTIME}/test_llm.py": ("test_every_ending_has_its_outcome",),
        },
    ),
    Fault(
        63,
        "a timeout in connecting or reading; a reset before or after the request was sent",
        "transient; ambiguous for what may happen once",
        {
            f"{HERE}/test_wires.py": (
                "test_an_ambiguous_effect_that_may_happen_once_is_not_asked_for_again",
                "test_a_request_that_was_never_sent_is_retried_or_unknown",
                "test_a_read_timeout_is_transient",
            ),
            f"{RUNTIME}/test_effects.py": ("test_what_may_have_happened_once_is_unknown",),
            f"{RUNTIME}/test_outcomes.py": (
                "test_timeouts_lost_connections_and_broken_streams_are_transient",
            ),
        },
    ),
    Fault(
        64,
        "a truncated stream, without its stop event",
        "never a success",
        {
            f"{HERE}/test_answers.py": ("test_a_truncated_stream_without_its_stop_event_is_no_success",),
            f"{RUNTIME}/test_llm_streams.py": ("test_a_broken_stream_is_transient_and_never_a_success",),
            f"{RUNTIME}/test_llm_against_llmock.py": ("test_a_streamed_answer",),
        },
    ),
    Fault(
        65,
        "malformed, fenced, trailing, duplicate-key JSON",
        "a fence is taken off; all else is invalid",
        {
            f"{HERE}/test_answers.py": (
                "test_json_that_is_malformed_trailing_or_has_a_key_twice_is_asked_again",
                "test_json_in_a_fence_is_read",
                "test_arguments_of_a_tool_are_held_to_the_same",
            ),
            f"{RUNTIME}/test_llm.py": ("test_every_ending_has_its_outcome",),
        },
    ),
    Fault(
        66,
        "an answer that fits its schema and is wrong",
        "its postcondition rejects it",
        {
            f"{HERE}/test_answers.py": ("test_an_answer_that_fits_its_schema_and_is_wrong_is_rejected",),
            f"{RUNTIME}/test_acceptance.py": ("test_what_an_accept_function_says",),
        },
    ),
    Fault(
        67,
        "an empty answer, a stop at the length, a refusal, a content filter",
        "the first two invalid, the others failures, each named in the trace",
        {
            f"{HERE}/test_answers.py": ("test_an_answer_that_is_none_is_named_in_the_trace",),
            f"{RUNTIME}/test_llm.py": ("test_every_ending_has_its_outcome",),
        },
    ),
    Fault(
        68,
        "a context that overflows",
        "not sent again unchanged; not sent at all where that is known before",
        {
            f"{HERE}/test_answers.py": (
                "test_a_context_that_overflows_is_not_sent_again",
                "test_a_context_that_would_overflow_is_not_sent_at_all",
            ),
            f"{RUNTIME}/test_llm.py": ("test_a_prompt_that_does_not_fit",),
        },
    ),
    Fault(
        69,
        "a loop of the same call of a tool",
        "its cap stops it, where the spec says",
        {
            f"{HERE}/test_answers.py": ("test_a_loop_of_the_same_call_is_stopped_by_its_cap",),
            "tests/incidents/test_refused.py": ("test_an_incident_is_refused",),
        },
    ),
    Fault(
        70,
        "injected text that asks for an unlisted tool",
        "refused, and on record",
        {
            f"{HERE}/test_answers.py": ("test_injected_text_that_asks_for_an_unlisted_tool_gets_none",),
            f"{RUNTIME}/test_llm_tools.py": (
                "test_everything_else_is_invalid_and_asked_again_with_the_reason",
            ),
            f"{RUNTIME}/test_llm_against_llmock.py": ("test_a_call_of_a_tool",),
        },
    ),
    Fault(
        71,
        "a retry that repeats an effect",
        "the same key, so that it is applied once",
        {
            f"{HERE}/test_wires.py": (
                "test_a_retry_does_not_repeat_an_effect",
                "test_without_a_key_the_same_retries_would_repeat_it",
                "test_an_effect_that_is_cut_off_is_unknown_or_repeated_under_its_key",
            ),
            f"{RUNTIME}/test_effects.py": ("test_attempts_of_a_visit_share_their_key",),
        },
    ),
    Fault(
        72,
        "a failure after the effect",
        "it stays applied once",
        {
            f"{HERE}/test_wires.py": (
                "test_a_failure_after_the_effect_leaves_it_applied_once",
                "test_a_rejected_output_after_the_effect_is_asked_for_under_the_same_key",
            ),
            f"{RUNTIME}/test_effects.py": ("test_reasks_of_a_visit_share_their_key",),
        },
    ),
    Fault(
        73,
        "cancellation at every await",
        "no ledger row is lost, no task left, no cancellation swallowed",
        {
            f"{HERE}/test_cancellation.py": (
                "test_what_asks_or_runs_children_can_be_cancelled_wherever_it_waits",
                "test_what_asks_a_model_can_be_cancelled_wherever_it_waits",
            ),
            f"{RUNTIME}/test_cancellation.py": (
                "test_a_run_of_a_spec_can_be_cancelled_wherever_it_waits",
                "test_a_small_machine_can_be_cancelled_wherever_it_waits",
                "test_a_step_that_swallows_a_cancellation_does_not_keep_the_run_from_it",
                "test_a_cancellation_in_the_instant_of_a_deadline_is_not_swallowed",
            ),
            f"{RUNTIME}/test_deadlines.py": ("test_a_timeout_around_a_run_is_the_callers",),
        },
    ),
    Fault(
        74,
        "a clock set by an hour or a year, forward or back",
        "nothing changes: time is monotonic",
        {
            f"{HERE}/test_clocks.py": (
                "test_a_clock_that_jumps_an_hour_or_a_year_changes_nothing",
                "test_a_wish_as_a_date_is_bounded_by_the_cap_whatever_the_clock_says",
            ),
            f"{RUNTIME}/test_deadlines.py": ("test_the_wall_clock_is_never_asked_how_long",),
        },
    ),
    Fault(
        75,
        "a response of 100 MB, an endless stream",
        "given up early",
        {
            f"{HERE}/test_answers.py": (
                "test_a_response_of_a_hundred_megabytes_is_not_read",
                "test_what_unpacks_to_no_end_is_not_unpacked",
                "test_an_endless_line_of_a_stream_is_not_read",
                "test_an_answer_as_long_as_it_may_be_is_read",
            ),
            f"{RUNTIME}/test_llm_streams.py": ("test_an_endless_stream_is_given_up",),
        },
    ),
    Fault(
        76,
        'results that are sets, {1: …, "1": …}, NaN, huge numbers',
        "written as valid JSON that keeps them apart",
        {
            f"{HERE}/test_odd_values.py": ("test_a_result_that_json_has_no_word_for_is_kept_apart",),
            f"{RUNTIME}/test_trace.py": (
                "test_any_value_becomes_plain_data",
                "test_any_value_becomes_little_data",
                "test_keys_that_would_fall_together_stay_apart",
            ),
        },
    ),
)
