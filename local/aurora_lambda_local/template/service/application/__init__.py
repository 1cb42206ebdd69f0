"""The service's own code: its tables, revisions, routes, commands and stream functions."""
