"""Streams of DynamoDB tables, and the event source mappings that hand their records to functions."""
