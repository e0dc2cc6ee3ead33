"""The steps of `research`, of the workflows that it runs, and whole reports."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from find_sources import NoIndex, Source, in_turn, search, topics
from read_source import LONGEST, Note, fetch, is_prose, note_offline, prose, quote, quotes_the_text
from research import (
    Criticism,
    Report,
    asks_a_few_things,
    criticise_offline,
    list_points,
    noted,
    pick,
    plan_offline,
    rests_on_notes,
    split,
    write_offline,
    write_plainly_offline,
)

from fsmflow.cli import app
from fsmflow.cli.load import load
from fsmflow.runtime import Error, JsonLines, Outcome, Permanent, Transient

SPEC = Path(__file__).resolve().parents[2] / "specs" / "research.fsm.yaml"
GCD = Note("math.gcd", "Greatest Common Divisor.", "Greatest Common Divisor.")
LCM = Note("math.lcm", "Least Common Multiple.", "Least Common Multiple.")


@pytest.fixture(scope="module")
def runner():
    return load(SPEC)


@pytest.mark.usefixtures("cache")
class TestFindSources:
    def test_the_library_is_searched(self):
        """The objects whose docstrings fit best are found, with the question that found them."""
        found = search(["greatest common divisor"], "library", 3)

        assert Source("math.gcd", "library", "greatest common divisor") in found
        assert len(found) == 3

    def test_the_language_is_searched(self):
        """So are the topics of the language reference."""
        assert search(["the with statement"], "language", 2)[0].name == "with"

    def test_each_source_is_given_once(self):
        """Two questions that find the same find it once."""
        names = [source.name for source in search(["with statement", "the with statement"], "language", 9)]

        assert len(names) == len(set(names))

    def test_what_is_not_there_is_not_found(self):
        """Nonsense has no source, in neither place."""
        assert search(["xyzzyq plughq"], "library", 5) == search(["xyzzyq plughq"], "language", 5) == []

    def test_a_word_that_no_topic_knows_counts_against_all(self):
        """A topic must open with most of what is asked."""
        assert search(["sorting lists quickly"], "language", 5) == []

    def test_sources_come_in_turn(self):
        """The best of each comes before the second best of any."""
        a, b, c = (Source(name, "library") for name in "abc")

        assert in_turn([[a, b], [c, a]]) == [a, c, b]

    def test_a_library_that_can_not_be_read_may_be_read_later(self, monkeypatch):
        """To have no index is no failure for good."""

        def no_index():
            raise NoIndex("not now")

        monkeypatch.setattr("find_sources.open_index", no_index)

        with pytest.raises(Transient, match="not now"):
            search(["anything"], "library", 1)


class TestReadSource:
    def test_both_places_are_read(self):
        """A docstring and a topic are each read from where they stand, so far as they are not too long."""
        assert fetch(Source("math.gcd", "library")).startswith("Greatest Common Divisor")
        assert "with" in fetch(Source("with", "language"))
        assert max(len(fetch(Source(name, "language"))) for name in topics()) == LONGEST

    @pytest.mark.parametrize("place", ["library", "language"])
    def test_what_is_not_there_is_a_failure(self, place):
        """There is nothing to read, now or later."""
        with pytest.raises(Permanent, match="nothing under no\\.such"):
            fetch(Source("no.such", place))

    def test_nonsense_is_no_prose(self):
        """A text without words is told apart from one that has some."""
        assert is_prose("0x7f 0x45 0x4c 0x46 {}") != []
        assert is_prose("Sort the list in place.") == []

    def test_a_quote_stands_in_the_text(self):
        """A note that says something quotes it, letter by letter but for line breaks."""
        text = "Greatest\nCommon Divisor.  And more."

        assert quotes_the_text(GCD, text) == []
        assert quotes_the_text(Note("math.gcd", "", ""), text) == []
        assert quotes_the_text(Note("math.gcd", "it divides", " "), text) != []
        assert quotes_the_text(LCM, text) == ["the quoted words do not stand in the text"]

    def test_the_sentence_that_is_most_about_the_topic_is_noted(self, context):
        """Offline, the words that a sentence shares with the topic decide, and it costs nothing."""
        ctx, text = context(), "It is fast. It sorts a list in place. A list may be empty."
        label, note = note_offline("sorting lists", Source("x", "library"), text, ctx)

        assert (label, note.says) == ("found", "It sorts a list in place.")
        assert quotes_the_text(note, text) == []
        assert ctx.charged == {"tokens": 0, "usd": 0}

    def test_what_says_nothing_of_the_topic_is_beside_it(self, context):
        """Such a source has a note that says nothing."""
        found = note_offline("sorting", Source("x", "library"), "It divides two numbers.", context())

        assert found == ("beside", Note("x", "", ""))

    def test_headings_grammar_and_code_are_no_prose(self):
        """Sentences alone are quoted."""
        text = 'The "with" statement\n****\n\nwith_stmt ::= "with" item\n\nfor x in y:\n\nIt wraps a block.'

        assert list(prose(text)) == ["It wraps a block."]

    def test_the_first_sentence_is_quoted_unread(self):
        """Where no model notes anything, the first sentence stands for the source."""
        assert quote(Source("x", "library"), "x -> y\n\nIt is what it is. More.").says == "It is what it is."
        with pytest.raises(Permanent, match="no sentence"):
            quote(Source("x", "library"), "x y")


class TestResearch:
    def test_a_topic_is_parted_where_it_joins_two_things(self, context):
        """The whole is asked first, then its parts, each once."""
        assert split("sorting lists and heaps") == ["sorting lists and heaps", "sorting lists", "heaps"]
        assert plan_offline("heaps", context()) == ["heaps"]

    @pytest.mark.parametrize("topic", ["", "???", "the and of"])
    def test_a_topic_without_a_word_is_no_topic(self, topic):
        """There is nothing that could be looked up."""
        with pytest.raises(Permanent, match="no word"):
            split(topic)

    @pytest.mark.parametrize(
        ("questions", "fits"),
        [
            (["sorting lists"], True),
            (["a heap", "a list", "a tree", "a stack"], True),
            ([], False),
            (["heap", "list", "tree", "stack", "queue"], False),
            (["heap", "the of"], False),
            (["a heap", "A  heap"], False),
        ],
    )
    def test_a_plan_asks_a_few_things(self, questions, fits):
        """One to four questions, each with a word to look up, none of them twice."""
        assert (asks_a_few_things(questions) == []) == fits

    def test_both_places_are_picked_from_in_turn(self):
        """Neither place crowds the other out."""
        library = [Source(name, "library") for name in "abcd"]
        language = [Source(name, "language") for name in "xa"]

        assert [source.name for source in pick(library, language, 4)] == ["a", "x", "b", "c"]

    def test_notes_that_say_nothing_or_the_same_are_left_out(self):
        """Each thing is said once, whatever could not be read."""
        again = Note("other", "Greatest  Common Divisor.", "x")

        assert noted([GCD, None, Note("n", "", ""), again, LCM]) == [GCD, LCM]

    @pytest.mark.parametrize(
        ("report", "complaint"),
        [
            (Report("It divides [math.gcd].", ["math.gcd"]), None),
            (Report("It divides.", []), "no source is named"),
            (Report("It divides [math.hcf].", ["math.hcf"]), "math.hcf is no source that was noted"),
            (Report("It divides.", ["math.gcd"]), "no sentence names it: write [math.gcd]"),
        ],
    )
    def test_a_report_names_sources_that_were_noted(self, report, complaint):
        """Each flaw is told once, and how to mend it."""
        told = rests_on_notes(report, [GCD, None])

        assert len(told) == (complaint is not None)
        assert complaint is None or complaint in told[0]

    def test_what_a_critic_strikes_is_left_out(self, context):
        """The next report does without it, and is sound then."""
        notes = [GCD, Note("x", "A tree has leaves.", "A tree has leaves.")]
        first = write_offline("common divisor", notes, None, context())
        label, criticism = criticise_offline("common divisor", first, context())
        second = write_offline("common divisor", notes, criticism, context())

        assert (label, criticism.drop) == ("revise", ["x"])
        assert second == Report("Greatest Common Divisor [math.gcd].", ["math.gcd"])
        assert rests_on_notes(second, notes) == []
        assert criticise_offline("common divisor", second, context()) == ("sound", Criticism("", []))

    def test_a_long_report_is_cut(self, context):
        """No more than six sentences are left of it."""
        notes = [Note(f"n{i}", f"Sorting sorts {i}.", "x") for i in range(9)]
        label, criticism = criticise_offline(
            "sorting", write_offline("sorting", notes, None, context()), context()
        )

        assert (label, criticism.drop) == ("revise", ["n6", "n7", "n8"])

    def test_lesser_reports_say_what_they_are(self, context):
        """A report that nobody judged, and one that nobody wrote, carry a caveat."""
        plain = write_plainly_offline("x", [GCD], None, context())
        listed = list_points([GCD, None], Error("write", "failure", "it is down"))

        assert "Nobody has judged" in plain.caveat
        assert "it is down" in listed.caveat
        assert plain.citations == listed.citations == ["math.gcd"]
        with pytest.raises(Permanent, match="nothing to report"):
            list_points(None, None)


def researched(runner, topic, events=None, **steps):
    ways = {name.replace("__", "."): step for name, step in steps.items()}
    sink = {} if events is None else {"trace": events.append}
    return asyncio.run(runner.run({"text": topic}, profile="offline", steps=ways, **sink))


def failing(**_):
    raise Permanent("it is down")


@pytest.mark.usefixtures("cache")
class TestReports:
    def test_a_report_offline_is_cited(self, runner):
        """Without any model a topic is planned, read, written and judged; each sentence has its source."""
        result = researched(runner, "sorting lists and heaps")

        assert (result.end, result.kind) == ("done", "success")
        assert {"heapq.heapify", "list.sort"} <= set(result.output.citations)
        assert all(f"[{name}]" in result.output.text for name in result.output.citations)

    def test_a_report_is_revised_until_it_is_sound(self, runner):
        """What is beside the topic is struck, and the rest is judged again."""
        result = researched(runner, "reading and writing JSON files")

        assert [span.label for span in result.trace if span.state == "criticise"] == ["revise", "sound"]

    @pytest.mark.parametrize(
        ("topic", "steps", "end", "kind"),
        [
            ("xyzzyq plughq", {}, "nothing", "handoff"),
            ("???", {}, "nothing", "handoff"),
            ("sorting lists", {"plan": failing}, "done", "success"),
            ("sorting lists", {"criticise": failing}, "unjudged", "degraded"),
            ("sorting lists", {"write": failing}, "plainer", "degraded"),
            ("sorting lists", {"write": failing, "write_plainly": failing}, "listed", "degraded"),
            ("sorting lists", {"read__fetch": failing}, "nothing", "handoff"),
            ("sorting lists", {"find__library__search": failing}, "nothing", "handoff"),
        ],
    )
    def test_each_step_that_is_down_has_its_way(self, runner, topic, steps, end, kind):
        """A report becomes lesser by as much as is lost, and no more."""
        result = researched(runner, topic, **steps)

        assert (result.end, result.kind) == (end, kind)

    def test_a_model_that_is_never_content_does_not_go_on_for_ever(self, runner):
        """A report is revised twice, and then the points are listed."""

        def never(topic, report):
            return Outcome("revise", Criticism("no", []))

        result = researched(runner, "sorting lists", criticise=never)

        assert (result.end, list(result.path).count("write")) == ("listed", 3)

    def test_without_an_endpoint_points_are_listed(self, runner):
        """Where no model can be asked, what was read is still told, each source by its first sentence."""
        result = runner.run_sync({"text": "sorting lists"})

        assert (result.end, result.kind) == ("listed", "degraded")
        assert "no endpoint is set up" in result.output.caveat


BROKEN = "list.sort"


def broken(source):
    """Read sources, but for one, of which nonsense comes back."""
    return "0x7f 0x45 0x4c 0x46" if source.name == BROKEN else fetch(source)


def nonsense(source):
    """Give nonsense for every source."""
    return "0x7f 0x45 0x4c 0x46"


@pytest.mark.usefixtures("cache")
class TestPlantedBadStep:
    """A step of a child goes wrong, and one command points at it."""

    @pytest.fixture
    def told(self, runner, tmp_path):
        """Run with a step swapped in, and give what a `fsmflow trace` command says of it."""

        def tell(step, command):
            path = tmp_path / "t.jsonl"
            with JsonLines(path) as sink:
                asyncio.run(
                    runner.run(
                        {"text": "sorting lists"}, profile="offline", steps={"read.fetch": step}, trace=sink
                    )
                )
            done = CliRunner().invoke(
                app, ["trace", command, str(path), *([str(SPEC)] if command == "why" else [])]
            )
            assert done.exit_code == 0, done.output
            return " ".join(done.output.split())

        return tell

    def test_show_points_at_the_one_source_that_was_lost(self, told):
        """The run is a success all the same, and the tree shows which source is missing, where, and why."""
        said = told(broken, "show")

        assert "4 runs of read_source: 3 success, 1 failed" in said
        assert re.search(r"\[\d\] × lost [^×]* fetch × invalid [^×]* this is no prose: '0x7f", said)

    def test_why_tells_of_the_one_source_that_was_lost(self, told):
        """The explanation of a success still says which source it did without, and why."""
        said = told(broken, "why")

        assert "`read` succeeded, though 1 of 4 runs of `read_source` failed. In `read[" in said
        assert "The output of `fetch` was rejected (this is no prose: '0x7f 0x45 0x4c 0x46')" in said

    def test_show_points_at_what_was_lost_everywhere(self, told):
        """The first line that says why names the child, its step, and what that gave."""
        assert "why read[0] / fetch: invalid: this is no prose: '0x7f 0x45 0x4c 0x46'" in told(
            nonsense, "show"
        )

    def test_why_goes_down_to_it(self, told):
        """The explanation ends in the step of the child, and counts the others that failed like it."""
        said = told(nonsense, "why")

        assert "`read` failed, since 3 of 4 runs of `read_source` failed, and 2 may" in said
        assert "The output of `fetch` was rejected (this is no prose: '0x7f 0x45 0x4c 0x46')" in said
        assert "2 other runs of `read_source` failed in the same way." in said
