"""`python3 -m pggit`."""

import sys

from pggit.cli import main

sys.exit(main(sys.argv[1:]))
