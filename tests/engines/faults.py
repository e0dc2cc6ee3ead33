"""Which fault of durable runs, and of the world that they are kept in, is shown by which tests."""

from __future__ import annotations

from tests.faults.index import Fault

HERE, DISK = "tests/engines", "tests/engines/disk"

FAULTS = (
    Fault(
        77,
        "two processes take up one run",
        "one has it, the other is told who; whoever comes back late writes nothing",
        {
            f"{HERE}/test_durable.py": (
                "test_two_resumers_one_wins",
                "test_a_paused_process_that_comes_back_writes_nothing",
            ),
            f"{HERE}/test_serving_load.py": ("test_a_worker_that_is_killed_under_load",),
        },
    ),
    Fault(
        78,
        "a run is taken up after its spec, or its code, has changed",
        "it keeps to its own machine; code is a warning; what no longer fits is refused, and nothing altered",
        {
            f"{HERE}/test_durable.py": (
                "test_a_run_keeps_to_its_machine_when_the_spec_changes",
                "test_changed_code_is_told_and_what_does_not_fit_is_refused",
                "test_a_run_that_waits_before_its_child_keeps_the_childs_machine",
            ),
        },
    ),
    Fault(
        79,
        "a journal is cut at any byte, or has any bit flipped",
        "no wrong value: a named error, or an earlier point to go on from",
        {
            f"{HERE}/test_durable.py": ("test_every_flipped_byte_of_a_journal_is_noticed",),
            f"{DISK}/test_cuts_and_flips.py": ("test_every_cut", "test_every_flip"),
        },
    ),
    Fault(
        80,
        "pickles, classes, unknown kinds in what is kept",
        "data only: what is of no known kind is refused, what names code is plain data",
        {
            f"{HERE}/test_hostile.py": (
                "test_a_row_of_no_known_kind_is_refused",
                "test_tags_that_name_code_stay_data",
                "test_a_row_with_a_good_checksum_and_no_known_kind_is_refused",
            ),
            f"{HERE}/test_durable.py": (
                "test_what_is_no_data_is_a_failure",
                "test_a_machine_that_was_tampered_with_is_refused",
            ),
        },
    ),
    Fault(
        81,
        "the disk of the journal is full, or its database locked",
        "the run stops before its next effect, and goes on when it can",
        {
            f"{HERE}/test_hostile.py": ("test_a_full_disk_stops_a_run_before_its_next_effect",),
            f"{HERE}/test_durable.py": ("test_a_worker_outlives_a_database_that_is_locked_for_a_while",),
        },
    ),
    Fault(
        82,
        "addresses that lead into the network of whoever runs it",
        "there is no tool of our own that fetches: an address stays text",
        {
            f"{HERE}/test_hostile.py": ("test_no_address_that_a_workflow_names_is_fetched",),
            "tests/cli/test_draw.py": ("test_a_link_leads_to_a_page_alone",),
        },
    ),
)
