"""Process and power (F4 to F10); F1 to F3 are the sweeps of kills and the power cuts."""

import errno
import os
import signal
import sqlite3
import subprocess
import time

from stage import Skipped, alerts, codes, expect, put, status


def delivered_once(stage, count=3, name="stand"):
    """A stand with a history: some files delivered, the agent ended."""
    stand = stage.local(name)
    stand.feed(count)
    stand.expect_everything("the run before the fault", stand.deliver())
    return stand


def f04_the_manifest_ends_in_garbage(stage):
    """Half a line, NULs, a line without its end: cut off, kept aside, told, and the chain goes on and verifies."""
    for number, tail in enumerate([b'{"version":1,"seq', b"\0" * 700, b"\xff\xfe garbage"]):
        stand = delivered_once(stage, name=f"stand-{number}")
        with open(stand.path("state", "manifest", "manifest.jsonl"), "ab") as manifest:
            manifest.write(tail)
        stand.ledger.feed("after.bin", 1_000)
        stand.expect_everything(f"after {tail[:20]!r} at the manifest's end", stand.deliver())
        expect("manifest-torn" in codes(stand), f"nobody was told of the torn manifest: {codes(stand)}")
        kept = [each for each in os.listdir(stand.path("state", "manifest")) if each != "manifest.jsonl"]
        expect(kept, "the torn end was not kept aside")


def f04_the_journal_is_garbage(stage):
    """A journal of zeros, of noise, cut in half: kept aside, told, a new one begun; what was claimed is delivered, nothing twice."""
    for number, spoil in enumerate([lambda body: b"\0" * len(body), lambda body: body[: len(body) // 2], lambda body: b"x" * 100]):
        stand = delivered_once(stage, name=f"stand-{number}")
        journal = stand.path("state", "journal.sqlite")
        with open(journal, "rb") as file:
            body = spoil(file.read())
        for ending in ("-wal", "-shm"):
            if os.path.exists(journal + ending):
                os.unlink(journal + ending)
        with open(journal, "wb") as file:
            file.write(body)
        stand.ledger.feed("after.bin", 1_000)
        ended = stand.deliver()
        expect(ended.code == 0, f"with a spoilt journal ({number}) the run ended with {ended.code}: {ended.said[-600:]}")
        stand.expect_delivered(f"with a spoilt journal ({number})")
        expect("journal-damaged" in codes(stand), f"nobody was told of the damaged journal ({number}): {codes(stand)}")
        expect(
            any(".damaged-" in each for each in os.listdir(stand.path("state"))), f"the damaged journal ({number}) was not kept aside")


def f04_the_end_of_the_wal_is_garbage(stage):
    """After a kill the last bytes of the journal's WAL are noise or missing: the rest counts, and nothing is lost or sent twice."""
    for number, spoil in enumerate([lambda body: body[:-100], lambda body: body[:-50] + b"\x5a" * 50, lambda body: body + b"\0" * 4_096]):
        stand = stage.local(f"stand-{number}")
        stand.feed(4)
        with_kill = stand.deliver("kill:60")
        wal = stand.path("state", "journal.sqlite-wal")
        expect(with_kill.was_killed and os.path.exists(wal), "the agent was to be killed with a WAL, and was not")
        with open(wal, "rb") as file:
            body = spoil(file.read())
        with open(wal, "wb") as file:
            file.write(body)
        ended = stand.deliver()
        expect(ended.code == 0, f"with a spoilt WAL ({number}) the run ended with {ended.code}: {ended.said[-600:]}")
        stand.expect_delivered(f"with a spoilt WAL ({number})")


def f05_a_failed_fsync_is_never_trusted(stage):
    """fsync fails once (of the journal, a part file, a folder, the manifest), or always: what is called done is done, the rest is told."""
    for number in (2, 6, 11):
        for mode in ("fail", "always"):
            stand = stage.local(f"{mode}-{number}")
            stand.feed()
            disturbed = stand.deliver(f"{mode}:{number}:{errno.EIO}:sync", patience=4)
            stand.expect_nothing_wrong(f"fsync {mode} at {number}")
            if disturbed.code == 0:
                stand.expect_delivered(f"fsync {mode} at {number}, and reported as done")
            expect(disturbed.code >= 0, f"fsync {mode} at {number}: it died of signal {-disturbed.code}")
            stand.run("release", "desk")
            stand.expect_everything(f"after fsync {mode} at {number}", stand.deliver())


def f06_sighup_does_not_kill(stage):
    """A terminal that closes, or a hand that expects a reload, does not end an unattended agent."""
    stand = stage.local()
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered()
    agent.signal(signal.SIGHUP)
    stand.ledger.feed("after-sighup.bin", 1_000)
    agent.until_delivered("after SIGHUP")
    agent.stop_and_expect_everything("after SIGHUP")


def f06_a_closed_pipe_does_not_kill(stage):
    """Whoever read the log goes away: every line is a write to a broken pipe from then on."""
    stand = stage.local()
    reader, writer = os.pipe()
    agent = subprocess.Popen(
        [stand.tools.pouch, "run", "--log-level", "debug"], cwd=stand.folder, env=stand.environment(), stdin=subprocess.DEVNULL,
        stdout=writer, stderr=writer)
    os.close(writer)
    try:
        os.read(reader, 10)
        os.close(reader)
        stand.feed(4)
        end = time.monotonic() + 30
        while stand.ledger.judge(stand.found(), is_over=True).lost:
            expect(agent.poll() is None, f"it died of {agent.returncode} when its log's reader went away")
            expect(time.monotonic() < end, "nothing is delivered when the log's reader went away")
        agent.terminate()
        agent.wait(15)
    finally:
        agent.kill()
        agent.wait()
    stand.expect_everything("when the log's reader went away", stand.deliver())


def f06_stopped_for_long_and_continued(stage):
    """SIGSTOP in the middle of the work, the sessions expire meanwhile, SIGCONT: new sessions, every file once."""
    stand = stage.inbox(limits="at-once: 2, bandwidth: 400 KB/s")
    stand.feed(8)
    agent = stage.serving(stand)
    agent.until(lambda: stand.found(), "the first file is delivered")
    agent.signal(signal.SIGSTOP)
    stand.tools.sandbox.ask("POST", "expire", {})
    stand.ledger.feed("while-stopped.bin", 5_000)
    agent.signal(signal.SIGCONT)
    agent.until_delivered("after SIGCONT")
    agent.stop_and_expect_everything("after SIGCONT")


def f07_killed_for_want_of_memory(stage):
    """The kernel's out-of-memory killer is a kill like others: the next run delivers everything once."""
    group = f"/sys/fs/cgroup/memory/pouch-torture-{os.getpid()}"
    try:
        os.mkdir(group)
        stage.ends.callback(os.rmdir, group)
        with open(f"{group}/memory.limit_in_bytes", "w", encoding="ascii") as file:
            file.write("24M")
    except OSError as error:
        raise Skipped(f"no memory cgroup of version 1 here: {error}") from None
    stand = stage.local()
    stand.feed(6)
    ended = subprocess.run(
        ["sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh", stand.tools.pouch, "run", "--once"], cwd=stand.folder,
        env=stand.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    stand.expect_nothing_wrong("killed for want of memory")
    expect(ended.returncode in (0, 1, -9, 137), f"for want of memory it ended with {ended.returncode}: {ended.stderr[-400:]}")
    stand.expect_everything("after it was killed for want of memory", stand.deliver())


def f08_two_agents_on_one_state(stage):
    """The second ends with 75 and names the first; after a kill the lock is nobody's, and the next one starts."""
    stand = stage.local()
    agent = stage.serving(stand)
    agent.until_status(lambda _: True, "the first agent answers")
    second = stand.run("run", "--once")
    expect(second.code == 75 and str(agent.process.pid) in second.said, f"the second agent: {second.code}: {second.said[-300:]}")
    agent.signal(signal.SIGKILL)
    agent.process.wait()
    stand.feed()
    stand.expect_everything("after the first was killed", stand.deliver())


def f09_a_state_of_a_later_version(stage):
    """A journal that a later Pouch wrote is refused with both versions named, and is not touched."""
    stand = delivered_once(stage)
    journal = sqlite3.connect(stand.path("state", "journal.sqlite"))
    (own,) = journal.execute("PRAGMA user_version").fetchone()
    journal.execute("PRAGMA user_version = 999")
    journal.commit()
    journal.close()
    stand.ledger.feed("later.bin", 10)
    refused = stand.deliver()
    expect(refused.code not in (0, -6, -11) and "999" in refused.said, f"it ended with {refused.code}: {refused.said[-300:]}")
    expect(os.path.exists(stand.path("drop", "later.bin")), "the drop was taken by an agent that cannot remember it")
    journal = sqlite3.connect(stand.path("state", "journal.sqlite"))
    journal.execute(f"PRAGMA user_version = {own}")
    journal.commit()
    journal.close()
    stand.expect_everything("with its own version again", stand.deliver())


def f10_one_poison_file(stage):
    """A file that can never be delivered goes to the quarantine with its reason; the others go on."""
    stand = stage.local()
    put(stand.path("drop", "poison-\udcff"), b"poison")
    stand.feed(4)
    ended = stand.deliver()
    expect(ended.code == 1, f"a run that quarantined something ended with {ended.code}")
    verdict = stand.ledger.judge(stand.found(), is_over=True)
    expect(verdict.is_good, f"beside a poison file: {verdict}")
    quarantined = status(stand)["journal"]["quarantined"]
    expect(len(quarantined) == 1 and quarantined[0]["failure"]["code"] == "name-not-utf8", f"the quarantine: {quarantined}")
    expect("name-not-utf8" in codes(stand), f"nobody was told: {alerts(stand)}")
