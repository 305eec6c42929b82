"""Which code the processes under test run."""

import os

# `make test` puts the tree with the compiled hot path on the path: processes run that, while what
# a test itself imports are the sources.
CODE = os.environ.get("PYTHONPATH") or "src"
