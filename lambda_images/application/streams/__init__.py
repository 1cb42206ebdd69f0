"""Functions fed by the streams of DynamoDB tables, one a module; `process` is the entry point of each."""
