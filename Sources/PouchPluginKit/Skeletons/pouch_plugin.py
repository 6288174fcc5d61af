"""Speaks pouch-plugin/1 (docs/plugin-protocol.md), so that a destination in Python is a class with five methods.

    class Folder:
        def configure(self, settings, secrets): ...   # raise Invalid(field, text) where one is wrong
        def check(self): ...                          # yield (severity, text, hint): good, note, warning, failure
        def exists(self, order): ...                  # the arrival (a dict with its key), ABSENT, or UNKNOWN
        def deliver(self, delivery): ...              # returns the arrival; raises Failure
        def abandon(self, delivery_id, checkpoint): ...

    serve("folder", "1.0", Folder(), parallel=8)

The methods are called from several threads at once. Python's standard library alone; standard error is for people.
"""
import hashlib
import json
import os
import queue
import sys
import threading
import time

ABSENT = "absent"
UNKNOWN = "unknown"
BLOCK = 1 << 20


class Invalid(Exception):
    """A setting that cannot be used."""

    def __init__(self, field, text):
        super().__init__(text)
        self.field = field


class Failure(Exception):
    """Why it was not delivered, and what is to be done: retry, throttle, hold, quarantine, source-changed."""

    def __init__(self, remedy, code, text, hint=None, retry_after=None):
        super().__init__(text)
        self.answer = {"class": remedy, "code": code, "text": text, "hint": hint, "retryAfter": retry_after}


class Cancelled(Failure):
    """The host does not want it any more: clean up what no saved checkpoint leads to."""

    def __init__(self):
        super().__init__("cancelled", "cancelled", "stopped because the host asked for it")


class Delivery:
    """One order to deliver. What the host sent are its attributes: key, suffixedKey, whenTaken, size, checkpoint, …"""

    checkpoint = None
    bytesPerSecond = None
    whenTaken = "suffix"

    def __init__(self, order, inbox, say):
        self.__dict__.update(order)
        self.order = order
        self.sha256_sent = None
        self._inbox = inbox
        self._say = say

    @property
    def keys(self):
        """The keys that it may arrive under, in the order in which to try them."""
        return [self.key, self.suffixedKey] if self.whenTaken == "suffix" else [self.key]

    def blocks(self):
        """The file's bytes, at the pace that was asked for; reports progress and ends when the host cancels."""
        digest, sent, began, told = hashlib.sha256(), 0, time.monotonic(), 0.0
        size = min(BLOCK, max(self.bytesPerSecond // 4, 4096)) if self.bytesPerSecond else BLOCK
        with open(self.file, "rb", buffering=0) as file:
            while True:
                self.stop_if_cancelled()
                block = file.read(size)
                if not block:
                    break
                digest.update(block)
                sent += len(block)
                if sent > self.size:
                    raise Failure("source-changed", "source-changed", f"the file has more than {self.size} bytes")
                yield block
                now = time.monotonic()
                if now - told > 0.2:
                    told = now
                    self._say({"type": "progress", "bytes": sent})
                while self.bytesPerSecond and (rest := sent / self.bytesPerSecond - (time.monotonic() - began)) > 0:
                    self.stop_if_cancelled()
                    time.sleep(min(rest, 0.05))
        if sent != self.size:
            raise Failure("source-changed", "source-changed", f"the file has {sent} bytes, {self.size} were expected")
        self.sha256_sent = digest.hexdigest()

    def stop_if_cancelled(self):
        try:
            message = self._inbox.get_nowait()
        except queue.Empty:
            return
        self._inbox.put(message)
        if message == "cancel":
            raise Cancelled()

    def save(self, checkpoint):
        """How far it got; when this returns, it is on the host's disk."""
        self._announce({"checkpoint": checkpoint})

    def ready(self, checkpoint):
        """Everything is at the far end. NOTHING may become visible there before this has returned."""
        self._announce({"checkpoint": checkpoint, "ready": {"size": self.size, "sha256": self.sha256_sent or self.sha256}})

    def _announce(self, message):
        self.stop_if_cancelled()
        self._say({"type": "checkpoint", **message})
        if self._inbox.get() == "cancel":
            raise Cancelled()

    def arrival(self, key, **facts):
        """What `deliver` returns; facts go into the manifest."""
        location = facts.pop("location", None)
        return {"key": key, "size": self.size, "sha256": self.sha256_sent or self.sha256, "location": location,
                "facts": {name: str(value) for name, value in facts.items()}}


def serve(name, version, plugin, parallel=1):
    # Names that are not UTF-8 come as lone surrogates in the text of errors, and no JSON can say those.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace", newline="\n")
    lock, inboxes = threading.Lock(), {}
    # A print() somewhere in a library is no message.
    os.dup2(2, 1)

    def say(message):
        text = json.dumps({field: value for field, value in message.items() if value is not None}, ensure_ascii=False)
        with lock:
            out.write(text + "\n")
            out.flush()

    def answer(message, inbox):
        kind, number = message["type"], message["id"]

        def reply(answer):
            say({"id": number, **answer})

        try:
            if kind == "configure":
                plugin.configure(message["settings"], message["secrets"])
                reply({"type": "configured"})
            elif kind == "check":
                findings = [dict(zip(("severity", "text", "hint"), finding)) for finding in plugin.check()]
                reply({"type": "findings", "findings": findings})
            elif kind == "exists":
                found = plugin.exists(Delivery(message, inbox, reply))
                state = {"state": found} if isinstance(found, str) else {"state": "present", **found}
                reply({"type": "presence", **state})
            elif kind == "deliver":
                reply({"type": "done", **plugin.deliver(Delivery(message, inbox, reply))})
            elif kind == "abandon":
                plugin.abandon(message["delivery"], message["checkpoint"])
                reply({"type": "abandoned"})
        except Invalid as invalid:
            reply({"type": "invalid", "field": invalid.field, "text": str(invalid)})
        except Failure as failure:
            reply({"type": "failed", **failure.answer})
        except Exception as error:  # what nobody thought of may pass
            reply({"type": "failed", "class": "retry", "code": type(error).__name__, "text": str(error) or repr(error)})
        finally:
            inboxes.pop(number, None)

    for line in sys.stdin.buffer:
        message = json.loads(line)
        kind, number = message["type"], message["id"]
        if kind == "hello":
            say({"type": "hello", "id": number, "protocol": 1, "name": name, "version": version, "parallel": parallel})
        elif kind in ("configure", "check", "exists", "deliver", "abandon"):
            inboxes[number] = queue.Queue()
            threading.Thread(target=answer, args=(message, inboxes[number]), daemon=True).start()
        elif kind in ("saved", "cancel"):
            # What is about a request that is over, or ends just now, needs no answer.
            if (inbox := inboxes.get(number)) is not None:
                inbox.put(kind)
        elif kind == "ping":
            say({"type": "pong", "id": number})
        elif kind == "shutdown":
            break
        else:
            say({"type": "unsupported", "id": number})
    # The host is gone or wants no more: threads that still deliver are not waited for.
    os._exit(0)
