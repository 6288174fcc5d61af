"""The power fails: a file system of its own is shut down under the running agent, without flushing its journal, and mounted again."""

import fcntl
import os
import random
import signal
import struct
import subprocess
import time

from stands import LocalStand, Trouble
from sweeps import Outcome

#: _IOR('X', 125, __u32) with EXT4_GOING_FLAGS_NOLOGFLUSH: what is not on disk now never gets there.
SHUTDOWN, WITHOUT_FLUSHING = 0x8004587D, 2
FILES_A_CUT = 3


class Disk:
    """An ext4 image on a loop device."""

    def __init__(self, folder):
        self.image, self.place = os.path.join(folder, "disk.img"), os.path.join(folder, "disk")
        os.makedirs(self.place)
        with open(self.image, "wb") as image:
            image.truncate(256 << 20)
        run("mkfs.ext4", "-q", self.image)

    def mount(self):
        # Flushed every second instead of every five: more of the states between are met.
        run("mount", "-o", "loop,commit=1", self.image, self.place)

    def sync_something_else(self):
        """Somebody's fsync commits what all others renamed and removed, and none of what they wrote."""
        with open(os.path.join(self.place, "somebody"), "w", encoding="ascii") as file:
            file.write("else")
            file.flush()
            os.fsync(file.fileno())

    def cut(self):
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        finally:
            os.close(descriptor)

    def unmount(self):
        run("umount", self.place)


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")


def why_not(folder):
    """Why this machine cannot play a power cut; None when it can."""
    if os.geteuid() != 0:
        return "only root may mount a file system"
    try:
        disk = Disk(os.path.join(folder, "trial"))
        disk.mount()
        disk.cut()
        disk.unmount()
    except OSError as error:
        return str(error)
    return None


def cut_power(tools, stand_type, folder, seed, cuts, effects=None):
    """The drop folder and the state lie on the disk that fails, and so does what a partner on this machine has."""
    outcome = Outcome(f"power cuts, {stand_type.kind}" + (f", {effects}" if effects else ""))
    disk = Disk(os.path.join(folder, f"power-{stand_type.kind}{effects or ''}"))
    disk.mount()
    chance = random.Random(seed)
    place = os.path.join(disk.place, f"stand-{seed}")
    stand = stand_type(tools, place, seed)
    # Its configuration is not what is tested.
    os.sync()
    try:
        for number in range(cuts):
            for each in range(FILES_A_CUT):
                stand.ledger.feed(f"cut-{number}-{each}.bin", chance.choice([0, 10, 5_000, 300_000]))
            agent = subprocess.Popen(
                [tools.pouch, "run", "--log-level", "error"], cwd=place, env=stand.environment(effects), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.02, 0.5))
            # Started on what a cut left, it must not give up.
            if agent.poll() is not None:
                raise Trouble(f"before cut {number} the agent ended by itself with {agent.returncode}")
            if chance.random() < 0.5:
                disk.sync_something_else()
            disk.cut()
            agent.send_signal(signal.SIGKILL)
            agent.wait()
            disk.unmount()
            disk.mount()
            outcome.runs += 1
            outcome.struck += 1
            stand.expect_nothing_wrong(f"cut {number}")
        stand.expect_everything("after the last cut", stand.deliver(patience=60))
    except Trouble as trouble:
        outcome.troubles.append(str(trouble))
    finally:
        disk.unmount()
    return outcome


def cut_power_unsynced(tools, folder, seed, cuts):
    """The same with fsync switched off must lose something: otherwise the harness is blind."""
    blind = cut_power(tools, LocalStand, folder, seed, cuts, "unsynced")
    outcome = Outcome("power cuts without fsync are seen")
    outcome.runs, outcome.struck = blind.runs, blind.struck
    if blind.troubles:
        outcome.notes.append(f"red as it must be: {blind.troubles[0][:120]}")
    else:
        outcome.troubles.append(f"{cuts} power cuts with fsync switched off lost nothing: the harness cannot see a loss")
    return outcome
