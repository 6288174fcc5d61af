"""Watching (F18 to F25): events are hints; what they miss, sweeps find."""

import os
import shutil
import signal
import subprocess
import time

from stage import Skipped, expect, needs_root, put

#: Longer than any scene: what is found was found by an event, or because something was in doubt.
NO_SWEEP = ", sweep: 1h"


def notices(status):
    return " ".join(" ".join(folder["notices"]) for folder in status["folders"])


def f18_more_events_than_the_queue_holds(stage):
    """The agent is stopped while more happens than the kernel remembers: everything is looked at, nothing is missed, and it is told."""
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        most = int(file.read())
    if most > 50_000:
        raise Skipped(f"the queue holds {most} events here")
    stand = stage.local(folder=NO_SWEEP)
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered("before the storm")
    agent.signal(signal.SIGSTOP)
    storm = stand.path("drop", "storm.tmp")
    for _ in range(most // 2 + 500):
        # At least two events each, none of a file that is to be delivered.
        put(storm)
        os.unlink(storm)
    for number in range(40):
        stand.ledger.feed(f"{'deep/er/' if number % 2 else ''}late-{number}.bin", 500)
    agent.signal(signal.SIGCONT)
    agent.until_delivered("after the queue overflowed")
    agent.until_status(lambda status: "more happened" in notices(status), "the status tells of the overflow")
    agent.stop_and_expect_everything("after the queue overflowed")


def f19_no_watches_left(stage):
    """In a user namespace with five watches: what cannot be watched is swept, and the status says how many are needed."""
    needs_root()
    stand = stage.local(folder=", sweep: 1s")
    for number in range(10):
        os.makedirs(stand.path("drop", f"folder-{number}"))
    trial = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", "echo 5 >/proc/sys/user/max_inotify_watches"], capture_output=True,
        text=True, check=False)
    if trial.returncode:
        raise Skipped(f"no user namespace with limits of its own: {trial.stderr.strip()}")
    agent = stage.serving(
        stand, prefix=(
            "unshare", "--user", "--map-root-user", "sh", "-c", 'echo 5 >/proc/sys/user/max_inotify_watches; exec "$@"', "sh"))
    said = agent.until_status(lambda status: "swept instead of watched" in notices(status), "the status tells of the limit")
    expect("max_user_watches" in notices(said) or "hint" in notices(said), f"no way out is named: {notices(said)}")
    for number in range(10):
        stand.ledger.feed(f"folder-{number}/file.bin", 500)
    agent.until_delivered("with five watches")
    agent.stop_and_expect_everything("with five watches")


def f20_folders_are_renamed_replaced_and_deleted(stage):
    """Under the watch, without a sweep: each is known by what it is, not by its name."""
    stand = stage.local(folder=NO_SWEEP)
    drop = stand.path("drop")
    agent = stage.serving(stand)
    stand.ledger.feed("a/one.bin", 500)
    agent.until_delivered("before")
    os.rename(f"{drop}/a", f"{drop}/b")
    os.mkdir(f"{drop}/a")
    stand.ledger.feed("a/two.bin", 500)
    stand.ledger.feed("b/three.bin", 500)
    agent.until_delivered("after a rename, and in the new folder of the old name")
    shutil.rmtree(f"{drop}/a")
    stand.ledger.feed("a/four.bin", 500)
    agent.until_delivered("in a folder that was deleted and made again")
    places = {os.path.relpath(path, stand.path("inbox")) for path, _ in stand.found()}
    expect(places == {"a/one.bin", "a/two.bin", "b/three.bin", "a/four.bin"}, f"delivered under other names: {places}")
    agent.stop_and_expect_everything("after folders were renamed")


def f20_the_drop_folder_itself_is_replaced(stage):
    """It is told, and the new one is watched."""
    stand = stage.local(folder=NO_SWEEP)
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered("before")
    os.rename(stand.path("drop"), stand.path("old-drop"))
    agent.until_status(lambda status: not status["folders"][0]["isThere"] or status["folders"][0]["notices"], "it is told")
    os.mkdir(stand.path("drop"))
    stand.ledger.feed("new.bin", 500)
    agent.until_delivered("in the new drop folder")
    agent.stop_and_expect_everything("after the drop folder was replaced")


def f21_files_in_folders_made_a_moment_before(stage):
    """mkdir, and a file in it before any watch can be there."""
    stand = stage.local(folder=NO_SWEEP)
    agent = stage.serving(stand)
    agent.until_status(lambda status: status["folders"], "it watches")
    for number in range(150):
        stand.ledger.feed(f"new-{number}/deep/er/file.bin", 100)
    agent.until_delivered("in new folders")
    agent.stop_and_expect_everything("in new folders")


def f22_files_that_were_there_before_the_start(stage):
    """Delivered once, whatever their age, and not again by the next run."""
    stand = stage.local()
    stand.feed(6)
    for number, (place, _, names) in enumerate(os.walk(stand.path("drop"))):
        for name in names:
            os.utime(os.path.join(place, name), (number * 1e9, number * 1e9))
    stand.expect_everything("files of any age", stand.deliver())
    stand.expect_everything("a second run", stand.deliver())


def f23_a_storm_of_writes_to_one_file(stage):
    """A file that is written to again and again: memory stays, other files go on, and at the end it is delivered once, whole."""
    stand = stage.local(folder=', ready: { quiet: 1s }')
    agent = stage.serving(stand)
    stand.ledger.feed("first.bin", 500)
    agent.until_delivered("before the storm")
    before, target = agent.memory(), stand.path("drop", "storm.log")
    staged = stand.ledger.prepare("storm.log", 30_000)
    with open(staged, "rb") as file:
        body = file.read()
    for number in range(0, len(body), 10):
        with open(target, "ab") as file:
            file.write(body[number:number + 10])
    stand.ledger.feed("beside.bin", 500)
    agent.until_delivered("after the storm")
    expect(agent.memory() < before + 60, f"memory grew from {before:.0f} to {agent.memory():.0f} MiB")
    agent.stop_and_expect_everything("after the storm")


def f24_a_slow_writer(stage):
    """A file that is held open is not taken, however long its writer pauses, and nothing of it is seen before."""
    stand = stage.local(folder=", sweep: 1s")
    agent = stage.serving(stand)
    with open(stand.ledger.prepare("slow.bin", 20_000), "rb") as file:
        body = file.read()
    os.makedirs(stand.path("drop", "folder"))
    with open(stand.path("drop", "folder", "slow.bin"), "wb", buffering=0) as slow:
        for start in range(0, len(body), 5_000):
            slow.write(body[start:start + 5_000])
            time.sleep(0.9)
            stand.expect_nothing_wrong("while it is written")
            expect(not stand.found(), "it was delivered before it was closed")
        status = agent.until_status(lambda status: status["folders"][0]["unsettled"], "the status counts it as unsettled")
        expect(status["folders"][0]["unsettled"] == 1, "unsettled is not 1")
    agent.until_delivered("after the close")
    agent.stop_and_expect_everything("after the close")


def f25_every_way_in(stage):
    """Renamed in, linked in, written by two, held open by a reader: each once, as it was at its end."""
    stand = stage.local(folder=", sweep: 1s")
    agent = stage.serving(stand)
    agent.until_status(lambda status: status["folders"], "it watches")
    drop = stand.path("drop")
    os.rename(stand.ledger.prepare("renamed.bin", 500), f"{drop}/renamed.bin")
    os.link(linked := stand.ledger.prepare("linked.bin", 500), f"{drop}/linked.bin")
    os.unlink(linked)
    with open(stand.ledger.prepare("twice.bin", 9_000), "rb") as file:
        body = file.read()
    two = [open(f"{drop}/twice.bin", "wb", buffering=0) for _ in range(2)]
    two[0].write(body[:4_000])
    two[0].close()
    two[1].seek(4_000)
    two[1].write(body[4_000:])
    two[1].close()
    with open(stand.ledger.prepare("read.bin", 500), "rb") as file:
        body = file.read()
    put(f"{drop}/read.tmp", body)
    reader = open(f"{drop}/read.tmp", "rb")
    os.rename(f"{drop}/read.tmp", f"{drop}/read.bin")
    agent.until_delivered("each way in")
    reader.close()
    agent.stop_and_expect_everything("each way in")
