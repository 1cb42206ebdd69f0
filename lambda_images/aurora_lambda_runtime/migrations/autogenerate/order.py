"""The order of changes: each is made when what it needs is there, and undone when that is there again."""

from collections.abc import Collection, Iterator, Sequence

from alembic.operations import ops
from sqlalchemy import ForeignKeyConstraint


def in_order(operations: Sequence[ops.MigrateOperation]) -> list[ops.MigrateOperation]:
    """Return `operations` so that each can be made on any engine, and undone.

    Indexes and constraints go first, a foreign key before the index under it; but after the rename of their table.
    Tables go before those that they refer to, and foreign keys before tables that refer to each other. Foreign keys to
    tables that are made later come last.
    """
    made = {each.table_name: each for each in operations if isinstance(each, ops.CreateTableOp)}
    names = list(made)
    late = [key for at, name in enumerate(names) for key in _taken_out(made[name], names[at + 1 :])]
    dropped, cut = _ordered([each for each in operations if isinstance(each, ops.DropTableOp)])
    tables = iter(dropped)
    kept = [next(tables) if isinstance(each, ops.DropTableOp) else each for each in operations]
    renamed = {each.new_table_name for each in operations if isinstance(each, ops.RenameTableOp)}
    drops = [each for each in kept if isinstance(each, (ops.DropIndexOp, ops.DropConstraintOp))]
    first = [each for each in drops if each.table_name not in renamed]
    first.sort(key=lambda each: getattr(each, "constraint_type", "") != "foreignkey")
    return [*cut, *first, *(each for each in kept if each not in first), *late]


def _taken_out(created: ops.CreateTableOp, later: Collection[str]) -> Iterator[ops.CreateForeignKeyOp]:
    """Take the foreign keys to tables that are made `later` out of a new table, and yield what adds them."""
    for key in [each for each in created.columns if isinstance(each, ForeignKeyConstraint)]:
        if key.use_alter or _referred(key) in later:
            created.columns = [each for each in created.columns if each is not key]
            yield ops.CreateForeignKeyOp.from_constraint(key)


def _ordered(drops: list[ops.DropTableOp]) -> tuple[list[ops.DropTableOp], list[ops.DropConstraintOp]]:
    """Return tables in the order in which they can be dropped, and the foreign keys that go before all of them."""
    order: list[ops.DropTableOp] = []
    cut: list[ops.DropConstraintOp] = []
    while drops:
        keys = [(each, key) for each in drops for key in each.to_table().foreign_key_constraints]
        referred = {_referred(key) for each, key in keys if _referred(key) != each.table_name}
        free = next((each for each in drops if each.table_name not in referred), drops[0])
        order.append(free)
        drops = [each for each in drops if each is not free]
        if free.table_name in referred:
            cut += [
                ops.DropConstraintOp.from_constraint(key)
                for each, key in keys
                if each in drops and _referred(key) == free.table_name
            ]
            drops = [_without_keys(each, free.table_name) for each in drops]
    return order, cut


def _without_keys(drop: ops.DropTableOp, referred: str) -> ops.DropTableOp:
    """Return the drop of a table that has no foreign keys to another one."""
    made = drop.reverse()
    made.columns = [
        each for each in made.columns if not (isinstance(each, ForeignKeyConstraint) and _referred(each) == referred)
    ]
    return ops.DropTableOp(drop.table_name, schema=drop.schema, table_kw=drop.table_kw, _reverse=made)


def _referred(key: ForeignKeyConstraint) -> str:
    return key.elements[0].target_fullname.rpartition(".")[0]
