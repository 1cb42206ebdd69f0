"""What a function needs to reach a database: the one value that every database component offers twice."""

from typing import TypedDict

import pulumi


class DatabaseAccess(TypedDict):
    """Environment, permissions and network attachment of a function that uses a database.

    A database component offers two: `runtime` for the application and `admin` for the migration runner. What consumes
    one never learns the engine's name.
    """

    environment: pulumi.Input[dict[str, str]]
    """Environment variables, named in `lambda_images.database.contract`. None of them is a secret."""
    statements: pulumi.Input[str]
    """IAM policy statements for the function's role, as a JSON list."""
    subnet_ids: pulumi.Input[list[str]]
    """Subnets the function is attached to; empty where the database is reached without a VPC."""
    security_group_ids: pulumi.Input[list[str]]
    """Security groups of the function; empty where the database is reached without a VPC."""
