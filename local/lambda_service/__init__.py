"""Functions, their execution environments, and the APIs they are reached by."""
