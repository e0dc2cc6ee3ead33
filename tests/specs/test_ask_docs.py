"""The steps of `ask_docs`."""

from pathlib import Path

import pytest
from ask_docs import (
    Answer,
    Passage,
    best_passage,
    check,
    cites_only_what_it_was_given,
    draft_offline,
    quote,
    retrieve,
)

from fsmflow.runtime import Error, Permanent, load_runner
from tests.runtime.model_server import says, serving

RUNNER = Path(__file__).resolve().parents[2] / "generated" / "ask_docs_fsm.py"

QUESTION = "Return the greatest common divisor of the integers"
GCD = Passage("math.gcd", "math.gcd(*integers)", "Greatest Common Divisor.")
LCM = Passage("math.lcm", "math.lcm(*integers)", "Least Common Multiple.")


def quoting(passage, **changes):
    return Answer(
        **{
            "text": passage.summary,
            "citations": [passage.name],
            "signature": passage.signature,
            "quote": passage.summary,
            **changes,
        }
    )


@pytest.mark.usefixtures("cache")
class TestRetrieve:
    def test_it_finds(self):
        """The passage that answers is among the four."""
        assert GCD in retrieve(QUESTION, None, None, 4)

    @pytest.mark.parametrize(
        ("question", "name"),
        [
            ("How do I split a string by a separator?", "str.split"),
            ("pick a random element from a sequence", "random.choice"),
            ("join two or more pathname components", "os.path.join"),
            ("sort a list in place in ascending order", "list.sort"),
            ("copy a file and its metadata", "shutil.copy2"),
            ("fractions of a second since the epoch", "time.time"),
        ],
    )
    def test_it_finds_under_the_name_that_people_use(self, question, name):
        """Objects are known by their shortest public name, builtins by their bare one."""
        assert name in [passage.name for passage in retrieve(question, None, None, 4)]

    def test_words_of_identifiers_are_found(self):
        """`snake_case` and `CamelCase` names are found by the words in them."""
        assert "unittest.TestCase.assertAlmostEqual" in [
            p.name for p in retrieve("assert almost equal", None, None, 8)
        ]

    def test_what_was_rejected_is_left_out_for_good(self):
        """Neither the latest rejected draft nor an earlier one comes back."""
        first = retrieve(QUESTION, None, None, 4)
        second = retrieve(QUESTION, quoting(first[0]), first, 4)
        third = retrieve(QUESTION, quoting(second[1]), second, 4)

        assert len(first) == len(second) == len(third) == 4
        assert first[0] not in second + third
        assert second[1] not in third
        assert second[:3] == first[1:]

    def test_nonsense_finds_nothing(self):
        """A question that shares no word with any docstring is a failure, not an empty list."""
        with pytest.raises(Permanent, match="shares a word"):
            retrieve("xyzzyq plughq", None, None, 4)

    @pytest.mark.parametrize(
        "question", ['"', "NEAR(a b)", "a* OR b", "'; DROP TABLE entries", "{x}: ^y", "é"]
    )
    def test_a_question_is_never_query_syntax(self, question):
        """Whatever is asked is looked for as words."""
        try:
            assert isinstance(retrieve(question, None, None, 4), list)
        except Permanent as error:
            assert "shares a word" in str(error)  # noqa: PT017 - either is right, a syntax error is not


class TestDraft:
    def test_the_answer_shows_call_words_and_source(self, context):
        """An extractive draft holds the signature, the summary and the citation."""
        ctx = context()
        answer = draft_offline(QUESTION, [LCM, GCD], ctx)

        assert answer.citations == ["math.gcd"]
        assert answer.signature == "math.gcd(*integers)"
        assert all(
            part in answer.text for part in ("math.gcd(*integers)", "Greatest Common Divisor.", "[math.gcd]")
        )
        assert ctx.charged == {"tokens": 0}

    def test_of_equals_the_first_is_chosen(self):
        """Where nothing tells passages apart, the ranking of search stands."""
        assert best_passage("zzz", [GCD, LCM]) == GCD


class TestAccept:
    def test_a_faithful_answer_stands(self):
        """A draft that quotes what it cites draws no complaint."""
        assert cites_only_what_it_was_given(quoting(GCD), [GCD, LCM]) == []

    def test_quoting_the_signature_is_faithful_too(self):
        """Line breaks do not matter, and the signature may be quoted."""
        assert cites_only_what_it_was_given(quoting(GCD, quote="math.gcd(*integers)\n Greatest"), [GCD]) == []

    @pytest.mark.parametrize(
        ("changes", "complaint"),
        [
            ({"citations": []}, "nothing is cited"),
            ({"citations": ["math.hcf"]}, "math.hcf is cited but was not among the passages"),
            ({"citations": ["math.gcd", "math.hcf"]}, "math.hcf is cited but was not among the passages"),
            ({"quote": "Greatest Common Factor."}, "quoted words do not stand"),
            ({"quote": ""}, "quoted words do not stand"),
            ({"text": " "}, "the answer is empty"),
        ],
    )
    def test_each_flaw_has_its_complaint(self, changes, complaint):
        """A flaw is named once, precisely, and nothing else is."""
        complaints = cites_only_what_it_was_given(quoting(GCD, **changes), [GCD])

        assert len(complaints) == 1
        assert complaint in complaints[0]


@pytest.mark.usefixtures("cache")
class TestCheck:
    def test_a_right_draft_is_grounded(self):
        """The citation exists, says what is quoted, and fits best."""
        assert check(QUESTION, quoting(GCD), [GCD, LCM]) == "grounded"

    def test_a_wrong_citation_is_ungrounded(self):
        """Real and faithfully quoted is not enough: another passage fits the question better."""
        assert check(QUESTION, quoting(LCM), [GCD, LCM]) == "ungrounded"

    def test_a_draft_about_something_else_is_ungrounded(self):
        """With no better passage at hand, a poor fit is still a poor fit."""
        assert check("copy a directory tree", quoting(LCM), [LCM]) == "ungrounded"

    @pytest.mark.parametrize(
        "name", ["math.hcf", "nonsense", "math._secret", "antigravity.geohash", "", "a b", "-c"]
    )
    def test_an_invented_name_is_ungrounded(self, name):
        """What is cited must be there to be imported, in public."""
        invented = Passage(name, f"{name}()", GCD.summary)

        assert check(QUESTION, quoting(invented), [invented]) == "ungrounded"

    def test_an_altered_quote_is_ungrounded(self):
        """The quoted words must stand in the real docstring, whatever the passage said."""
        forged = Passage("math.gcd", "math.gcd(*integers)", "Greatest common divisor, or zero.")

        assert check(QUESTION, quoting(forged), [forged]) == "ungrounded"

    def test_a_draft_without_a_citation_is_ungrounded(self):
        """There is nothing to hold against the documentation."""
        assert check(QUESTION, quoting(GCD, citations=[]), [GCD]) == "ungrounded"


class TestQuote:
    @pytest.mark.usefixtures("cache")
    def test_it_quotes_with_a_caveat_and_the_reason(self):
        """The reader is told that nobody checked, and why."""
        answer = quote(QUESTION, Error("draft", "failure", "the model refused"))

        assert answer.citations == ["math.gcd"]
        assert answer.text.startswith("This may not be what you asked for")
        assert "the model refused" in answer.text

    def test_it_never_builds_the_index(self, tmp_path, monkeypatch):
        """The reserve's short time is no time to index in."""
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

        with pytest.raises(Permanent, match="not been indexed"):
            quote(QUESTION, None)
        assert list(tmp_path.rglob("*.sqlite")) == []


@pytest.mark.usefixtures("cache")
def test_the_loop_rescues_wrong_first_drafts(context):
    """A draft that the check refuses is replaced by a better one from the next round."""
    asked = {
        "return the max recursion depth for the interpreter": "sys.getrecursionlimit",
        "factory function for creating tuple subclasses with named fields": "collections.namedtuple",
        'Like "find()", but raise "ValueError" when the substring is not found.': "str.index",
    }
    rounds = []
    for question, name in asked.items():
        rejected, seen, labels = None, None, []
        while len(labels) < 3 and "grounded" not in labels:
            seen = retrieve(question, rejected, seen, 4)
            rejected = draft_offline(question, seen, context())
            labels.append(check(question, rejected, seen))
        rounds.append(labels)

        assert rejected.citations == [name]
        assert labels[-1] == "grounded"
    assert any(len(labels) > 1 for labels in rounds)


def saying(passage, **changes):
    """Answer as a model does: in JSON, of the shape that it was told."""
    return says(
        {"text": f"Use {passage.name}.", "citations": [passage.name], "quote": passage.summary, **changes}
    )


@pytest.mark.usefixtures("cache")
def test_a_models_drafts_are_held_to_the_passages_and_to_python(monkeypatch):
    """An altered quote is asked for again, a draft about something else sent back, a grounded one answers."""
    script = (saying(GCD, quote="Greatest of all."), saying(LCM), saying(GCD))
    with serving(*script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = load_runner(RUNNER).run_sync({"text": QUESTION})

    assert [span.label or span.outcome for span in result.trace if span.state in ("draft", "check")] == [
        "invalid",
        "success",
        "ungrounded",
        "success",
        "grounded",
    ]
    assert (result.kind, result.output.citations) == ("success", ["math.gcd"])
    assert "copy them unchanged" in server.asked[1]["messages"][-1]["content"]
    assert "math.lcm" not in server.asked[2]["messages"][-1]["content"]
    assert result.spent.tokens == 3 * 123
