"""Cloud resources, one Pulumi component a file.

A component's module is imported when its name is first used: together they take a second, which no command needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aurora_lambda.access import FunctionAccess
    from aurora_lambda.alarms import Alarms, AlarmsArgs, Watched
    from aurora_lambda.aurora import AuroraDatabase
    from aurora_lambda.aurora_args import AuroraDatabaseArgs
    from aurora_lambda.backup import Backup, BackupArgs
    from aurora_lambda.dashboard import Dashboard, DashboardArgs
    from aurora_lambda.dsql import DsqlDatabase
    from aurora_lambda.dsql_args import DsqlDatabaseArgs
    from aurora_lambda.function import ImageFunction
    from aurora_lambda.function_args import ImageFunctionArgs
    from aurora_lambda.function_role import FunctionRole, FunctionRoleArgs
    from aurora_lambda.image import LambdaImage, LambdaImageArgs
    from aurora_lambda.migration import Migration, MigrationArgs
    from aurora_lambda.network import Network, NetworkArgs
    from aurora_lambda.queue import Queue, QueueArgs
    from aurora_lambda.schedule import Schedule, ScheduleArgs
    from aurora_lambda.secret import Secret, SecretArgs
    from aurora_lambda.stream_table import StreamTable, StreamTableArgs
    from aurora_lambda.table_stream import TableStream
    from aurora_lambda.table_stream_args import TableStreamArgs
else:
    # A type checker goes by the imports above.
    MODULES = {
        "Alarms": "alarms",
        "AlarmsArgs": "alarms",
        "AuroraDatabase": "aurora",
        "AuroraDatabaseArgs": "aurora_args",
        "Backup": "backup",
        "BackupArgs": "backup",
        "Dashboard": "dashboard",
        "DashboardArgs": "dashboard",
        "DsqlDatabase": "dsql",
        "DsqlDatabaseArgs": "dsql_args",
        "FunctionAccess": "access",
        "FunctionRole": "function_role",
        "FunctionRoleArgs": "function_role",
        "ImageFunction": "function",
        "ImageFunctionArgs": "function_args",
        "LambdaImage": "image",
        "LambdaImageArgs": "image",
        "Migration": "migration",
        "MigrationArgs": "migration",
        "Network": "network",
        "NetworkArgs": "network",
        "Schedule": "schedule",
        "ScheduleArgs": "schedule",
        "Queue": "queue",
        "QueueArgs": "queue",
        "Secret": "secret",
        "SecretArgs": "secret",
        "StreamTable": "stream_table",
        "StreamTableArgs": "stream_table",
        "TableStream": "table_stream",
        "TableStreamArgs": "table_stream_args",
        "Watched": "alarms",
    }

    def __getattr__(name: str) -> object:
        """Return a component or its arguments, from their module (PEP 562)."""
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)


__all__ = [
    "Alarms",
    "AlarmsArgs",
    "AuroraDatabase",
    "AuroraDatabaseArgs",
    "Backup",
    "BackupArgs",
    "Dashboard",
    "DashboardArgs",
    "DsqlDatabase",
    "DsqlDatabaseArgs",
    "FunctionAccess",
    "FunctionRole",
    "FunctionRoleArgs",
    "ImageFunction",
    "ImageFunctionArgs",
    "LambdaImage",
    "LambdaImageArgs",
    "Migration",
    "MigrationArgs",
    "Network",
    "NetworkArgs",
    "Queue",
    "QueueArgs",
    "Schedule",
    "ScheduleArgs",
    "Secret",
    "SecretArgs",
    "StreamTable",
    "StreamTableArgs",
    "TableStream",
    "TableStreamArgs",
    "Watched",
]
