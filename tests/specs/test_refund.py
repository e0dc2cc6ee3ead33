"""The steps of `refund`, its bank, and whole refunds."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
from refund import Order, Request, ledger, look_up, money, notify, open_case, pay, reconcile, refuse, why_not
from refund.shop import SALES

from fsmflow.cli.load import load
from fsmflow.runtime import Error, Inbox, Permanent
from fsmflow.runtime.threads import in_thread
from fsmflow.testing import plan

SPEC = Path(__file__).resolve().parents[2] / "specs" / "refund.fsm.yaml"


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    """Each test has a bank of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def runner():
    return load(SPEC)


def rows(table):
    with contextlib.closing(sqlite3.connect(ledger.ledger_path())) as database:
        return database.execute(f"SELECT * FROM {table}").fetchall()


def paid(order_id="A-1001", *, key="k", reference="r", cents=100):
    account = SALES[order_id].account
    return ledger.pay(key, reference=reference, order_id=order_id, account=account, cents=cents)


class Keyed:
    """A step context with a key."""

    def __init__(self, key="k"):
        self.idempotency_key = key
        self.charged = {}

    def charge(self, **amounts):
        self.charged.update(amounts)


class TestLedger:
    def test_paying_twice_under_one_key_pays_once(self):
        """However often it is told, the bank pays once under a key, and says the same each time."""
        assert [paid() for _ in range(3)] == [ledger.Payment("P-000001", 100, "paid")] * 3
        assert len(rows("payments")) == 1

    def test_two_at_a_time_pay_once(self):
        """Also if they are told at the same time."""

        async def both():
            return await asyncio.gather(*(in_thread(paid, {}, "pay") for _ in range(8)))

        assert set(asyncio.run(both())) == {ledger.Payment("P-000001", 100, "paid")}

    def test_another_key_is_another_payment(self):
        """Two requests are two payments, each found by its own reference."""
        assert paid(key="k", reference="r").number != paid(key="l", reference="s").number
        assert [ledger.find(each).status for each in ("r", "s", "t")] == ["paid", "paid", "absent"]

    def test_another_amount_under_a_key_is_refused(self):
        """A key stands for one payment of one amount."""
        paid()

        with pytest.raises(ledger.Refused, match="100 cents were paid under this key before"):
            paid(cents=200)

    def test_a_line_that_breaks_leaves_it_open(self):
        """Some payments have happened when the line breaks, some are on their way, and some have not."""
        for order_id, status in [("A-1006", "paid"), ("A-1007", "pending"), ("A-1008", "absent")]:
            with pytest.raises(ConnectionError):
                paid(order_id, key=order_id, reference=order_id)

            assert ledger.find(order_id).status == status

    def test_a_slow_bank_books_in_the_end(self, monkeypatch):
        """What is pending is paid after a while."""
        with pytest.raises(ConnectionError):
            paid("A-1007")
        later = ledger.time.time() + ledger.SLOW_S + 1
        monkeypatch.setattr(ledger.time, "time", lambda: later)

        assert ledger.find("r").status == "paid"

    def test_messages_and_cases_are_kept_once(self):
        """Under one key there is one message, and one case."""
        for _ in range(2):
            ledger.send("k", "a@example.org", "hello")

            assert ledger.open_case("k", "look") == "C-000001"
        assert len(rows("messages")) == len(rows("cases")) == 1


ORDER = Order("A-1001", "Ada Byron", "ada@example.org", "delivered", 4_200, "good")


class TestSteps:
    def test_what_was_paid_back_is_not_left(self):
        """Other payments for an order lessen what is left of it; the request's own does not."""
        paid(reference="r", cents=1_200)

        assert look_up("A-1001", "r") == ORDER
        assert look_up("A-1001", "other").left_cents == 3_000

    def test_an_unknown_order_is_a_failure(self):
        """There is nothing to look for again."""
        with pytest.raises(Permanent, match="no order B-1"):
            look_up("B-1", "r")

    def test_the_banks_refusal_is_final(self):
        """What the bank refuses it will refuse again."""
        closed = look_up("A-1005", "r")

        with pytest.raises(Permanent, match="closed"):
            pay("r", closed, 100, Keyed())

    def test_reconciling_gives_the_label_and_the_payment(self):
        """The bank's word is the label."""
        assert reconcile("r").label == "absent"
        made = pay("r", ORDER, 100, Keyed())

        assert reconcile("r") == ("paid", made)

    def test_the_customer_reads_the_amount(self):
        """A message names the customer, the amount and the order."""
        said = notify(ORDER, paid(cents=1_250), Keyed())

        assert said == "Dear Ada Byron, we have paid you 12.50 euros for order A-1001."
        assert rows("messages") == [("k", "ada@example.org", said)]

    def test_nobody_is_written_to_without_an_address(self):
        """That costs nothing, and fails."""
        context = Keyed()

        with pytest.raises(Permanent, match="no e-mail address"):
            notify(look_up("A-1004", "r"), paid(), context)
        assert context.charged == {"tool_calls": 0, "usd": 0}

    @pytest.mark.parametrize(
        ("order_id", "cents", "why"),
        [
            ("A-1003", 100, "it is open, and was not delivered"),
            ("A-1001", 0, "there is nothing to pay"),
            ("A-1001", -5, "there is nothing to pay"),
            ("A-1001", 4_201, "42.00 euros are left of it"),
            ("A-1001", 100, "it was looked at and refused"),
        ],
    )
    def test_the_rule_is_named(self, order_id, cents, why):
        """A customer is told the rule that stands against it."""
        assert why_not(Request("r", order_id, cents), look_up(order_id, "r")) == why

    def test_a_persons_word_goes_before_the_rules(self):
        """What a person wrote is what the customer reads."""
        assert refuse(Request("r", "A-1001", 100), ORDER, "we sent a new one", Keyed()).endswith(
            "we can't refund 1.00 euros for order A-1001: we sent a new one."
        )

    def test_a_case_holds_all_that_is_known(self):
        """The person who takes over reads the request, the order, the bank's word, and why."""
        request = Request("r", "A-1001", 100)
        open_case(
            request, ORDER, ledger.Payment("P-1", 100, "pending"), Error("pay", "unknown", "gone"), Keyed()
        )
        open_case(request, None, None, None, Keyed("bare"))

        assert [text.count("\n") for _, text in rows("cases")] == [3, 0]
        whole = rows("cases")[0][1]
        assert "Ada Byron" in whole
        assert "pending P-1." in whole
        assert "pay: unknown, gone." in whole

    def test_amounts_are_written_in_full(self):
        """Cents are two digits, and a debt has its sign."""
        assert [money(each) for each in (0, 5, 120, -250)] == [
            "0.00 euros",
            "0.05 euros",
            "1.20 euros",
            "-2.50 euros",
        ]


def refunded(runner, order_id, cents, *, answers=(), planned=None):
    """Carry a refund out; give its end, its path and its result."""

    async def main():
        desk = Inbox()
        options = {"desk": desk} if planned is None else plan(runner, planned)
        running = asyncio.create_task(
            runner.run(
                {"request_id": "r", "order_id": order_id, "cents": cents, "reason": "broken"}, **options
            )
        )
        for label in answers:
            asked = await desk.next()
            desk.answer(asked.token, label, "I looked at it")
        return await running

    return asyncio.run(main())


class TestRefunds:
    @pytest.mark.parametrize(
        ("order_id", "cents", "answers", "end", "kind"),
        [
            ("A-1001", 4_200, (), "refunded", "success"),
            ("A-1002", 5_000, (), "refunded", "success"),
            ("A-1002", 5_001, ("approve",), "refunded", "success"),
            ("A-1002", 5_001, ("refuse",), "refused", "success"),
            ("A-1001", 4_201, (), "refused", "success"),
            ("A-1003", 100, (), "refused", "success"),
            ("A-1004", 100, (), "untold", "degraded"),
            ("A-1004", 9_900, (), "handed_over", "handoff"),
            ("A-1005", 100, (), "handed_over", "handoff"),
            ("B-1", 100, (), "no_order", "failed"),
        ],
    )
    def test_each_way_comes_to_its_end(self, runner, order_id, cents, answers, end, kind):
        """Small ones are paid at once, large ones with a person's word, and what goes wrong has an end."""
        result = refunded(runner, order_id, cents, answers=answers)

        assert (result.end, result.kind) == (end, kind)
        assert result.output.request_id == "r"
        assert len(rows("payments") if end != "no_order" else []) == (end in ("refunded", "untold"))

    def test_a_second_run_of_a_request_pays_nothing_more(self, runner):
        """The same request comes to the same payment, and the customer hears of it once."""
        results = [refunded(runner, "A-1001", 4_200) for _ in range(2)]

        assert [result.output.payment for result in results] == ["P-000001"] * 2
        assert len(rows("payments")) == len(rows("messages")) == 1

    @pytest.mark.parametrize(
        ("order_id", "end", "path"),
        [
            ("A-1006", "refunded", ["look_up", "pay", "settle", "reconcile", "notify"]),
            ("A-1008", "handed_over", ["look_up", "pay", "settle", "reconcile", "open_case"]),
        ],
    )
    def test_a_broken_line_is_reconciled(self, runner, order_id, end, path):
        """Whether it was paid is asked, never guessed; nothing is paid again."""
        names = [name for name in runner.stages if name != "approve"]
        result = refunded(runner, order_id, 2_500, planned=dict.fromkeys(names, "real"))

        assert (result.end, list(result.path)) == (end, path)
        assert len(rows("payments")) == (end == "refunded")

    def test_nobody_answers(self, runner):
        """After a week without a word the request is handed over, and nothing is paid."""
        result = refunded(runner, "A-1002", 90_000, planned={"approve": "timeout"})

        assert (result.end, result.kind) == ("expired", "handoff")
        assert "nobody answered within 7 d" in result.error.message

    def test_a_case_that_can_not_be_opened(self, runner):
        """The last resort has a way out too."""
        result = refunded(runner, "A-1001", 100, planned={"look_up": "transient", "open_case": "failure"})

        assert (result.end, result.kind) == ("lost", "failed")

    def test_no_trace_has_the_address_of_the_customer(self, runner):
        """Where the customer is written to is looked up, handed on and used, and told to nobody."""
        events = []

        result = runner.run_sync(
            {"request_id": "r", "order_id": "A-1001", "cents": 4_200, "reason": "broken"},
            trace=events.append,
            desk=Inbox(),
        )

        address = SALES["A-1001"].email
        assert result.end == "refunded"
        assert address in str(rows("messages"))
        assert address not in str(events)
        assert "Ada Byron" in str(events)
