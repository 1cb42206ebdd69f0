"""The revisions, one statement of DDL each; `aurora-lambda new-migration` writes the next."""
