"""A stand-in for Aurora DSQL: its protocol, its logins and its rules, in front of a PostgreSQL of its own."""
