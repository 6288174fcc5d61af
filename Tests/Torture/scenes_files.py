"""The shape of files (F26 to F38): changed under way, links, no files at all, names of any bytes."""

import base64
import hashlib
import json
import os
import socket
import subprocess
import time
import unicodedata

from stage import Skipped, alerts, codes, expect, needs_root, put, status
from stands import sha256


def f26_changed_while_it_is_sent(stage):
    """A kept source is rewritten, cut or appended to during the transfer: no mixture is ever seen, and what it is in the end arrives."""
    for number, change in enumerate(["rewrite", "cut", "grow", "same size and time"]):
        stand = stage.local(f"stand-{number}", then="keep", limits="at-once: 2, bandwidth: 300 KB/s", folder=", sweep: 1s")
        stand.ledger.feed("changing.bin", 400_000)
        agent = stage.serving(stand)
        agent.until_status(lambda status: status["running"] and status["running"][0]["sent"] > 0, "it is being sent")
        with open(stand.ledger.prepare("changing.bin", {"cut": 1_000, "grow": 600_000}.get(change, 400_000)), "rb") as file:
            body = file.read()
        target = stand.path("drop", "changing.bin")
        seen = os.stat(target)
        with open(target, "r+b") as file:
            file.write(body)
            file.truncate()
        if change.startswith("same"):
            os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        last = hashlib.sha256(body).hexdigest()
        if change.startswith("same"):
            # Nobody can tell such a change from none by looking at the file; that no mixture is sent is what can be asked.
            time.sleep(4)
            stand.expect_nothing_wrong(change)
        else:
            agent.until(lambda: last in {digest for _, digest in stand.found()}, f"after {change}, what it is in the end arrives")
            stand.expect_nothing_wrong(change)
        agent.stop()


def f27_deleted_or_replaced_while_it_is_sent(stage):
    """A kept source is removed, or another file renamed over it: whole or not at all, and what became of it is on record."""
    for number, change in enumerate(["delete", "replace"]):
        stand = stage.local(f"stand-{number}", then="keep", limits="at-once: 2, bandwidth: 300 KB/s", folder=", sweep: 1s")
        stand.ledger.feed("going.bin", 400_000)
        agent = stage.serving(stand)
        agent.until_status(lambda status: status["running"] and status["running"][0]["sent"] > 0, "it is being sent")
        if change == "delete":
            os.unlink(stand.path("drop", "going.bin"))
        else:
            last = stand.ledger.prepare("going.bin", 50_000)
            digest = sha256(last)
            os.rename(last, stand.path("drop", "going.bin"))
            agent.until(lambda: digest in {found for _, found in stand.found()}, "the file that replaced it arrives")
        agent.until_status(lambda status: not status["running"], "the first one has ended")
        stand.expect_nothing_wrong(change)
        total = agent.status()["journal"]["total"]
        expect(total["delivered"] + total["quarantined"] + total["waiting"] == total["admitted"], f"the counts: {total}")
        expect(agent.status()["unaccounted"] == 0, "unaccounted")
        agent.stop()


def f28_the_same_name_again_and_again(stage):
    """Twenty drops under one name, as fast as they are taken: twenty files at the partner, none overwritten."""
    stand = stage.local(limits="at-once: 4")
    agent = stage.serving(stand)
    target = stand.path("drop", "report.csv")
    for number in range(20):
        staged = stand.ledger.prepare(f"report.csv#{number}", 1_000)
        agent.until(lambda: not os.path.exists(target), "the one before is taken")
        os.rename(staged, target)
    agent.until_delivered("one name, twenty files")
    agent.stop_and_expect_everything("one name, twenty files")


def f29_links_are_not_followed(stage):
    """To a secret, into nothing, in a circle, to a folder: reported as ignored, never opened, and the other files go on."""
    stand = stage.local()
    secret = stage.path("secret")
    put(secret, b"canary of the secret file")
    os.makedirs(stage.path("outside"))
    put(stage.path("outside", "inner.bin"), b"canary outside")
    drop = stand.path("drop")
    for name, target in [("secret", secret), ("shadow", "/etc/shadow"), ("nowhere", "/no/such/place"), ("circle", "circle"),
                         ("link-to-folder", stage.path("outside")), ("up", "..")]:
        os.symlink(target, f"{drop}/{name}")
    agent = stage.serving(stand)
    stand.feed(4)
    agent.until_delivered("beside links")
    ignored = agent.until_status(lambda status: status["folders"][0]["ignored"], "the status counts them")["folders"][0]["ignored"]
    expect(ignored.get("a symbolic link", 0) >= 4, f"ignored: {ignored}")
    expect(len(os.listdir(drop)) >= 6 and agent.stop().code == 0, "the links were touched, or it did not end well")
    stand.expect_nothing_wrong("beside links")


def f30_swapped_for_a_link_between_check_and_open(stage):
    """A producer swaps a file, and its folder, for links to a secret, as fast as it can: the secret is never seen at the partner."""
    stand = stage.local(folder=", sweep: 1s")
    drop, outside = stand.path("drop"), stage.path("outside")
    put(f"{outside}/prey.bin", b"canary of the secret file")
    os.makedirs(f"{drop}/sub")
    agent = stage.serving(stand)
    agent.until_status(lambda status: status["folders"], "it watches")
    end, number = time.monotonic() + 3, 0
    while time.monotonic() < end:
        number += 1
        with open(stand.ledger.prepare(f"prey#{number}", 10), "rb") as file:
            body = file.read()
        try:
            put(f"{drop}/prey.tmp", body)
            os.rename(f"{drop}/prey.tmp", f"{drop}/prey.bin")
            os.symlink(f"{outside}/prey.bin", f"{drop}/link.tmp")
            os.rename(f"{drop}/link.tmp", f"{drop}/prey.bin")
            put(f"{drop}/sub/prey.bin", body + b"#")
            stand.ledger.names[hashlib.sha256(body + b"#").hexdigest()] = f"sub/prey#{number}"
            os.rename(f"{drop}/sub", f"{drop}/was-{number}")
            os.symlink(outside, f"{drop}/sub")
            os.unlink(f"{drop}/sub")
            os.mkdir(f"{drop}/sub")
        except FileExistsError:
            pass
    os.unlink(f"{drop}/prey.bin")
    expect(number > 50, f"only {number} swaps")
    agent.until_status(lambda status: status["journal"]["total"]["waiting"] == 0 and not status["running"], "it comes to rest")
    stand.expect_nothing_wrong(f"after {number} swaps")
    ended = agent.stop()
    expect(ended.code == 0, f"it ended with {ended.code}: {ended.said[-400:]}")
    expect(os.path.exists(f"{outside}/prey.bin"), "the secret file was taken")


def f31_a_hard_link_to_another_file(stage):
    """Its bytes are delivered as they are, and only the dropped name goes: the other name stays, with its content."""
    stand = stage.local()
    other = stage.path("other.bin")
    os.rename(stand.ledger.prepare("linked.bin", 3_000), other)
    os.link(other, stand.path("drop", "linked.bin"))
    stand.expect_everything("a hard link", stand.deliver())
    expect(os.path.exists(other) and os.stat(other).st_nlink == 1, "the other name is gone")


def f32_no_files_at_all(stage):
    """FIFOs, sockets and devices are passed over without waiting for anybody, and told."""
    stand = stage.local()
    drop = stand.path("drop")
    os.mkfifo(f"{drop}/fifo")
    listener = socket.socket(socket.AF_UNIX)
    here = os.open(drop, os.O_RDONLY)
    listener.bind(f"/proc/self/fd/{here}/socket")
    os.close(here)
    expected = {"a FIFO", "a socket"}
    try:
        os.mknod(f"{drop}/device", 0o600 | 0o020000, os.makedev(1, 5))
        expected.add("a device")
    except PermissionError:
        pass
    stand.feed(4)
    ended = stand.deliver()
    listener.close()
    expect(ended.seconds < 30, f"it took {ended.seconds:.0f} s")
    verdict = stand.ledger.judge(stand.found(), is_over=True)
    expect(verdict.is_good, f"beside a FIFO: {verdict}")
    said = stand.run("run", "--once").said
    expect(all(word in said for word in expected), f"not told: {expected} in {said[-400:]}")


def f33_sizes_at_every_edge(stage):
    """Nothing, one byte, around a block and around 5 MiB; a sparse giant that may not be cut into segments is held, and somebody is called."""
    stand = stage.inbox()
    for size in (0, 1, 4_095, 4_096, 65_537, (5 << 20) - 1, 5 << 20, (5 << 20) + 1):
        stand.ledger.feed(f"size-{size}.bin", size)
    stand.expect_everything("sizes at every edge", stand.deliver(patience=60))
    text = open(stand.path("agent.yaml"), encoding="utf-8").read()
    stand.write("agent.yaml", text.replace("as: generator", "as: generator, upload: single"), 0o600)
    with open(stand.path("drop", "giant.bin"), "wb") as file:
        file.truncate(1 << 40)
    ended = stand.deliver()
    held = status(stand)["journal"]["held"]
    expect(ended.code == 1 and held and held[0]["failure"]["code"] == "too-large", f"the giant: {ended.code}, {held}")
    expect("too-large" in codes(stand), "nobody was called for the giant")


def f34_files_that_cannot_be_read(stage):
    """As somebody who is not root: what cannot be read is told, and delivered when it can."""
    needs_root()
    stand = stage.local(folder=", sweep: 1s")
    for place in ("drop", "staging"):
        os.chown(stand.path(place), 65534, 65534)
    os.chown(stand.folder, 65534, 65534)
    for name in ("agent.yaml", "page-me"):
        os.chown(stand.path(name), 65534, 65534)
    for place in (stage.folder, os.path.dirname(stage.folder)):
        os.chmod(place, 0o711)
    os.chmod(stand.ledger.prepare("locked.bin", 1_000), 0o000)
    staged = stand.ledger.prepare("locked.bin#2", 1_000)
    os.chmod(staged, 0o000)
    os.rename(staged, stand.path("drop", "locked.bin"))
    stand.ledger.names = {digest: name for digest, name in stand.ledger.names.items() if name == "locked.bin#2"}
    agent = stage.serving(stand, prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
    # Its configuration is not root's: what it has to say is in its log.
    agent.until(lambda: "cannot read locked.bin" in agent.said(), "it says that it cannot be read")
    stand.expect_nothing_wrong("unreadable")
    os.chmod(stand.path("drop", "locked.bin"), 0o644)
    agent.until_delivered("readable again")
    expect(agent.stop().code == 0, "the end")


def f34_a_file_that_cannot_be_moved(stage):
    """An immutable file (`chattr +i`) stays where it is, is told, and is delivered once it can be taken."""
    stand = stage.local(folder=", sweep: 1s")
    stand.ledger.feed("immutable.bin", 1_000)
    path = stand.path("drop", "immutable.bin")
    made = subprocess.run(["chattr", "+i", path], capture_output=True, text=True, check=False)
    if made.returncode:
        raise Skipped(f"no immutable files here: {made.stderr.strip()}")
    stage.ends.callback(subprocess.run, ["chattr", "-i", path], capture_output=True, check=False)
    agent = stage.serving(stand)
    agent.until(lambda: alerts(stand), "the operator is called")
    stand.expect_nothing_wrong("immutable")
    subprocess.run(["chattr", "-i", path], check=True)
    agent.until_delivered("when it can be taken")
    agent.stop_and_expect_everything("when it could be taken")


def f35_names_of_any_bytes(stage):
    """Every byte but two, line breaks, escapes, right-to-left marks, 255 bytes, deep paths: delivered byte-true, or quarantined with its
    bytes on record; no line of the log is forged."""
    stand = stage.local()
    names = [b"byte-" + bytes([byte]) + b"-end" for byte in range(1, 256) if byte != 0x2F]
    forged = b'x\n{"level":"info","message":"forged"}\n'
    names += [
        b"-rf", b"--", b"\xe2\x80\xae txt.exe", "Ünïcode ☃ 漢字".encode(), b"a\\nb", b"%00", b"%2e%2e%2f", b"trailing. ", b" leading", forged,
        b"\x1b[31mred\x1b[0m", b"n" * 255, b"\xe2\x98\x83" * 85, b"d" * 200 + b"/" + b"e" * 200 + b"/" + b"f" * 200, b"*?[a]{b}$HOME",
        b"'; drop table delivery; --", b"CON", b"\xc0\xaf", b"\xed\xa0\x80"]
    wanted = {}
    for number, name in enumerate(names):
        staged = os.fsencode(stand.ledger.prepare(f"name {number}", 10))
        target = os.fsencode(stand.path("drop")) + b"/" + name
        os.makedirs(os.path.dirname(target), exist_ok=True)
        wanted[name] = sha256(staged)
        os.rename(staged, target)
    ended = stand.run("run", "--once", "--log-level", "debug")
    found = {digest: path for path, digest in stand.found()}
    recorded = [line for line in stand.manifest()]
    quarantined = {base64.b64decode(line["file"]["pathBytes"]) for line in recorded if line["outcome"] == "quarantined"
                   and line["file"].get("pathBytes")} | {
        os.fsencode(line["file"]["path"]) for line in recorded if line["outcome"] == "quarantined" and not line["file"].get("pathBytes")}
    left = {os.path.relpath(os.path.join(place, name), os.fsencode(stand.path("drop")))
            for place, _, found_names in os.walk(os.fsencode(stand.path("drop"))) for name in found_names}
    for name, digest in wanted.items():
        arrived = digest in found and os.fsencode(os.path.relpath(found[digest], stand.path("inbox")))
        if arrived:
            expect(arrived == name, f"{name!r} arrived as {arrived!r}")
        elif name in left:
            expect(name.endswith((b".tmp", b".part", b"~")) or name.startswith(b"."), f"{name!r} was left")
        else:
            expect(name in quarantined, f"{name!r} is neither delivered nor in the quarantine: {ended.said[-300:]}")
    expect(len(found) > 100, f"only {len(found)} names were delivered")
    lines = [line for line in ended.said.splitlines() if not line.startswith(("hint: ", f"{len(found)} delivered"))]
    for line in lines:
        try:
            json.loads(line)
        except ValueError:
            expect(False, f"a line of the log is no record: {line[:200]!r}")
    expect('"message":"forged"' not in "".join(line for line in lines if line.startswith('{"level"')), "a line was forged")
    people = stand.run("status").said
    expect("\x1b" not in people and "\u202e" not in people, "the status shows control characters")
    verified = stand.run("manifest", "verify")
    expect(verified.code == 0, f"the manifest: {verified.said[-300:]}")


def f36_names_that_only_look_the_same(stage):
    """Upper and lower case, composed and decomposed: each its own file."""
    stand = stage.inbox()
    for name in ("A.txt", "a.txt", unicodedata.normalize("NFC", "é.txt"), unicodedata.normalize("NFD", "é.txt"), "ﬁ.txt", "fi.txt"):
        stand.ledger.feed(name, 100)
    stand.expect_everything("names that only look the same", stand.deliver())


def f37_a_key_cannot_climb(stage):
    """Names and folders that look like a way out stay below the prefix, or go to the quarantine."""
    stand = stage.inbox()
    drop = stand.path("drop")
    for number, name in enumerate(["..x", "...", "a/...", "%2e%2e/x", "..%2fx", "\\..\\x"]):
        staged = stand.ledger.prepare(f"way out {number}", 10)
        os.makedirs(os.path.dirname(f"{drop}/{name}"), exist_ok=True)
        os.rename(staged, f"{drop}/{name}")
    stand.deliver()
    for each in stand.tools.sandbox.objects("acme-inbox"):
        expect(each["key"].startswith("from-orga/") and "/../" not in each["key"], f"a key climbed out: {each['key']}")
    stand.expect_nothing_wrong("names that look like a way out")


def f38_times_that_no_clock_shows(stage):
    """1901, 1970, 2038, 2446, the far ends of what a file system keeps, and attributes of others: no crash, each once."""
    stand = stage.local()
    for number, seconds in enumerate((-(1 << 31), -1, 0, (1 << 31) - 1, 1 << 31, 1 << 33, (1 << 34) - 1)):
        staged = stand.ledger.prepare(f"time-{number}.bin", 100)
        os.utime(staged, (seconds, seconds))
        try:
            os.setxattr(staged, "user.somebody", b"\xff\n\0" * 50)
        except OSError:
            pass
        os.rename(staged, stand.path("drop", f"time-{number}.bin"))
    stand.expect_everything("times that no clock shows", stand.deliver())
