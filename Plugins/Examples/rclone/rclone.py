#!/usr/bin/env python3
"""Any remote of rclone as a destination: everything that `rclone rcat`, `moveto` and `lsjson` can do.

A delivery is streamed to `.<delivery id>.part` and moved to its key. It is recognised by the metadata `pouch-delivery` where the remote keeps
metadata. Elsewhere a part that is still there tells that it was not moved, and without it `unknown` is said: a size says nothing of whose it is.
"""
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from pouch_plugin import ABSENT, UNKNOWN, Failure, Invalid, serve  # noqa: E402


class Rclone:
    def __init__(self):
        # rclone cannot move without overwriting: within this plugin one delivery at a time looks and moves.
        self.moving = threading.Lock()

    def configure(self, settings, secrets):
        self.root = settings["remote"]
        if self.root.endswith((":", "/")):
            self.join = self.root
        else:
            self.join = self.root + "/"
        self.options = ["--config", settings.get("config", "/dev/null"), "--retries", "1", "--low-level-retries", "3", "-q"]
        self.environment = {**os.environ, **({"RCLONE_CONFIG_PASS": secrets["config-password"]} if secrets else {})}
        try:
            features = json.loads(self.run("backend", "features", self.root))["Features"]
        except Failure as failure:
            raise Invalid("remote", failure.answer["text"])
        self.keeps_metadata = features.get("UserMetadata", False) and features.get("WriteMetadata", False)

    def check(self):
        there = self.stat("")
        if there is None or not there["IsDir"]:
            yield "failure", f"{self.root} is no folder", "make it, or correct `remote:`"
            return
        yield "good", f"{self.root} is there", None
        if not self.keeps_metadata:
            yield "note", f"{self.root} keeps no metadata: a delivery whose answer is lost may have to be asked for by a person", None

    def exists(self, order):
        unsure = False
        for key in (order.key, order.suffixedKey):
            there = self.stat(key)
            if there is None or there["IsDir"]:
                continue
            if self.keeps_metadata:
                if there.get("Metadata", {}).get("pouch-delivery") == order.delivery:
                    return {"key": key, "location": self.location(key)}
            elif there["Size"] in (order.size, -1):
                # The checkpoint names the key that the part was about to be moved to; -1: the remote does not tell.
                unsure = unsure or order.checkpoint in (None, key)
        return UNKNOWN if unsure and self.stat(self.part(order.delivery)) is None else ABSENT

    def deliver(self, delivery):
        part, announced = self.part(delivery.delivery), False
        try:
            self.send(delivery, part)
            for key in delivery.keys:
                announced = True
                delivery.ready(key)
                if self.move(part, key, delivery.whenTaken):
                    return delivery.arrival(key, location=self.location(key), remote=self.root)
            raise Failure("quarantine", "key-taken", f"{delivery.key} is taken by an object that is not of this delivery")
        except Failure as failure:
            # A checkpoint may lead to it now: that it is still there is what tells `exists` that it was not moved.
            if not announced or failure.answer["class"] == "quarantine":
                self.discard(part)
            raise

    def abandon(self, delivery_id, checkpoint):
        self.discard(self.part(delivery_id))

    # What rclone is asked to do

    def send(self, delivery, part):
        # With --size, rclone 1.60 forgets the metadata.
        form = (["--metadata", "--metadata-set", f"pouch-delivery={delivery.delivery}"] if self.keeps_metadata
                else ["--size", str(delivery.size)])
        rclone = subprocess.Popen(
            ["rclone", "rcat", *form, *self.options, "--", self.join + part],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment)
        try:
            for block in delivery.blocks():
                rclone.stdin.write(block)
            _, words = rclone.communicate()
        except BrokenPipeError:
            # It ended early, and says why.
            words = rclone.stderr.read()
        except BaseException:
            # Without an end of its input nothing arrives.
            rclone.kill()
            rclone.wait()
            raise
        if rclone.wait() != 0:
            raise failure(rclone.returncode, words)

    def move(self, part, key, when_taken):
        with self.moving:
            if when_taken != "replace" and self.stat(key) is not None:
                return False
            self.run("moveto", *(["-M"] if self.keeps_metadata else []), "--", self.join + part, self.join + key)
            return True

    def stat(self, path):
        try:
            text = self.run("lsjson", "--stat", *(["-M"] if self.keeps_metadata else []), "--", self.join + path if path else self.root)
        except Failure as problem:
            if problem.answer["code"] in ("rclone-3", "rclone-4"):
                return None
            raise
        return json.loads(text)

    def discard(self, part):
        try:
            self.run("deletefile", "--", self.join + part)
        except Failure:
            pass

    def run(self, *arguments):
        done = subprocess.run(["rclone", arguments[0], *self.options, *arguments[1:]], stdin=subprocess.DEVNULL, capture_output=True,
                              env=self.environment)
        if done.returncode != 0:
            raise failure(done.returncode, done.stderr)
        return done.stdout

    def part(self, delivery_id):
        return f".{delivery_id}.part"

    def location(self, key):
        return f"rclone://{self.join}{key}"


def failure(code, words):
    text = words.decode(errors="replace").strip().splitlines()
    text = text[-1] if text else f"rclone ended with {code}"
    small = text.lower()
    if any(word in small for word in ("accessdenied", "access denied", "permission denied", "forbidden", "unauthorized", "invalid_grant")):
        return Failure("hold", f"rclone-{code}", text, "the remote's credentials must be allowed to write, move and list there")
    if any(word in small for word in ("didn't find section", "not a directory", "directory not found", "is a file not a directory")):
        return Failure("hold", f"rclone-{code}", text, "correct `remote:`, or make the folder")
    if any(word in small for word in ("name too long", "invalid character", "bad request: name", "invalid argument")):
        return Failure("quarantine", f"rclone-{code}", text, "change the name with the route's `as:`")
    if any(word in small for word in ("too many requests", "rate limit", "slowdown", "slow down")):
        return Failure("throttle", f"rclone-{code}", text, retry_after=30)
    return Failure("retry", f"rclone-{code}", text)


serve("rclone", "1.0", Rclone(), parallel=8)
