"""The application: what the author of a service edits, and nothing else.

The rest of the project reads these names from it:

- `tables.metadata`: the tables, which revisions are compared with.
- `versions/`: the revisions, applied in the order of their numbers.
- `commands.COMMANDS`: functions that direct invocations name; the first is the default.
- `routes.ROUTES`: functions that HTTP requests name by path and method.
  A web framework's `web.app` can stand in their place.
- `routes.TABLES`: the names of the tables that `POST /init` reports.
- `streams/`: functions that the streams of DynamoDB tables feed. A stack names the module, and `process` in it is the
  entry point: `application.streams.copy_items.process`.

It may import `aurora_lambda_runtime.database` and, outside `tables` and `versions/`, `aurora_lambda_runtime.handler`.
"""
