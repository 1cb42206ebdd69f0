"""A stand-in for Aurora DSQL: its protocol, its logins and its rules, in front of a PostgreSQL of its own.

To read it: `gateway` lets a client in, `session` answers its messages, `statements` says what PostgreSQL is given for
what the client wrote, by `rules` and `table_rules`. `transaction` sends that to `storage`, and is where nobody waits.
`catalog.sql` holds what PostgreSQL itself does otherwise: limits, jobs, the notes of changed rows.
"""
