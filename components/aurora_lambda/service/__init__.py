"""Composition: what one stack consists of, and how it is configured."""
