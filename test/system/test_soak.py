# SPDX-License-Identifier: MIT
"""A short soak (see soak.py, which also runs for hours). SUPERVISOR_TEST_SCALE makes it longer."""

import os

from harness import SystemTest, better_than_reference, main
from soak import soak

SCALE = float(os.environ.get("SUPERVISOR_TEST_SCALE", "1"))


class ShortSoak(SystemTest):
    @better_than_reference
    def test_nothing_grows_and_every_byte_is_accounted_for(self):
        self.assertEqual(soak(minutes=0.5 * SCALE, programs=60, intervals=3), [])


if __name__ == "__main__":
    main()
