"""How statements are read, whoever sends them."""

import ctypes
from concurrent.futures import ThreadPoolExecutor

from aurora_lambda_local.databases.dsql.statements import parse_statements

C_LIBRARY = ctypes.CDLL(None)


def free_keys() -> int:
    """Return how many keys of threads' own data the process may still make: 1,024 less those in use."""
    keys = []
    while C_LIBRARY.pthread_key_create(ctypes.byref(key := ctypes.c_uint()), None) == 0:
        keys.append(key)
    for key in keys:
        C_LIBRARY.pthread_key_delete(key)
    return len(keys)


def test_a_connections_statements_leave_nothing_behind() -> None:
    """After a thousand connections the process could load no library that keeps data for each thread."""
    parse_statements("SELECT 1")
    before = free_keys()
    # A thread for each connection.
    for _ in range(20):
        with ThreadPoolExecutor(1) as connection:
            (statement,) = connection.submit(parse_statements, "SELECT 1").result()
            assert statement.sql == "SELECT 1"
    assert free_keys() == before
