#!/usr/bin/env python3
"""Every way in which a plugin can be bad to its host, by the setting `mode`. Raw on purpose: nothing keeps it within the protocol."""
import hashlib
import json
import os
import signal
import sys
import time


def say(**message):
    os.write(1, (json.dumps(message) + "\n").encode())


def messages():
    for line in sys.stdin.buffer:
        yield json.loads(line)


def wait_for_ever():
    while True:
        time.sleep(3600)


def note(name, text):
    with open(os.path.join(FOLDER, "." + name + ".part"), "a") as file:
        file.write(text + "\n")


def noted(name):
    path = os.path.join(FOLDER, "." + name + ".part")
    return open(path).read().count("\n") if os.path.exists(path) else 0


def announce(order, sha256=None, size=None):
    """Returns what the host says to it."""
    say(type="checkpoint", id=order["id"], checkpoint=order["key"],
        ready={"size": order["size"] if size is None else size, "sha256": sha256 or order["sha256"]})
    # A host that is kept from its work for a second asks meanwhile whether anybody is there.
    while (answer := next(STREAM))["type"] == "ping":
        say(type="pong", id=answer["id"])
    return answer


def place(order):
    path = os.path.join(FOLDER, order["key"])
    with open(order["file"], "rb") as source, open(path, "wb") as target:
        target.write(source.read())


def done(order, **other):
    say(**{"type": "done", "id": order["id"], "key": order["key"], "size": order["size"], "sha256": order["sha256"], **other})


def fork_and_sleep(order, count):
    for _ in range(count):
        if os.fork() == 0:
            note("children", str(os.getpid()))
            wait_for_ever()
    # Until each has said who it is.
    while noted("children") < count:
        say(type="progress", id=order["id"], bytes=0)
        time.sleep(0.01)


def take_all():
    """As much of everything as the kernel gives."""
    files = []
    try:
        while True:
            files.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        told = {"files": len(files), "why": error.strerror}
    for file in files:
        os.close(file)
    try:
        told["memory"] = len(bytearray(1 << 30))
    except MemoryError:
        told["memory"] = 0
    # The kernel does not hold root to a number of processes.
    if os.getuid() == 0:
        os.setuid(65_534)
    told["children"] = []
    try:
        while len(told["children"]) < 1_000:
            child = os.fork()
            if child == 0:
                wait_for_ever()
            told["children"].append(child)
    except BlockingIOError:
        pass
    return told


def deliver(mode, order):
    if mode == "hang":
        wait_for_ever()
    elif mode == "crash":
        sys.stderr.write("about to fall over\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGSEGV)
        wait_for_ever()
    elif mode == "exit":
        sys.exit(0)
    elif mode == "exit-after-effect":
        announce(order)
        place(order)
        sys.exit(0)
    elif mode == "flood":
        while True:
            say(type="progress", id=order["id"], bytes=1)
    elif mode == "flood-of-errors":
        for number in range(500):
            os.write(2, b"x" * 65_536)
            say(type="progress", id=order["id"], bytes=number)
        announce(order)
        place(order)
        done(order)
    elif mode == "endless-line":
        while True:
            os.write(1, b"x" * 65_536)
    elif mode == "impatient":
        # A host that reads fast must still fall behind.
        while True:
            say(type="checkpoint", id=order["id"], checkpoint="again")
    elif mode == "forks":
        fork_and_sleep(order, 100)
        wait_for_ever()
    elif mode == "leaves-children":
        fork_and_sleep(order, 3)
        os._exit(3)
    elif mode == "leaves-a-session":
        if os.fork() == 0:
            os.setsid()
            note("children", str(os.getpid()))
            time.sleep(20)
        while not os.path.exists(os.path.join(FOLDER, ".children.part")):
            time.sleep(0.01)
        os._exit(3)
    elif mode == "lies-about-the-digest":
        announce(order)
        place(order)
        done(order, sha256=hashlib.sha256(b"something else").hexdigest())
    elif mode == "lies-about-the-size":
        announce(order)
        place(order)
        done(order, size=order["size"] + 1)
    elif mode == "says-nothing-of-the-digest":
        announce(order)
        place(order)
        done(order, sha256=None)
    elif mode == "other-key":
        announce(order)
        place(order)
        done(order, key="somewhere/else.bin")
    elif mode == "names-a-fact-badly":
        announce(order)
        place(order)
        done(order, facts={"\x1b[2Jsize": "1"})
    elif mode == "unannounced":
        place(order)
        done(order)
    elif mode == "hands-over":
        announce(order)
        say(type="handed-over", id=order["id"], checkpoint="", key=order["key"], size=order["size"], sha256=order["sha256"])
    elif mode == "tells":
        say(type="failed", id=order["id"], **{"class": "hold"}, code="told", text=json.dumps({
            "descriptors": [name for name in os.listdir("/proc/self/fd") if name not in "012" and os.path.exists(f"/proc/self/fd/{name}")],
            "environment": sorted(os.environ), "folder": os.getcwd(), "group": os.getpgid(0) == os.getpid(),
            "ignored": open("/proc/self/status").read().split("SigIgn:")[1].split()[0],
            "limits": open("/proc/self/limits").read().split("Max core file size")[1].split()[0]}))
    elif mode == "prints-the-secret":
        sys.stderr.write(f"the token is {TOKEN}\n")
        sys.stderr.flush()
        say(type="failed", id=order["id"], **{"class": "hold"}, code="refused", text=f"401 for {TOKEN}", hint=f"is {TOKEN} right?")
    elif mode == "control-characters":
        say(type="failed", id=order["id"], **{"class": "hold"}, code="two\nlines", text="\x1b[31mred\nsecond line", hint="a\rb")
    elif mode == "poison" and "poison" in order["key"]:
        os.kill(os.getpid(), signal.SIGKILL)
    elif mode == "dies-twice" and noted("deaths") < 2:
        note("deaths", "x")
        os.kill(os.getpid(), signal.SIGKILL)
    elif mode == "greedy":
        say(type="failed", id=order["id"], **{"class": "hold"}, code="told", text=json.dumps(take_all()))
    elif mode == "deaf" :
        # It goes on saying that it works, whatever it is asked to.
        while True:
            say(type="progress", id=order["id"], bytes=0)
            time.sleep(0.2)
    elif mode == "nothing":
        announce(order)
        done(order)
    else:
        if announce(order)["type"] == "saved":
            place(order)
            done(order)
        else:
            say(type="failed", id=order["id"], **{"class": "cancelled"}, code="cancelled", text="cancelled")


FOLDER, MODE, TOKEN = "/", "", ""
STREAM = messages()
for message in STREAM:
    kind, number = message["type"], message["id"]
    if kind == "hello":
        # The settings are not known yet: what happens before them goes by the folder that the test puts the plugin in.
        early = os.environ.get("POUCH_TEST_MODE", "")
        if early == "hang-at-start":
            wait_for_ever()
        elif early == "killed-at-start":
            os.kill(os.getpid(), signal.SIGKILL)
        elif early == "exit-at-start":
            sys.stderr.write("ModuleNotFoundError: no module named 'requests'\n")
            sys.exit(0)
        elif early == "no-protocol":
            os.write(1, b"Hello, world!\n")
            wait_for_ever()
        elif early == "binary":
            os.write(1, bytes(range(256)) * 10 + b"\n")
            wait_for_ever()
        say(type="hello", id=number, protocol=2 if early == "other-version" else 1, parallel=4 if early == "parallel" else 1,
            name="impostor" if early == "other-name" else "hostile", version="6.6")
    elif kind.startswith("x-"):
        if os.environ.get("POUCH_TEST_MODE") == "brittle":
            sys.exit("unknown request")
        say(type="configured" if os.environ.get("POUCH_TEST_MODE") == "agrees-to-all" else "unsupported", id=number)
    elif kind == "configure":
        FOLDER, MODE, TOKEN = message["settings"]["folder"], message["settings"]["mode"], message["secrets"].get("token", "")
        if MODE == "refuses-its-settings":
            say(type="invalid", id=number, field="folder", text="not there")
        else:
            say(type="configured", id=number)
    elif kind == "deliver":
        deliver(MODE, message)
    elif kind == "exists":
        path = os.path.join(FOLDER, message["key"])
        if MODE == "does-not-know":
            say(type="presence", id=number, state="unknown", text="the far end keeps no list")
        else:
            is_there = os.path.exists(path)
            say(type="presence", id=number, state="present" if is_there else "absent", key=message["key"])
    elif kind == "check":
        say(type="findings", id=number, findings=[{"severity": "good", "text": "all is well"}])
    elif kind == "abandon":
        say(type="abandoned", id=number)
    elif kind == "ping":
        say(type="pong", id=number)
    elif kind == "shutdown":
        break
