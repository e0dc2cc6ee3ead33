"""The pause before a retry: capped exponential backoff with full jitter."""

from __future__ import annotations

import math
from typing import NamedTuple


class Backoff(NamedTuple):
    """The pause before the k-th retry: min(cap, first · factor^(k−1)), in microseconds.

    With `jitter` the pause is drawn uniformly below that (Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015). With `retry_after` a server's wish is a floor.
    """

    first_us: int
    factor: float = 2.0
    cap_us: int = 60_000_000
    jitter: bool = True
    retry_after: bool = True

    def level(self, k: int) -> int:
        """Give the pause before the k-th retry, k ≥ 1, before jitter."""
        if self.first_us >= self.cap_us:
            return self.cap_us
        # By logarithm first: factor^(k−1) overflows long before k is absurd.
        if self.factor > 1 and (k - 1) * math.log(self.factor) > math.log(self.cap_us / self.first_us) + 1:
            return self.cap_us
        return min(self.cap_us, int(self.first_us * self.factor ** (k - 1)))

    def pause(self, k: int, draw: float, retry_after_us: int | None) -> int | None:
        """Give the pause before the k-th retry; None if the server asks for one longer than the cap.

        Args:
            k: Which retry this is, from 1.
            draw: A number from [0, 1).
            retry_after_us: What the server asked for, if it did.
        """
        pause = self.level(k)
        if self.jitter:
            pause = int(pause * draw)
        if self.retry_after and retry_after_us is not None:
            if retry_after_us > self.cap_us:
                return None
            pause = max(pause, retry_after_us)
        return pause
