"""Faults that a test can switch on, and the limits of a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from random import SystemRandom
from typing import Self

from aurora_lambda_local.platform.errors import UsageError

MIB = 1024 * 1024


@dataclass(frozen=True)
class Faults:
    """How often each fault happens, and the limits, which are DSQL's documented ones.

    Rates are between 0 and 1, of the transactions that write: `conflict_rate` are refused at their commit with 40001,
    `drop_rate` lose their connection at it, half of them before the commit is done and half after. The next
    `waking_up` logins are refused as by a cluster that is waking up. `schema_conflicts` says whether a changed catalog
    is an error in other sessions, as on DSQL.

    Source: https://docs.aws.amazon.com/aurora-dsql/latest/userguide/CHAP_quotas.html
    """

    conflict_rate: float = 0.0
    drop_rate: float = 0.0
    waking_up: int = 0
    schema_conflicts: bool = True
    job_seconds: float = 0.1
    connection_seconds: float = 3600.0
    message_bytes: int = 10 * MIB
    transaction_rows: int = 3000
    transaction_bytes: int = 10 * MIB
    transaction_seconds: float = 300.0

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> Self:
        """Return the faults that `parameters` name, such as `{"conflict_rate": "0.2"}`; other names are passed over."""
        kinds = {each.name: type(each.default) for each in fields(cls)}
        values = {name: kinds[name](float(value)) for name, value in parameters.items() if name in kinds}
        return replace(cls(), **values)

    def changed(self, changes: Mapping[str, float]) -> Self:
        """Return these faults with other values.

        Raises:
            UsageError: there is no such fault.
        """
        known = [each.name for each in fields(self)]
        if unknown := [name for name in changes if name not in known]:
            raise UsageError(f"there is no fault {unknown[0]!r}; there are: {', '.join(known)}")
        return replace(self, **dict(changes))


def happens(rate: float) -> bool:
    """Return True in `rate` of the cases."""
    return SystemRandom().random() < rate
