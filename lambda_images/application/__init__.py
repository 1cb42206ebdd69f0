"""The application: what the author of a service edits, and nothing else."""
