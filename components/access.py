"""What a function needs to reach a database: the one value that every database component offers twice."""

from typing import TypedDict

import pulumi


class DatabaseAccess(TypedDict):
    """Environment, permissions and network attachment of a function that uses a database.

    A database component offers two: `runtime` for the application and `admin` for the migration runner. What consumes
    one never learns the engine's name. The keys read the same in every language, so an output passes as it is.
    """

    environment: pulumi.Input[dict[str, str]]
    """Environment variables, named in `lambda_images.database.contract`. None of them is a secret."""
    statements: pulumi.Input[str]
    """IAM policy statements for the function's role, as a JSON list."""
    subnets: pulumi.Input[list[str]]
    """Ids of the subnets the function is attached to; empty where the database is reached without a VPC."""
    groups: pulumi.Input[list[str]]
    """Ids of the function's security groups; empty where the database is reached without a VPC."""
