"""Measures the images as shipped: `python -m tests.bench` writes docs/performance.md."""
