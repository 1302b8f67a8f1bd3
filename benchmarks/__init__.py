"""Benchmarks print their figures; `make bench` runs them. Method and results: docs/benchmarks.md."""
