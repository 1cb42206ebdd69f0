"""What Aurora DSQL's answers to a login mean, and how its dialect reads its catalog."""

from typing import Any

import psycopg
import pytest
from sqlalchemy.dialects.postgresql.base import PGDialect

from aurora_lambda_runtime.database.dialects.dsql import LambdaDialect
from aurora_lambda_runtime.database.drivers import dsql
from aurora_lambda_runtime.database.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    LoginRefusedError,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("unable to accept connection, waking up cluster, please retry later", DatabaseUnavailableError),
        ("unable to accept connection, access denied\nHINT:  Signature expired", LoginRefusedError),
        ("unable to accept connection, rate exceeded", DatabaseUnavailableError),
        ("certificate verify failed", DatabaseError),
    ],
)
def test_a_refused_login_is_waited_for_only_where_that_helps(text: str, kind: type[DatabaseError]) -> None:
    """A cluster that wakes up would be an error, or a wrong role would be waited for until time is up."""
    assert dsql.classify_error(psycopg.OperationalError(f"connection failed: FATAL:  {text}")) is kind


@pytest.mark.parametrize(
    ("schema", "option"),
    [
        ("my_app2", "my_app2"),
        ("App", r"\"App\""),
        ("2app", r"\"2app\""),
        ("my app", r"\"my\ app\""),
        ('a"\\b', r"\"a\"\"\\b\""),
    ],
)
def test_a_schema_of_any_name_is_one_option(schema: str, option: str) -> None:
    """A name that is cut in two, or folded to lower case, leads to another application's tables."""
    assert dsql.schema_option(schema) == option


def test_what_dsql_adds_to_keys_and_indexes_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` and `new-migration` would report an unchanged table as changed, for ever."""
    key = {"constrained_columns": ["id"], "name": "pk_t", "dialect_options": {"postgresql_include": ["a", "b"]}}
    index = {
        "name": "ix_t_a",
        "column_names": ["a"],
        "unique": False,
        "dialect_options": {"postgresql_using": "btree_index", "postgresql_where": "a > 0"},
    }

    def answer(value: Any) -> Any:
        return lambda *_arguments, **_options: iter([((None, "t"), value)])

    monkeypatch.setattr(PGDialect, "get_multi_pk_constraint", answer(key))
    monkeypatch.setattr(PGDialect, "get_multi_indexes", answer([index]))
    question = {"schema": None, "filter_names": None, "scope": None, "kind": None}
    assert LambdaDialect().get_multi_pk_constraint(None, **question) == [
        ((None, "t"), {"constrained_columns": ["id"], "name": "pk_t", "dialect_options": {}})
    ]
    assert LambdaDialect().get_multi_indexes(None, **question) == [
        (
            (None, "t"),
            [
                {
                    "name": "ix_t_a",
                    "column_names": ["a"],
                    "unique": False,
                    "dialect_options": {"postgresql_where": "a > 0"},
                }
            ],
        )
    ]
