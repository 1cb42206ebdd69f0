"""The start of an execution environment. Imported first, it connects while everything else is being imported.

The garbage collector is off while modules load, because they leave no garbage, and later ignores the objects they made.
"""

import gc
import os

from aurora_lambda_runtime.database.connector import Connector
from aurora_lambda_runtime.database.contract import database_settings

# SnapStart starts many environments from a copy of this process; they would share a connection made now.
_COPIED = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def started() -> Connector:
    """Return the connector of the database that the environment names, already connecting."""
    gc.disable()
    connector = Connector(database_settings(os.environ))
    if not _COPIED:
        connector.connect_in_background()
    return connector


def finished() -> None:
    """Turn the garbage collector on again, when everything is imported."""
    gc.freeze()
    gc.enable()


connector = started()
