"""Runtimes of functions: virtual environments and containers."""
