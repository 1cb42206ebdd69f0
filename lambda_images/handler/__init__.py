"""The application: its tables, its commands and its HTTP routes."""
