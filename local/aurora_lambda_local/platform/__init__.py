"""The HTTP server, processes, paths and errors that every other part of `local` uses."""
