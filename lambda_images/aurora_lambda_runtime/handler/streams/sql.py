"""The SQL database of a function behind a stream or a queue: imported only by functions that use one."""

from aurora_lambda_runtime.database.current import named_database as database

__all__ = ["database"]
