"""What an execution environment does once. Imported first, it connects while everything else is being imported.

The garbage collector has nothing to find while modules load, and what they made stays: it is off until `finished`,
and then looks at nothing made before.
"""

import gc
import os

from lambda_images.database.connector import Connector
from lambda_images.database.contract import database_settings

# Under SnapStart this process is copied: a connection made now would belong to every copy.
_COPIED = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def started() -> Connector:
    """Return the connector of the database that the environment names, already connecting."""
    gc.disable()
    connector = Connector(database_settings(os.environ))
    if not _COPIED:
        connector.connect_in_background()
    return connector


def finished() -> None:
    """Call when everything is imported."""
    gc.freeze()
    gc.enable()


connector = started()
