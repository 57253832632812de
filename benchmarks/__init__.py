"""Benchmarks: this library and its peers, measured side by side on one machine.

``python -m benchmarks`` runs every scenario and writes ``benchmarks/results.json``,
``docs/benchmarks.md`` and ``docs/benchmarks.svg``. See ``docs/benchmarks.md`` for what is
measured and how.
"""
