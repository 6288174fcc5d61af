#!/usr/bin/env python3
"""The built `pouch` against servers that others wrote; `scripts/test-peers` starts them.

    test_peers.py --pouch FILE --folder FOLDER --moto http://127.0.0.1:PORT --radosgw http://127.0.0.1:PORT

Prints one line per check and at the end `N passed, N failed`.
"""

import argparse
import os
import sys

import moto_scenes
import radosgw_scenes
from checks import Checks


def main():
    parser = argparse.ArgumentParser()
    for name in ("pouch", "folder", "moto", "radosgw"):
        parser.add_argument("--" + name, required=True)
    asked = parser.parse_args()
    checks = Checks()
    moto_scenes.run(checks, asked.moto, asked.pouch, os.path.join(asked.folder, "moto-agents"))
    radosgw_scenes.run(checks, asked.radosgw, asked.pouch, os.path.join(asked.folder, "radosgw-agents"))
    print(f"\n{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
