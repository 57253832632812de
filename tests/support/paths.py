"""The paths of this repository's files."""

from pathlib import Path

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent
DATA = TESTS / "data"
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples"
# The scripts that Node runs.
NODE = TESTS / "support" / "node"
