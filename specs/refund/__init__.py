"""The steps of `refund`: pay a refund once, whatever breaks on the way.

The shop, the bank and the outbox are local, so that the workflow runs as it is; `refund.shop` lists the
orders, and `refund.ledger` is what they are paid from.
"""

from __future__ import annotations

from attrs import frozen

from fsmflow.runtime import Error, Outcome, Permanent, StepContext
from refund import ledger
from refund.ledger import Payment
from refund.shop import SALES, Status


@frozen
class Request:
    """What somebody wants back.

    Attributes:
        request_id: What tells this request from all others: it is paid once, however often it comes.
        order_id: The order.
        cents: How much, in cents.
        reason: Why.
    """

    request_id: str
    order_id: str
    cents: int
    reason: str = ""


@frozen
class Order:
    """An order, as far as a refund needs to know it; `left_cents` were not paid back yet."""

    order_id: str
    customer: str
    email: str
    status: Status
    left_cents: int
    account: str


@frozen
class Receipt:
    """What came of a request."""

    request_id: str
    text: str
    cents: int = 0
    payment: str = ""
    case: str = ""


def look_up(order_id: str, request_id: str) -> Order:
    """Find an order, and what is left of it to pay back; a payment under `request_id` does not count.

    Raises:
        Permanent: There is no such order.
    """
    sale = SALES.get(order_id)
    if sale is None:
        raise Permanent(f"there is no order {order_id}")
    left = sale.total_cents - ledger.paid_back(order_id, but=request_id)
    return Order(order_id, sale.customer, sale.email, sale.status, left, sale.account)


def pay(request_id: str, order: Order, cents: int, ctx: StepContext) -> Payment:
    """Pay, once for each request.

    Raises:
        Permanent: The bank refuses.
        ConnectionError: Nobody can tell if it was paid.
    """
    try:
        paid = ledger.pay(
            ctx.idempotency_key,
            reference=request_id,
            order_id=order.order_id,
            account=order.account,
            cents=cents,
        )
    except ledger.Refused as refused:
        raise Permanent(str(refused)) from refused
    ctx.charge(usd="0.25")
    return paid


def reconcile(request_id: str) -> Outcome:
    """Ask the bank whether a request was paid: `paid`, `pending` or `absent`."""
    found = ledger.find(request_id)
    return Outcome(found.status, found)


def notify(order: Order, payment: Payment, ctx: StepContext) -> str:
    """Tell the customer what was paid.

    Raises:
        Permanent: There is no address to write to.
    """
    said = f"Dear {order.customer}, we have paid you {money(payment.cents)} for order {order.order_id}."
    return _sent(order, said, ctx)


def refuse(request: Request, order: Order, note: str | None, ctx: StepContext) -> str:
    """Tell the customer why nothing is paid: by the rules, or in the words of the person who said no.

    Raises:
        Permanent: There is no address to write to.
    """
    said = f"Dear {order.customer}, we can't refund {money(request.cents)} for order {order.order_id}"
    return _sent(order, f"{said}: {note or why_not(request, order)}.", ctx)


def why_not(request: Request, order: Order) -> str:
    """Say which rule stands against a request."""
    if order.status != "delivered":
        return f"it is {order.status}, and was not delivered"
    if request.cents <= 0:
        return "there is nothing to pay"
    if request.cents > order.left_cents:
        return f"{money(order.left_cents)} are left of it"
    return "it was looked at and refused"


def _sent(order: Order, text: str, ctx: StepContext) -> str:
    if not order.email:
        ctx.charge(tool_calls=0, usd=0)
        raise Permanent(f"{order.customer} has no e-mail address")
    ledger.send(ctx.idempotency_key, order.email, text)
    return text


def open_case(
    request: Request, order: Order | None, payment: Payment | None, why: Error | None, ctx: StepContext
) -> str:
    """Write down all that is known of a request, and give the number of its case."""
    lines = [f"Request {request.request_id}: {money(request.cents)} for order {request.order_id}."]
    if order is not None:
        lines.append(f"Customer: {order.customer}, {money(order.left_cents)} left to pay back.")
    if payment is not None:
        lines.append(f"The bank says: {payment.status} {payment.number}".rstrip() + ".")
    if why is not None:
        lines.append(f"It came to this in {why.state}: {why.outcome}, {why.message}".rstrip(", ") + ".")
    return ledger.open_case(ctx.idempotency_key, "\n".join(lines))


def money(cents: int) -> str:
    """Write an amount: `12.50 euros`."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02} euros"
