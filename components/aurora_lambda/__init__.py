"""Cloud resources, one Pulumi component a file.

A component's module is imported when its name is first used: together they take a second, which no command needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

MODULES = {
    "access": ("FunctionAccess",),
    "alarms": ("Alarms", "AlarmsArgs", "Watched"),
    "aurora": ("AuroraDatabase",),
    "aurora_args": ("AuroraDatabaseArgs",),
    "backup": ("Backup", "BackupArgs"),
    "dashboard": ("Dashboard", "DashboardArgs"),
    "dsql": ("DsqlDatabase",),
    "dsql_args": ("DsqlDatabaseArgs",),
    "function": ("ImageFunction",),
    "function_args": ("ImageFunctionArgs",),
    "function_role": ("FunctionRole", "FunctionRoleArgs"),
    "image": ("LambdaImage", "LambdaImageArgs"),
    "migration": ("Migration", "MigrationArgs"),
    "network": ("Network", "NetworkArgs"),
    "queue": ("Queue", "QueueArgs"),
    "schedule": ("Schedule", "ScheduleArgs"),
    "secret": ("Secret", "SecretArgs"),
    "stream_table": ("StreamTable", "StreamTableArgs"),
    "table_stream": ("TableStream",),
    "table_stream_args": ("TableStreamArgs",),
}
__all__ = [name for names in MODULES.values() for name in names]

if TYPE_CHECKING:
    from aurora_lambda.access import FunctionAccess as FunctionAccess
    from aurora_lambda.alarms import Alarms as Alarms
    from aurora_lambda.alarms import AlarmsArgs as AlarmsArgs
    from aurora_lambda.alarms import Watched as Watched
    from aurora_lambda.aurora import AuroraDatabase as AuroraDatabase
    from aurora_lambda.aurora_args import AuroraDatabaseArgs as AuroraDatabaseArgs
    from aurora_lambda.backup import Backup as Backup
    from aurora_lambda.backup import BackupArgs as BackupArgs
    from aurora_lambda.dashboard import Dashboard as Dashboard
    from aurora_lambda.dashboard import DashboardArgs as DashboardArgs
    from aurora_lambda.dsql import DsqlDatabase as DsqlDatabase
    from aurora_lambda.dsql_args import DsqlDatabaseArgs as DsqlDatabaseArgs
    from aurora_lambda.function import ImageFunction as ImageFunction
    from aurora_lambda.function_args import ImageFunctionArgs as ImageFunctionArgs
    from aurora_lambda.function_role import FunctionRole as FunctionRole
    from aurora_lambda.function_role import FunctionRoleArgs as FunctionRoleArgs
    from aurora_lambda.image import LambdaImage as LambdaImage
    from aurora_lambda.image import LambdaImageArgs as LambdaImageArgs
    from aurora_lambda.migration import Migration as Migration
    from aurora_lambda.migration import MigrationArgs as MigrationArgs
    from aurora_lambda.network import Network as Network
    from aurora_lambda.network import NetworkArgs as NetworkArgs
    from aurora_lambda.queue import Queue as Queue
    from aurora_lambda.queue import QueueArgs as QueueArgs
    from aurora_lambda.schedule import Schedule as Schedule
    from aurora_lambda.schedule import ScheduleArgs as ScheduleArgs
    from aurora_lambda.secret import Secret as Secret
    from aurora_lambda.secret import SecretArgs as SecretArgs
    from aurora_lambda.stream_table import StreamTable as StreamTable
    from aurora_lambda.stream_table import StreamTableArgs as StreamTableArgs
    from aurora_lambda.table_stream import TableStream as TableStream
    from aurora_lambda.table_stream_args import TableStreamArgs as TableStreamArgs
else:
    # A type checker goes by the imports above.
    def __getattr__(name: str) -> object:
        """Return a component or its arguments, from their module (PEP 562)."""
        for module, names in MODULES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
