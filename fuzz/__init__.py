"""Coverage-guided fuzzing: each target takes any bytes, and raises when an invariant is broken.

``make fuzz`` runs all of them; `fuzz.targets` lists them, `fuzz.program` says how bytes become
something that gets past the first check of a parser.
"""
