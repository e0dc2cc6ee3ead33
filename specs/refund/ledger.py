"""What lies outside of the workflow: a bank, an outbox and a book of cases, in one file on this machine.

Each takes a key, and does what it is told once under it, however often it is told. The file is
`$XDG_STATE_HOME/fsmflow/refund.sqlite`, or that below `~/.local/state`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attrs import frozen

SLOW_S = 3.0
"""How long a slow bank takes to book what it was told."""

_TABLES = """
CREATE TABLE IF NOT EXISTS payments (
    key TEXT PRIMARY KEY, reference TEXT, order_id TEXT, cents INTEGER, booked REAL
);
CREATE TABLE IF NOT EXISTS messages (key TEXT PRIMARY KEY, email TEXT, text TEXT);
CREATE TABLE IF NOT EXISTS cases (key TEXT PRIMARY KEY, text TEXT);
"""


class Refused(Exception):
    """The bank does not take the order to pay."""


@frozen
class Payment:
    """What the bank knows of a payment; one that is `absent` it has never heard of."""

    number: str
    cents: int
    status: Literal["paid", "pending", "absent"]


def ledger_path() -> Path:
    """Say where the file lies, whether or not it exists yet."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "fsmflow" / "refund.sqlite"


@contextlib.contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    """Open the file, and make it if there is none; what is done with it happens whole or not at all."""
    path = ledger_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executescript(_TABLES)
        yield database


def pay(key: str, *, reference: str, order_id: str, account: str, cents: int) -> Payment:
    """Pay `cents` to an account, once under `key`.

    Args:
        key: What tells this payment from all others.
        reference: What stands on it, by which it can be asked for later.
        order_id: The order that it belongs to.
        account: Where it goes. Some accounts have a bank with a fault, for which see `refund.shop`.
        cents: How much.

    Raises:
        Refused: The account is closed, or another amount was paid under this key.
        ConnectionError: The line broke: it may have been paid all the same.
    """
    if account == "closed":
        raise Refused("the account is closed")
    if account == "no line":
        raise ConnectionResetError("the line to the bank broke before it was told")
    with _opened() as database:
        booked = time.time() + (SLOW_S if account == "slow" else 0.0)
        database.execute(
            "INSERT OR IGNORE INTO payments VALUES (?, ?, ?, ?, ?)", (key, reference, order_id, cents, booked)
        )
    if account in ("slow", "bad line"):
        raise ConnectionResetError("the line to the bank broke before it answered")
    found = find(reference)
    if found.cents != cents:
        raise Refused(f"{found.cents} cents were paid under this key before")
    return found


def find(reference: str) -> Payment:
    """Ask the bank what it knows of the payment with a reference."""
    with _opened() as database:
        row = database.execute(
            "SELECT rowid, cents, booked FROM payments WHERE reference = ?", (reference,)
        ).fetchone()
    if row is None:
        return Payment("", 0, "absent")
    number, cents, booked = row
    return Payment(f"P-{number:06}", cents, "pending" if booked > time.time() else "paid")


def paid_back(order_id: str, *, but: str) -> int:
    """Give how many cents were paid back for an order, but for the payment with the reference `but`."""
    with _opened() as database:
        (cents,) = database.execute(
            "SELECT coalesce(sum(cents), 0) FROM payments WHERE order_id = ? AND reference != ?",
            (order_id, but),
        ).fetchone()
    return int(cents)


def send(key: str, email: str, text: str) -> None:
    """Send a message, once under `key`."""
    with _opened() as database:
        database.execute("INSERT OR IGNORE INTO messages VALUES (?, ?, ?)", (key, email, text))


def open_case(key: str, text: str) -> str:
    """Open a case, once under `key`, and give its number."""
    with _opened() as database:
        database.execute("INSERT OR IGNORE INTO cases VALUES (?, ?)", (key, text))
        (number,) = database.execute("SELECT rowid FROM cases WHERE key = ?", (key,)).fetchone()
    return f"C-{number:06}"
