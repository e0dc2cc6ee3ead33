"""The steps of `extract_record`."""

from decimal import Decimal
from pathlib import Path

import pytest
from extract_record import (
    Fields,
    Message,
    Record,
    extract_offline,
    is_complete,
    is_normal,
    is_readable,
    is_written,
    keep,
    normalise,
    read,
    validate,
)
from extract_record.reading import read_amount, read_currency, read_date

from fsmflow.cli.load import load
from fsmflow.runtime import Error, Permanent
from tests.runtime.model_server import says, serving

SPEC = Path(__file__).resolve().parents[2] / "specs" / "extract_record.fsm.yaml"

GERMAN = """\
Rechnungsnummer: INV-2024/118
Datum: 27.02.2024
Lieferant: Müller & Söhne GmbH
Währung: EUR
Netto: 1.234,50 EUR
MwSt 19%: 234,56 EUR
Gesamtbetrag: 1.469,06 EUR
"""
TABLE = """\
Supplier;Invoice No;Date;Currency;Net;VAT;Total
ACME Ltd;INV-77;2024-04-03;USD;1,000.00;80.00;1,080.00
"""
LETTER = """\
> Dear all,
>
> please find invoice 4711 of 5 March 2024 over a total of $1,080.00 (net $1,000.00, tax $80.00).
>
> ACME Trading Ltd
--
Sent from my telephone, total 1
"""
THOUSANDS = "Supplier: X AG\nInvoice: 12\nDate: 2024-02-01\nCurrency: CHF\nNet: 1.000\nTax: 190\nTotal: 1.190"
AMERICAN = (
    "Supplier: X AG\nInvoice: 12\nDate: 04/12/2024\nCurrency: CHF\nNet: 1'000.-\nTax: 190.-\nTotal: 1'190.-"
)
BOTH = "Supplier: X AG\nInvoice: 12\nDate: 04/12/2024\nCurrency: CHF\nNet: 1.000\nTax: 190\nTotal: 1.190"
WRONG_SUM = "Supplier: X AG\nInvoice: 12\nDate: 2024-02-01\nCurrency: CHF\nNet: 100\nTax: 19\nTotal: 120"


def run(text, context, received="2024-06-01"):
    """Drive the steps as the machine does; give the end, the record, and the attempts at extraction."""
    lines = read(text)
    attempts, doubts = 0, None
    for _ in range(3):
        complaints = ()
        for _ in range(3):
            attempts += 1
            fields = extract_offline(lines, doubts, context(*complaints))
            found = (*is_complete(fields), *is_readable(fields), *is_written(fields, lines))
            if not found:
                break
            complaints = (*complaints, *found)
        else:
            return (
                "keep",
                keep(None, doubts, Error("extract", "invalid", "", complaints, fields), text),
                attempts,
            )
        label, doubts = validate(fields, received, doubts)
        if label == "ok":
            record = normalise(fields)
            assert is_normal(record) == []
            return "done", record, attempts
    return "keep", keep(fields, doubts, None, text), attempts


@pytest.mark.parametrize(
    ("text", "attempts", "record"),
    [
        (
            GERMAN,
            1,
            ("Müller & Söhne GmbH", "INV-2024/118", "2024-02-27", "EUR", "1234.50", "234.56", "1469.06"),
        ),
        (TABLE, 1, ("ACME Ltd", "INV-77", "2024-04-03", "USD", "1000.00", "80.00", "1080.00")),
        (LETTER, 2, ("ACME Trading Ltd", "4711", "2024-03-05", "USD", "1000.00", "80.00", "1080.00")),
        (THOUSANDS, 2, ("X AG", "12", "2024-02-01", "CHF", "1000.00", "190.00", "1190.00")),
        (AMERICAN, 2, ("X AG", "12", "2024-04-12", "CHF", "1000.00", "190.00", "1190.00")),
        (BOTH, 2, ("X AG", "12", "2024-04-12", "CHF", "1000.00", "190.00", "1190.00")),
    ],
    ids=["labelled", "table", "letter", "decimal mark in doubt", "date in doubt", "both in doubt"],
)
def test_messy_records_come_out_clean(text, attempts, record, context):
    """Labels, tables, prose, foreign marks; what was in doubt takes a second look."""
    assert run(text, context) == ("done", Record(*record), attempts)


def test_a_sum_that_never_adds_up_is_left_out(context):
    """The amounts are unsure, the rest is kept, with the raw text."""
    end, record, _ = run(WRONG_SUM, context)

    assert end == "keep"
    assert (record.net, record.tax, record.total) == (None, None, None)
    assert (record.supplier, record.date, record.raw) == ("X AG", "2024-02-01", WRONG_SUM)


def test_a_record_with_a_gap_keeps_the_rest(context):
    """A field that is nowhere does not cost the others."""
    end, record, attempts = run(TABLE.replace("ACME Ltd", ""), context)

    assert (end, attempts) == ("keep", 3)
    assert (record.supplier, record.number, record.total) == (None, "INV-77", "1080.00")


def test_prose_without_a_record_keeps_nothing(context):
    """There is nothing to keep, so a person gets it."""
    with pytest.raises(Permanent):
        run("hello there", context)


def test_a_complaint_changes_what_the_next_attempt_does(context):
    """The first attempt reads labels; the second looks anywhere for what was complained of, and only that."""
    lines = read(LETTER)
    first = extract_offline(lines, None, context())
    second = extract_offline(lines, None, context("total: is missing"))

    assert first == Fields()
    assert second == Fields(total="$1,080.00")


def test_a_labelled_line_is_not_given_up_for_a_guess(context):
    """A doubt about one thing does not unsettle what labels say about another."""
    lines = read(THOUSANDS + "\nThe total of our other order is 77")

    assert extract_offline(lines, ["amounts: do not add up"], context()).total == "1.190"


def test_reading_drops_quoting_signature_and_empty_lines():
    """Only lines that say something are left."""
    assert read("> a\u00a0b\n\n  \n>> c\n-- \nsignature") == ["a b", "c"]
    assert read(" \n\t") == []


def test_a_model_extracts(monkeypatch):
    """A model copies the fields, and hears what was wrong with the last ones."""
    fields = {
        "supplier": "Müller & Söhne GmbH", "number": "INV-2024/118", "date": "27.02.2024", "currency": "EUR",
        "net": "1.234,50 EUR", "tax": "234,56", "total": "1.469,06", "decimal_mark": ",", "day_first": True,
    }  # fmt: skip
    with serving(says({**fields, "total": "1.469.06"}), says(fields)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = load(SPEC).run_sync({"text": GERMAN, "received": "2024-06-01"})

    assert (result.kind, result.output.total, result.spent.tokens) == ("success", "1469.06", 246)
    assert "does not stand in the text" in server.asked[1]["messages"][-1]["content"]


def test_what_is_made_up_is_complained_of():
    """A field stands in the text letter by letter, or it was not copied from there."""
    lines = ["Supplier: X  AG", "Total: 119.00"]

    assert is_written(Fields(supplier="X AG", total="119.00"), lines) == []
    assert is_written(Fields(supplier="XAG"), lines) == ["supplier: 'XAG' does not stand in the text"]


def test_what_is_made_up_is_not_kept():
    """Of fields that were rejected, those that nobody complained of are kept."""
    made_up = "supplier: 'XAG' does not stand in the text"
    why = Error("extract", "invalid", "", (made_up,), Fields(supplier="XAG", total="119.00"))

    assert keep(None, None, why, "raw") == Record(total="119.00", raw="raw")


def test_complaints_name_their_field():
    """Each missing or unreadable field is named, and nothing else is."""
    fields = Fields(
        supplier="X", number="1", date="31.02.2024", currency="quid", net="1", tax="", total="ten"
    )

    assert is_complete(fields) == ["tax: is missing"]
    assert [c.partition(":")[0] for c in is_readable(fields)] == ["date", "currency", "total"]


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"total": "1190.01"}, "amounts"),
        ({"net": "0", "tax": "0", "total": "0"}, "amounts"),
        ({"date": "1999-12-31"}, "order"),
        ({"date": "2024-06-02"}, "order"),
    ],
)
def test_what_contradicts_itself_is_in_doubt(changes, subject):
    """Sums, signs and dates are held against one another, and earlier doubts are kept."""
    fields = Fields(
        **{
            "supplier": "X",
            "number": "1",
            "date": "2024-06-01",
            "currency": "EUR",
            "net": "1000",
            "tax": "190",
            "total": "1190",
            **changes,
        }
    )
    label, doubts = validate(fields, "2024-06-01", ["earlier: doubt"])

    assert label == "broken"
    assert [doubt.partition(":")[0] for doubt in doubts] == ["earlier", subject]


def test_a_record_that_is_not_written_the_one_way_draws_complaints():
    """The complaint names the field, so that extraction can look again."""
    record = Record("12", "none", "2024-01-01", "EUR", "1.00", "1.00", "9999999999.00")

    assert [c.partition(":")[0] for c in is_normal(record)] == ["number", "supplier", "total"]


@pytest.mark.parametrize(
    ("text", "mark", "amount"),
    [
        ("1.234,50 €", ".", "1234.50"),
        ("$1,234.50", ",", "1234.50"),
        ("1'234.50 CHF", ".", "1234.50"),
        ("1 234,50", ".", "1234.50"),
        ("1\u202f234,5", ".", "1234.5"),
        ("1.234.567", ",", "1234567"),
        ("1.234", ".", "1.234"),
        ("1.234", ",", "1234"),
        ("1,234", ".", "1234"),
        ("1,234", ",", "1.234"),
        ("12,5", ".", "12.5"),
        ("0.123", ",", "0.123"),
        ("-5.00", ".", "-5.00"),
        ("5.00-", ".", "-5.00"),
        ("(5.00)", ".", "-5.00"),
        ("−7", ".", "-7"),
        ("EUR 12.00", ".", "12.00"),
        ("190.-", ".", "190"),
        ("1234,56", ".", "1234.56"),
    ],
)
def test_amounts_are_read(text, mark, amount):
    """As they are written the world over; the given mark decides only what is open."""
    assert read_amount(text, mark) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "ten", "1 and 2", "12 34", "19% 100", "1.2.3,4.5", "EUR"])
def test_what_is_no_one_amount_is_refused(text):
    """Nothing is guessed out of two numbers or none."""
    with pytest.raises(ValueError, match="no amount"):
        read_amount(text, ".")


@pytest.mark.parametrize(
    ("text", "day_first", "date"),
    [
        ("2024-02-27", True, "2024-02-27"),
        ("2024/2/7", True, "2024-02-07"),
        ("27.02.2024", False, "2024-02-27"),
        ("03/04/2024", True, "2024-04-03"),
        ("03/04/2024", False, "2024-03-04"),
        ("27/2/24", False, "2024-02-27"),
        ("2/27/2024", True, "2024-02-27"),
        ("27 Feb 2024", True, "2024-02-27"),
        ("27. Februar 2024", True, "2024-02-27"),
        ("February 27th, 2024", True, "2024-02-27"),
        ("1st May 2024", True, "2024-05-01"),
        ("5-Mar-24", True, "2024-03-05"),
        ("2024-02-27T10:00", True, "2024-02-27"),
        ("1. märz 2024", True, "2024-03-01"),
    ],
)
def test_dates_are_read(text, day_first, date):
    """Numbers, names, ordinals, two languages."""
    assert read_date(text, day_first=day_first).isoformat() == date


@pytest.mark.parametrize("text", ["", "soon", "31.02.2024", "2024-13-40", "27 Foo 2024", "13/13/2024", "12"])
def test_what_is_no_date_is_refused(text):
    """Days that no calendar holds are none."""
    with pytest.raises(ValueError, match="no date"):
        read_date(text, day_first=True)


@pytest.mark.parametrize(
    ("text", "code"), [("€", "EUR"), ("usd", "USD"), (" CHF ", "CHF"), ("US$", "USD"), ("Fr.", "CHF")]
)
def test_currencies_are_read(text, code):
    """Signs, words and codes."""
    assert read_currency(text) == code


def test_a_message_may_lack_its_day():
    """Without a day of receipt no date is too late."""
    assert Message("x").received == ""
    fields = Fields("X", "1", "2999-01-01", "EUR", "1", "1", "2")

    assert validate(fields, "", None).label == "ok"
