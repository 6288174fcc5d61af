"""What a scene plays on: stands of its own, file systems of its own, the agent as a service, and the questions that a scene asks."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time

from stands import Extras, LocalStand, Run, SecureInboxStand, Trouble

#: A busy machine is slow, and a scene that gave up too early would blame the agent.
PATIENCE = 120
#: After SIGTERM; the README promises 8 seconds for what runs, and the machine may be busy.
MOST_SECONDS_TO_STOP = 12


class Skipped(Exception):
    """This machine cannot play the scene, and why."""


class Stage:
    """Use as a context: what was mounted is unmounted, what was started is ended."""

    def __init__(self, tools, folder, seed):
        self.tools, self.folder, self.seed = tools, folder, seed
        self.chance = random.Random(seed)
        self.ends = contextlib.ExitStack()
        os.makedirs(folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ends.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    # Stands. Each has a command for alerts, which writes them down.

    def local(self, name="stand", then="delete", **extras):
        return self.prepared(LocalStand(self.tools, self.path(name), self.seed, then, self.with_alerts(extras)))

    def inbox(self, name="stand", then="delete", **extras):
        prefix = f"{os.path.basename(self.folder)}-{name}"
        return self.prepared(SecureInboxStand(self.tools, self.path(prefix), self.seed, then, self.with_alerts(extras)))

    @staticmethod
    def with_alerts(extras):
        return Extras(**{**extras, "head": 'alerts: { command: ["./page-me"] }\n' + extras.get("head", "")})

    def prepared(self, stand):
        stand.write("page-me", '#!/bin/sh\n{ cat; echo; } >>"$(dirname "$0")/alerts.jsonl"\n', 0o700)
        return stand

    # File systems.

    def tmpfs(self, place, options):
        """A small file system of its own at a folder, which is made."""
        needs_root()
        os.makedirs(place, exist_ok=True)
        command("mount", "-t", "tmpfs", "-o", options, "pouch-torture", place)
        self.ends.callback(subprocess.run, ["umount", "-l", place], capture_output=True, check=False)
        return place

    def ext4(self, place):
        needs_root()
        image = self.path("disk.img")
        with open(image, "wb") as file:
            file.truncate(64 << 20)
        command("mkfs.ext4", "-q", image)
        os.makedirs(place, exist_ok=True)
        command("mount", "-o", "loop", image, place)
        self.ends.callback(subprocess.run, ["umount", "-l", place], capture_output=True, check=False)
        return place

    def serving(self, stand, **how):
        """The agent as a service, until the stage is left."""
        return self.ends.enter_context(Service(stand, **how))


class Service:
    """`pouch run` in the background."""

    def __init__(self, stand, prefix=(), level="info", effects=None):
        self.stand = stand
        self.log = stand.path("agent.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, stand.tools.pouch, "run", "--log-level", level], cwd=stand.folder,
                env=stand.environment(effects), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def status(self):
        """What it says of itself; None while it does not answer as a running agent."""
        run = self.stand.run("status", "--json")
        if run.code != 0:
            return None
        status = json.loads(run.said)
        return status if status["isRunning"] else None

    def until(self, question, what, limit=PATIENCE):
        """Waits until the question is answered by something that counts as true."""
        end = time.monotonic() + limit
        while True:
            if self.process.poll() is not None:
                raise Trouble(f"{what}: the agent ended by itself with {self.process.returncode}: {self.said()[-800:]}")
            answer = question()
            if answer:
                return answer
            if time.monotonic() > end:
                raise Trouble(f"not within {limit} s: {what}; {self.said()[-1000:]}")
            time.sleep(0.1)

    def until_status(self, question, what, limit=PATIENCE):
        return self.until(lambda: (status := self.status()) and question(status) and status, what, limit)

    def until_delivered(self, what="everything is delivered", limit=PATIENCE):
        ledger = self.stand.ledger
        self.until(lambda: not ledger.judge(self.stand.found(), is_over=True).lost, what, limit)
        self.stand.expect_delivered(what)

    def stop(self):
        """Asks it to end, and says how it did."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(MOST_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            raise Trouble(f"asked to end, it still ran after {MOST_SECONDS_TO_STOP} s: {self.said()[-800:]}") from None
        return Run(code, self.said(), time.monotonic() - began)

    def stop_and_expect_everything(self, when):
        """After the story: a clean end, and every promise kept."""
        ended = self.stop()
        self.stand.expect_everything(when, ended)

    def memory(self):
        """Its resident memory in MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


# Questions.


def expect(condition, words):
    if not condition:
        raise Trouble(words)


def alerts(stand):
    """What the operator was called for."""
    path = stand.path("alerts.jsonl")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def codes(stand):
    return {alert["code"] for alert in alerts(stand)}


def status(stand):
    return json.loads(stand.run("status", "--json").said)


def put(path, body=b""):
    """A file that is written where it lies, as a careless producer does."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(body)


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skipped(f"{' '.join(words[:3])}…: {done.stderr.strip()}")
    return done.stdout


def needs_root():
    if os.geteuid() != 0:
        raise Skipped("only root may mount a file system")
