"""The reader, the index and the words of `ask_docs`."""

import contextlib
import threading

import pytest
from ask_docs import index as index_module
from ask_docs.index import build, index_path, open_index, parse_docstring, read_documentation, search
from ask_docs.words import content_words, sentences, split_identifiers, stem


@pytest.fixture(scope="session")
def documentation():
    return {item["name"]: item for item in read_documentation()}


def test_the_whole_library_is_read(documentation):
    """Thousands of functions, classes and methods, and nothing private or from tests."""
    assert len(documentation) > 3000
    assert documentation.keys() >= {
        "math.gcd",
        "str.split",
        "os.path.join",
        "asyncio.Queue.put",
        "open",
        "dict",
    }
    assert not [
        name for name in documentation if "._" in name or name.startswith(("test.", "idlelib.", "this"))
    ]


def test_an_object_is_listed_once(documentation):
    """Of the names of one object the shortest public one stands."""
    assert "random.choice" in documentation
    assert "random.Random.choice" not in documentation
    assert "unittest.case.TestCase" not in documentation


def test_objects_are_looked_up_by_name_in_order():
    """What is not there is None, in its place."""
    found = read_documentation("math.gcd", "math.nothing", "str.split", "no.such")

    assert [item and item["name"] for item in found] == ["math.gcd", None, "str.split", None]
    assert found[0]["signature"] == "(*integers)"


@pytest.mark.parametrize(
    "name", ["antigravity.fly", "this.s", "idlelib.run.main", "math.__doc__", "-c", "x;y", "."]
)
def test_what_is_not_documentation_is_not_imported(name):
    """Modules with side effects, private names and things that are no names are not looked up."""
    assert read_documentation(name) == [None]


@pytest.mark.parametrize(
    ("name", "signature", "doc", "call", "summary"),
    [
        ("a.f", "(x)", "Do it.\nWell.\n\nMore.", "a.f(x)", "Do it. Well."),
        (
            "range",
            "",
            "range(stop) -> range object\nrange(a, b) -> range object\n\nGive numbers.",
            "range(stop)",
            "Give numbers.",
        ),
        (
            "dict.pop",
            "",
            "D.pop(k[,d]) -> v, remove the key and return it.\n\nElse d.",
            "dict.pop(k[,d])",
            "v, remove the key and return it.",
        ),
        (
            "time.time",
            "",
            "time() -> floating point number\n\nReturn the time.",
            "time.time()",
            "Return the time.",
        ),
        ("x.y", "", "Nothing to call.", "x.y(...)", "Nothing to call."),
        ("x.y", "", "y(a)", "x.y(a)", ""),
    ],
)
def test_docstrings_are_parted(name, signature, doc, call, summary):
    """Opening calls, whose signature Python can't say, are told from the first paragraph."""
    entry = parse_docstring(name, signature, doc)

    assert (call, summary) == (entry.signature, entry.summary)


def test_better_matches_come_first(index):
    """BM25 with the name and the summary weighed up."""
    assert next(search(index, "greatest common divisor")).name == "math.gcd"


def test_a_rare_word_weighs_more(index):
    """Inverse document frequency."""
    weights = index_module.rarity(index, ["divisor", "file"])

    assert weights["divisor"] > weights["file"] > 0


@pytest.mark.usefixtures("cache")
def test_a_broken_index_is_made_anew(tmp_path, monkeypatch):
    """A file that is no database does not stand in the way."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        index_module, "read_documentation", lambda: [{"name": "a", "signature": "()", "doc": "List."}]
    )
    index_path().parent.mkdir(parents=True)
    index_path().write_bytes(b"no database")

    with contextlib.closing(open_index()) as opened:
        assert [entry.name for entry in search(opened, "list")] == ["a"]


def test_many_may_build_at_once(tmp_path):
    """Builders do not disturb one another, and leave nothing but the index."""
    path = tmp_path / "index.sqlite"
    entries = [parse_docstring(f"m.f{i}", "()", "List things.") for i in range(200)]
    builders = [threading.Thread(target=build, args=(path, entries)) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()

    assert [path] == list(tmp_path.iterdir())


def test_a_failed_build_leaves_nothing(tmp_path):
    """The index is there whole, or not at all."""

    def entries():
        yield parse_docstring("m.f", "()", "List things.")
        raise OSError("interrupted")

    with pytest.raises(OSError, match="interrupted"):
        build(tmp_path / "index.sqlite", entries())

    assert list(tmp_path.iterdir()) == []


def test_identifiers_are_taken_apart():
    """Snake case, camel case, acronyms and dots."""
    assert split_identifiers("xml.etree_parse HTTPResponse2") == [
        "xml",
        "etree",
        "parse",
        "http",
        "response",
        "2",
    ]


def test_small_words_are_not_searched_for():
    """Function words and the jargon of every docstring carry nothing."""
    assert content_words("How do I split the string? Return the split string.") == ["split", "string"]


@pytest.mark.parametrize(
    "forms",
    [
        ("sort", "sorts", "sorted", "sorting"),
        ("copy", "copies", "copied"),
        ("remove", "removed", "removing", "removes"),
        ("split", "splitting"),
        ("encode", "encoding", "encoded"),
        ("class", "classes"),
    ],
)
def test_forms_of_a_word_share_a_stem(forms):
    """Inflection does not hide a word."""
    assert len({stem(form) for form in forms}) == 1


def test_prose_is_cut_into_sentences():
    """Line breaks inside a paragraph are spaces; abbreviations before small letters do not end one."""
    assert ["Do it, e.g. so.", "Then\tstop!".replace("\t", " "), "Next"] == sentences(
        "Do it, e.g.\nso. Then stop!\n\nNext"
    )
