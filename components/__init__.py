"""Cloud resources, one Pulumi component a file."""

from components.access import FunctionAccess
from components.aurora import AuroraDatabase
from components.aurora_args import AuroraDatabaseArgs
from components.dsql import DsqlDatabase, DsqlDatabaseArgs
from components.function import ImageFunction, ImageFunctionArgs
from components.function_role import FunctionRole, FunctionRoleArgs
from components.image import LambdaImage, LambdaImageArgs
from components.migration import Migration, MigrationArgs
from components.network import Network, NetworkArgs
from components.table_stream import TableStream
from components.table_stream_args import TableStreamArgs

__all__ = [
    "AuroraDatabase",
    "AuroraDatabaseArgs",
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
    "TableStream",
    "TableStreamArgs",
]
