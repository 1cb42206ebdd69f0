"""Pauses before something is tried again."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import SystemRandom


@dataclass(frozen=True)
class Backoff:
    """Pauses that grow, of random lengths, so that clients that conflicted do not all try again at the same moment.

    There is none before the first: of two that conflicted, one is through by then.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    retries: int = 10
    first_seconds: float = 0.02
    longest_seconds: float = 1.0

    def pauses(self) -> Iterator[float]:
        """Yield the length of each pause, in seconds."""
        for number in range(self.retries):
            longest = min(self.longest_seconds, self.first_seconds * 2 ** (number - 1)) if number else 0.0
            yield SystemRandom().uniform(0, longest)
