"""Where a function's code runs: virtual environments and containers."""
