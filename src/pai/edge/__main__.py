"""`python -m pai.edge`."""

import sys

from pai.edge.process import main

sys.exit(main())
