"""What draws, and in which order it is looked for."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from fsmflow.backends import engines

SQUARE = 'digraph { a [shape=box label="≤"] }'


def program(folder: Path, name: str, body: str) -> Path:
    """Write a program that stands for an engine."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A place with no engine at all; programs in the folder given are on the path."""

    def missing(name: str) -> list[metadata.PackagePath]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.delenv("FSMFLOW_DOT", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(metadata, "files", missing)
    return tmp_path


def test_wheel_is_found_off_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel's program is found through its metadata, and draws both formats."""
    monkeypatch.delenv("FSMFLOW_DOT", raising=False)
    monkeypatch.setenv("PATH", "")
    engine = engines.find()
    assert engine is not None
    assert engine.name == "graphviz-pure"
    assert b"<svg" in engines.render(SQUARE)
    assert engines.render(SQUARE, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "pair",
    ["ab", "éő", "жЩ", "αΩ", "ếữ", "שא", "≤→", "●▲", "漢字", "あい", "한글", "مب", "कख", "กข", "ԱԲ", "🙂🚀"],
)
def test_letters_that_the_wheel_shows_as_boxes_are_known(monkeypatch: pytest.MonkeyPatch, pair: str) -> None:
    """Two letters of a script look the same in a PNG of the wheel's if, and only if, they are told to."""
    monkeypatch.delenv("FSMFLOW_DOT", raising=False)
    texts = [f'digraph {{ a [width=1 fixedsize=true label="{letter}"] }}' for letter in pair]
    first, second = (engines.render(text, "png") for text in texts)

    assert [engines.boxed(text) for text in texts] == (list(pair) if first == second else ["", ""])


def test_other_engines_have_the_fonts_of_their_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is said of letters where it is not the wheel that draws."""
    monkeypatch.setenv("FSMFLOW_DOT", str(program(tmp_path, "mine", "")))

    assert engines.boxed(SQUARE.replace("≤", "漢")) == ""


def test_named_program_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`FSMFLOW_DOT` wins over everything that is installed."""
    named = program(tmp_path, "mine", "print('<svg/>')")
    monkeypatch.setenv("FSMFLOW_DOT", str(named))
    assert engines.render(SQUARE) == b"<svg/>\n"


def test_named_program_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A `FSMFLOW_DOT` that names nothing is an error, not passed over."""
    monkeypatch.setenv("FSMFLOW_DOT", str(tmp_path / "none"))
    with pytest.raises(engines.NoEngine, match="FSMFLOW_DOT"):
        engines.find()


def test_dot_on_the_path_follows_the_wheel(bare: Path) -> None:
    """Without the wheel, `dot` on the path is taken."""
    program(bare, "dot", "print('<svg/>')")
    engine = engines.find()
    assert engine is not None
    assert engine.name == "dot"


def test_node_comes_last_and_draws_no_png(bare: Path) -> None:
    """Node is taken where it can load viz-js; it makes no PNG, and the error says so."""
    program(bare, "node", "print('<svg/>')")
    assert engines.render(SQUARE) == b"<svg/>\n"
    with pytest.raises(engines.NoEngine, match="viz-js draws svg alone"):
        engines.render(SQUARE, "png")


def test_node_without_viz_js_is_no_engine(bare: Path) -> None:
    """A Node that cannot load viz-js does not count."""
    program(bare, "node", "raise SystemExit(1)")
    assert engines.find() is None


def test_nothing_installed_names_the_cure(bare: Path) -> None:
    """With no engine at all, the error names the command that installs one."""
    with pytest.raises(engines.NoEngine, match="-m pip install graphviz-pure"):
        engines.render(SQUARE)


def test_pdf_needs_a_dot(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PDF is drawn by `dot` even where the wheel comes first; without it the error names the command."""
    wheel = engines.Engine("graphviz-pure", ("none",), ("svg", "png"))
    monkeypatch.setattr(engines, "_wheel", lambda: wheel)
    with pytest.raises(engines.NoEngine, match=r"graphviz-pure draws svg and png alone: .*`apt-get install"):
        engines.render(SQUARE, "pdf")
    program(bare, "dot", "import sys\nprint('%PDF', sys.argv[1])")
    assert engines.render(SQUARE, "pdf") == b"%PDF -Tpdf\n"


def test_complaints_are_errors(bare: Path) -> None:
    """Whatever an engine says on its standard error is an error, but for widths that it has to guess."""
    guess = "Warning: no value for width of non-ASCII character 226. Falling back to width of space character"
    body = "import sys\nprint('<svg/>')\nprint(sys.argv[0] and {!r}, file=sys.stderr)"
    program(bare, "dot", body.format(guess))
    assert engines.render(SQUARE) == b"<svg/>\n"
    program(bare, "dot", body.format("Warning: some label was cut"))
    with pytest.raises(engines.DrawingFailed, match="some label was cut"):
        engines.render(SQUARE)


def test_edges_that_find_no_way_are_given_room(bare: Path) -> None:
    """Where an engine fails to lead the edges of a drawing, it is drawn again with states further apart."""
    lost = "lib/pathplan/shortest.c:333: triangulation failed"
    said = f"if sys.argv[1:] != WANTED: print({lost!r}, file=sys.stderr)"
    body = f"import sys\nWANTED = {['-Tsvg', '-Gnodesep=0.5']!r}\nprint('<svg/>')\n{said}"
    program(bare, "dot", body)
    assert engines.render(SQUARE) == b"<svg/>\n"
    program(bare, "dot", body.replace("-Tsvg", "never"))
    with pytest.raises(engines.DrawingFailed, match="triangulation failed"):
        engines.render(SQUARE)


def test_exit_code_is_an_error(bare: Path) -> None:
    """An engine that fails without a word is an error."""
    program(bare, "dot", "raise SystemExit(3)")
    with pytest.raises(engines.DrawingFailed, match="exit code 3"):
        engines.render(SQUARE)


def test_syntax_errors_are_told() -> None:
    """DOT that the engine refuses is an error with the engine's words."""
    with pytest.raises(engines.DrawingFailed, match="syntax error"):
        engines.render("digraph { a -> ")


def test_slow_engines_are_stopped(bare: Path) -> None:
    """An engine that takes too long is stopped, and the error says after how long."""
    program(bare, "dot", "import time\ntime.sleep(60)")
    with pytest.raises(engines.DrawingFailed, match=r"did not finish within 0\.2 s"):
        engines.render(SQUARE, timeout=0.2)
