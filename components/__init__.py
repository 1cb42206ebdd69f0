"""Cloud resources, one Pulumi component a file."""

from components.access import DatabaseAccess
from components.aurora import AuroraDatabase, AuroraDatabaseArgs
from components.function import FunctionRole, FunctionRoleArgs, ImageFunction, ImageFunctionArgs
from components.image import LambdaImage, LambdaImageArgs
from components.migration import Migration, MigrationArgs
from components.network import Network, NetworkArgs

__all__ = [
    "AuroraDatabase",
    "AuroraDatabaseArgs",
    "DatabaseAccess",
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
]
