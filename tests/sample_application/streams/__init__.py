"""Functions fed by the streams of DynamoDB tables."""
