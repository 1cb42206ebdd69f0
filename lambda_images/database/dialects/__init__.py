"""SQLAlchemy's dialects without the questions whose answers are known before they are asked.

Stock SQLAlchemy sends 15 messages up to its first committed insert and three with each later one. These send what
the driver itself would: the login, then one message a statement. A connection stays in the driver's autocommit mode
until a transaction begins; only the dialect's questions are answered here, so everything derived from the answers
stays SQLAlchemy's own. Migrations run on them too; only SQL rendered offline uses the stock ones.
"""
