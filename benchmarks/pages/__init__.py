"""The figures in README.md and docs/results.md: written from ``benchmarks/results/*.json``, never by hand."""
