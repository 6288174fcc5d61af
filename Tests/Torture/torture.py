#!/usr/bin/env python3
"""The agent under faults; `scripts/torture` builds what it needs and calls this.

Prints one line a harness and a scene, every broken promise, and at the end `N passed, N failed`, where each of them is one.
"""

import argparse
import contextlib
import random
import sys
import tempfile
import time

import network
import power
import scenes
import sweeps
from examples import MailStand, RcloneStand, SealedStand, WebDAVStand
from sftp import SFTPStand, SSHServer
from stands import LocalStand, PluginStand, Sandbox, SecureInboxStand, Tools


def harnesses(asked, tools, folder):
    """Pairs of a name and what runs it. One minute is worth about so many cases of each."""
    minutes, seed = asked.minutes, asked.seed
    share = None if minutes is None else max(4, int(minutes * 8))
    stands = [LocalStand, PluginStand, SecureInboxStand, SealedStand, WebDAVStand]
    stands += [stand for stand in (RcloneStand, MailStand) if stand.is_installed()] + ([SFTPStand] if tools.ssh else [])
    for stand in stands:
        yield f"kill-{stand.kind}", lambda stand=stand: sweeps.kill_everywhere(tools, stand, folder, seed, share)
        yield f"fail-{stand.kind}", lambda stand=stand: sweeps.fail_everywhere(tools, stand, folder, seed, share)
        yield f"shortage-{stand.kind}", lambda stand=stand: sweeps.fail_everywhere(
            tools, stand, folder, seed, share and share * 4, sweeps.SHORTAGE)
    yield "network", lambda: network.through_a_bad_line(tools, SecureInboxStand, folder, seed, 10 if minutes is None else max(1, int(minutes / 2)))
    cuts = 500 if minutes is None else max(10, int(minutes * 10))
    reason = power.why_not(folder)
    if reason:
        print(f"skipped  power: no power cut can be played here: {reason}", flush=True)
    else:
        # An SFTP server does not say what it keeps on its disk.
        for stand in (LocalStand, PluginStand, SecureInboxStand):
            yield f"power-{stand.kind}", lambda stand=stand: power.cut_power(tools, stand, folder, seed, cuts)
        yield "power-unsynced", lambda: power.cut_power_unsynced(tools, folder, seed, min(cuts, 40))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pouch", required=True)
    parser.add_argument("--shim", required=True)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--minutes", type=float, help="about so long in all, with a sample of the cases; left out: every case")
    parser.add_argument("--only", default="", help="harnesses whose names contain this; `scenes F16`: scenes whose titles do")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    failed = passed = 0
    with contextlib.ExitStack() as ends:
        folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="pouch-torture-"))
        sandbox = ends.enter_context(Sandbox(asked.pouch, folder))
        ssh = ends.enter_context(SSHServer(folder)) if SSHServer.is_installed() else None
        if not ssh:
            print("skipped  sftp: there is no sshd", flush=True)
        tools = Tools(asked.pouch, asked.shim, sandbox, ssh)
        for name, run in harnesses(asked, tools, folder):
            if asked.only not in name:
                continue
            began = time.monotonic()
            outcome = run()
            good = not outcome.troubles and outcome.struck > 0
            passed, failed = passed + good, failed + (not good)
            print(f"{'ok    ' if good else 'FAILED'}  {outcome.line()}; {time.monotonic() - began:.0f} s", flush=True)
            for trouble in outcome.troubles[:20]:
                print(f"        {trouble}", flush=True)
        if asked.only.split(" ")[0] in ("", "scenes"):
            for title, outcome, reason, seconds in scenes.play(tools, folder, asked.seed, asked.only.partition(" ")[2]):
                passed, failed = passed + (outcome == "ok"), failed + (outcome == "FAILED")
                print(f"{outcome:7} {title}; {seconds:.0f} s{': ' + reason if reason else ''}", flush=True)
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
