"""A small shop: its orders, of which some have a bank behind them that has a fault.

| order | what is odd about it |
| --- | --- |
| A-1001, A-1002 | nothing |
| A-1003 | it was never delivered |
| A-1004 | its customer has no e-mail address |
| A-1005 | its account is closed |
| A-1006 | the bank pays, and the line breaks before it says so |
| A-1007 | the same, and the bank is slow to book |
| A-1008 | the line breaks before the bank hears of it |
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Status = Literal["open", "delivered", "cancelled"]


@frozen
class Sale:
    """An order as it was placed."""

    customer: str
    email: str
    status: Status
    total_cents: int
    account: str = "good"


SALES = {
    "A-1001": Sale("Ada Byron", "ada@example.org", "delivered", 4_200),
    "A-1002": Sale("Grace Hopper", "grace@example.org", "delivered", 129_900),
    "A-1003": Sale("Alan Turing", "alan@example.org", "open", 2_500),
    "A-1004": Sale("Emmy Noether", "", "delivered", 1_800),
    "A-1005": Sale("Kurt Gödel", "kurt@example.org", "delivered", 3_000, "closed"),
    "A-1006": Sale("Edsger Dijkstra", "edsger@example.org", "delivered", 3_500, "bad line"),
    "A-1007": Sale("Barbara Liskov", "barbara@example.org", "delivered", 2_700, "slow"),
    "A-1008": Sale("Donald Knuth", "don@example.org", "delivered", 2_560, "no line"),
}
