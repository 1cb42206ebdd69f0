"""The two ways to run statements: each committing itself, or several in one transaction."""

from sqlalchemy import Engine

from lambda_images.database.contract import DatabaseSettings
from lambda_images.database.sqlalchemy_engine import autocommit


class Database:
    """One database, as commands and routes use it.

    `statements.begin()` is for work of one statement, which commits itself: one message to the server instead of
    three. `transactions.begin()` is for work of several, done together or not at all.
    """

    def __init__(self, engine: Engine, settings: DatabaseSettings) -> None:
        self.settings = settings
        self.transactions = engine
        self.statements = autocommit(engine)
