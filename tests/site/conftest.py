"""The site that `make site` has built; without it nothing here is run."""

import os

SITE = os.environ.get("MEDTRACK_TEST_SITE")

collect_ignore_glob = [] if SITE else ["test_*"]
