"""One line per check, and what they come to."""

import contextlib
import traceback


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def that(self, holds, text, found=None):
        """Notes one check; `found` is shown when it fails."""
        if holds:
            self.passed += 1
            print(f"ok      {text}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {text}" + ("" if found is None else f"\n        found: {found}"), flush=True)

    def equal(self, found, expected, text):
        self.that(found == expected, text, f"{found!r}, expected: {expected!r}")

    @contextlib.contextmanager
    def scene(self, name):
        """What goes wrong on the way is a failure of this scene, and the next one begins all the same."""
        print(f"\n{name}", flush=True)
        try:
            yield
        except Exception:  # noqa: BLE001: a scene may fail in any way
            self.failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
