"""SQLAlchemy's dialects without the queries that they send at the first connection.

Stock SQLAlchemy sends 15 messages up to its first committed insert and three with each later one. These send what
the driver itself would: the login, then one message a statement. A connection stays in the driver's autocommit mode
until a transaction begins. The answers to the queries are known or in the driver's connection; all else is SQLAlchemy's
own. Migrations use these dialects too.
"""
