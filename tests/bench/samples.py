"""Numbers measured in turn, and what may be said of them: a median, the spread around it, a ratio of two."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ROUNDS = 15


@dataclass(frozen=True)
class Samples:
    """What was measured of one thing, in the unit of the measure."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the values lie below."""
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Half of the values lie between."""
        low, _, high = statistics.quantiles(self.values, n=4)
        return low, high


def in_turn(measures: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, Samples]:
    """Measure each thing once, then each once more, so that whatever slows the machine slows all of them alike."""
    values: dict[str, list[float]] = {name: [] for name in measures}
    for each in measures.values():
        each()  # the first time pays for what later ones find done
    for _ in range(rounds):
        for name, measure in measures.items():
            values[name].append(measure())
    return {name: Samples(tuple(measured)) for name, measured in values.items()}


def seconds(call: Callable[[], object]) -> float:
    """Return how long `call` takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
