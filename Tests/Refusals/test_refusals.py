#!/usr/bin/env python3
"""Asks a running sandbox, from outside and with boto3, for what AWS refuses and for what it does not.

    test_refusals.py --folder FOLDER --endpoint https://127.0.0.1:PORT --plain http://127.0.0.1:PORT [NAME ...]

The sandbox must have been started with scenario.json beside this file, with faults allowed, and listen with and without TLS.
With `--serve COMMAND` it is started here: the words of COMMAND, then `--folder … --scenario … --port … --plain-port … --faults`.
Prints one line per failure and at the end `N passed, N failed`.
"""

import argparse
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import acceptances
import refusals_of_keys
import refusals_of_objects
import refusals_of_queues
import refusals_of_signatures
import refusals_of_uploads
from house import House

MODULES = (refusals_of_signatures, refusals_of_objects, refusals_of_keys, refusals_of_uploads, refusals_of_queues, acceptances)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(command, folder):
    """Starts a sandbox and waits until it listens on both ports."""
    port, plain = free_port(), free_port()
    scenario = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenario.json")
    process = subprocess.Popen(
        shlex.split(command) + ["--folder", folder, "--scenario", scenario, "--port", str(port), "--plain-port", str(plain), "--faults"],
        stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    for wanted in (port, plain):
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the sandbox did not start")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", wanted)) == 0:
                    break
            time.sleep(0.02)
    return process, f"https://127.0.0.1:{port}", f"http://127.0.0.1:{plain}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default=os.environ.get("SANDBOX_FOLDER"))
    parser.add_argument("--endpoint", default=os.environ.get("SANDBOX_ENDPOINT"))
    parser.add_argument("--plain", default=os.environ.get("SANDBOX_PLAIN_ENDPOINT"))
    parser.add_argument("--serve")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    process = None
    with tempfile.TemporaryDirectory() as temporary:
        if options.serve:
            options.folder = options.folder or temporary
            process, options.endpoint, options.plain = serve(options.serve, options.folder)
        try:
            if not (options.folder and options.endpoint and options.plain):
                parser.error("--folder, --endpoint and --plain are needed, or --serve")
            return run(House(options.folder, options.endpoint, options.plain), options.names)
        finally:
            if process:
                process.terminate()
                process.wait()


def run(house, wanted):
    passed, failed = 0, 0
    for module in MODULES:
        for name, test in vars(module).items():
            if not name.startswith("test_") or (wanted and name not in wanted):
                continue
            try:
                test(house)
                passed += 1
            except Exception as error:  # whatever it is, the other tests go on
                failed += 1
                place = traceback.extract_tb(error.__traceback__)
                line = next((f.lineno for f in place if f.filename == module.__file__), 0)
                print(f"FAILED {module.__name__}.{name}:{line}: {type(error).__name__}: {str(error)[:300]}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
