"""The HTTP server, processes, paths and errors that every other room uses."""
