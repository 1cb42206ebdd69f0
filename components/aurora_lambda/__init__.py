"""Cloud resources, one Pulumi component a file."""

from aurora_lambda.access import FunctionAccess
from aurora_lambda.alarms import Alarms, AlarmsArgs, Watched
from aurora_lambda.aurora import AuroraDatabase
from aurora_lambda.aurora_args import AuroraDatabaseArgs
from aurora_lambda.dashboard import Dashboard, DashboardArgs
from aurora_lambda.dsql import DsqlDatabase, DsqlDatabaseArgs
from aurora_lambda.function import ImageFunction, ImageFunctionArgs
from aurora_lambda.function_role import FunctionRole, FunctionRoleArgs
from aurora_lambda.image import LambdaImage, LambdaImageArgs
from aurora_lambda.migration import Migration, MigrationArgs
from aurora_lambda.network import Network, NetworkArgs
from aurora_lambda.stream_table import StreamTable, StreamTableArgs
from aurora_lambda.table_stream import TableStream
from aurora_lambda.table_stream_args import TableStreamArgs

__all__ = [
    "Alarms",
    "AlarmsArgs",
    "AuroraDatabase",
    "AuroraDatabaseArgs",
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
    "StreamTable",
    "StreamTableArgs",
    "TableStream",
    "TableStreamArgs",
    "Watched",
]
