"""The nodes of PostgreSQL's parse trees."""

from collections.abc import Iterator
from typing import Any

from pglast import ast

# pglast declares each attribute of a node as possibly None, also where the grammar has it always.
Node = Any


def node_type(node: Node) -> str:
    """Return the name that PostgreSQL's sources give to this type of node."""
    return type(node).__name__


def walk(node: Node) -> Iterator[Node]:
    """Return the node and all nodes below it."""
    if isinstance(node, tuple):
        for each in node:
            yield from walk(each)
    elif isinstance(node, ast.Node):
        yield node
        for name in node:
            yield from walk(getattr(node, name))
