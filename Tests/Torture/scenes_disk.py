"""Disk (F11 to F17): full, read-only, frozen, without descriptors, taken away, rotten."""

import os
import resource
import shutil
import signal
import time

from stage import Skipped, alerts, codes, command, expect, status
from stands import sha256


def fill(place, spare=0):
    """Takes all the room that is left there but for some bytes; the returned path gives it back when it is removed."""
    path = os.path.join(place, ".filling")
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4_096):
                pass
        except OSError:
            pass
        file.truncate(max(0, file.tell() - spare))
    return path


def troubles(agent):
    return (agent.status() or {}).get("troubles", [])


def f11_no_room_for_the_journal(stage):
    """Intake stops and says so; the drops stay where they are; with room again it goes on by itself."""
    stand = stage.local()
    stage.tmpfs(stand.path("state"), "size=4m,mode=700")
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered("with room")
    filling = fill(stand.path("state"))
    for number in range(30):
        stand.ledger.feed(f"late-{number}.bin", 2_000)
    agent.until_status(lambda status: status["troubles"], "the status says that there is no room")
    agent.until(lambda: "journal" in codes(stand), "the operator is called")
    stand.expect_nothing_wrong("without room for the journal")
    os.unlink(filling)
    agent.until_delivered("with room again, by itself")
    agent.until(lambda: not troubles(agent), "the trouble is over in the status too")
    agent.stop_and_expect_everything("after the state was full")


def f11_no_inode_left_for_claims(stage):
    """A state without inodes: what cannot be claimed stays in the drop folder, is told, and goes on by itself."""
    stand = stage.local()
    stage.tmpfs(stand.path("state"), "size=16m,nr_inodes=40,mode=700")
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered("with inodes")
    made = []
    try:
        while True:
            made.append(stand.path("state", f"inode-{len(made)}"))
            os.mkdir(made[-1])
    except OSError:
        made.pop()
    for number in range(10):
        stand.ledger.feed(f"late-{number}.bin", 2_000)
    # Claims may lie in the drop folder's own file system: then inodes of the state are not needed for them.
    time.sleep(1)
    stand.expect_nothing_wrong("without inodes")
    expect(agent.process.poll() is None, "it gave up without inodes")
    for folder in made:
        os.rmdir(folder)
    agent.until_delivered("with inodes again")
    agent.stop_and_expect_everything("after there were no inodes")


def f11_no_room_at_the_partner(stage):
    """No half file is ever seen there; the deliveries wait with the reason, and go on when their time has come."""
    stand = stage.local()
    filling = fill(stage.tmpfs(stand.path("inbox"), "size=2m"), spare=100_000)
    for number in range(4):
        stand.ledger.feed(f"file-{number}.bin", 300_000)
    ended = stand.deliver(patience=3)
    expect(ended.code == 1, f"a run that could not deliver ended with {ended.code}")
    stand.expect_nothing_wrong("without room at the partner")
    expect(status(stand)["journal"]["total"]["waiting"] == 4, "not every delivery waits")
    traced = stand.run("trace", "file-0.bin").said.lower()
    expect("no space left" in traced or "free" in traced, f"the story does not say why it waits: {traced[-500:]}")
    os.unlink(filling)
    later = stand.run("run", "--once", "--patience", "20", shift=300)
    stand.expect_everything("with room at the partner again", later)


def f11_no_room_in_the_archive(stage):
    """What is delivered waits among the claims, the operator is called, and with room again it is put away by itself."""
    archive = stage.tmpfs(stage.path("archive"), "size=1m")
    stand = stage.local(then=f"{{ archive: {archive} }}")
    filling = fill(archive)
    agent = stage.serving(stand)
    stand.feed(4)
    agent.until_delivered("without room in the archive")
    agent.until(lambda: "afterwards" in codes(stand), "the operator is called")
    os.unlink(filling)
    agent.until(lambda: len(names(archive)) == 4, "with room again it is put away, by itself")
    agent.until(lambda: not stand.left_over(), "nothing is left among the claims")
    agent.stop_and_expect_everything("after the archive had no room")


def f12_the_disk_reports_an_error_and_turns_read_only(stage):
    """ext4 finds an error under the running agent (`errors=remount-ro`): nothing is lost, the operator is called, after the repair all
    is delivered."""
    stand = stage.local()
    disk = stage.ext4(stage.path("disk"))
    os.mkdir(os.path.join(disk, "state"), 0o700)
    os.symlink(os.path.join(disk, "state"), stand.path("state"))
    command("mount", "-o", "remount,errors=remount-ro", disk)
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered("while the disk is well")
    # What ext4 says of an fsync that meets its own error is not believed here: nothing is under way when it comes.
    agent.until(lambda: not stand.left_over(), "all is put away")
    device = os.path.basename(command("findmnt", "-no", "SOURCE", disk).strip())
    trigger = f"/sys/fs/ext4/{device}/trigger_fs_error"
    if not os.path.exists(trigger):
        raise Skipped(f"no {trigger} here")
    with open(trigger, "w", encoding="ascii") as file:
        file.write("torture")
    for number in range(5):
        stand.ledger.feed(f"late-{number}.bin", 2_000)
    agent.until(lambda: alerts(stand), "the operator is called")
    stand.expect_nothing_wrong("on a disk that turned read-only")
    ended = agent.stop()
    stand.expect_nothing_wrong(f"stopped ({ended.code}) on a disk that turned read-only")
    command("umount", disk)
    command("mount", "-o", "loop", stage.path("disk.img"), disk)
    stand.expect_everything("after the repair", stand.deliver())


def f12_the_partners_folder_is_read_only(stage):
    """The partner is held with the reason and the fix; after it and a release everything arrives."""
    stand = stage.local()
    inbox = stage.tmpfs(stand.path("inbox"), "size=8m")
    command("mount", "-o", "remount,ro", inbox)
    stand.feed(4)
    ended = stand.deliver()
    expect(ended.code == 1, f"the run ended with {ended.code}")
    held = status(stand)["journal"]["heldPartners"]
    expect(held and "read-only" in held[0]["reason"], f"not held with the reason: {held}")
    expect(codes(stand), "nobody was called")
    command("mount", "-o", "remount,rw", inbox)
    stand.run("release", "desk")
    stand.expect_everything("when it could be written again", stand.deliver())


def f13_no_room_for_the_manifest(stage):
    """The journal remembers the lines; the operator is called; with room again they are all written, in their order."""
    stand = stage.local()
    stage.tmpfs(stand.path("state", "manifest"), "size=64k,mode=700")
    fill(stand.path("state", "manifest"))
    stand.feed(20)
    agent = stage.serving(stand)
    agent.until_delivered("without room for the manifest")
    agent.until(lambda: alerts(stand), "the operator is called")
    unwritten = agent.until_status(lambda status: status["journal"]["unwrittenLines"], "the status counts the lines")
    expect(unwritten["troubles"] or unwritten["journal"]["unwrittenLines"], "nothing is said")
    os.unlink(stand.path("state", "manifest", ".filling"))
    agent.until(lambda: len(stand.manifest()) == 20, "the lines are written when there is room")
    agent.stop_and_expect_everything("after the manifest had no room")


def f14_no_descriptors(stage):
    """With hardly a descriptor left, and with none, it waits and says so; with descriptors again it delivers everything. (With none
    Swift's runtime may end it; then it is started again, as a supervisor does.)"""
    stand = stage.local(folder=", sweep: 2s")
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered("with descriptors")
    used = agent.descriptors()
    for spare in (3, 0):
        agent = started_again(stage, stand, agent)
        resource.prlimit(agent.process.pid, resource.RLIMIT_NOFILE, (used + spare, 4_096))
        for number in range(20):
            stand.ledger.feed(f"short-{spare}-{number}.bin", 2_000)
        time.sleep(1.5)
        ended = agent.process.poll()
        expect(ended in (None, -signal.SIGILL), f"with {spare} descriptors it ended by itself: {agent.said()[-500:]}")
        stand.expect_nothing_wrong(f"with {spare} descriptors")
    agent = started_again(stage, stand, agent)
    resource.prlimit(agent.process.pid, resource.RLIMIT_NOFILE, (4_096, 4_096))
    agent.until_delivered("with descriptors again", limit=180)
    expect("Too many open files" in agent.said(), "the shortage was never told")
    agent.until(lambda: alerts(stand), "the operator is called once that is possible again")
    agent.until(lambda: not stand.left_over(), "what could not be put away is put away, by itself")
    agent.stop_and_expect_everything("after the shortage of descriptors")


def started_again(stage, stand, agent):
    """libdispatch traps when it cannot open /proc/TID/stat to count its threads."""
    return agent if agent.process.poll() is None else stage.serving(stand)


def f15_a_disk_that_hangs_stops_nobody_else(stage):
    """A frozen drop folder: the other folder's files go on, the status answers, and once thawed its files are delivered too."""
    frozen = stage.ext4(stage.path("frozen"))
    os.mkdir(os.path.join(frozen, "drop"))
    stand = stage.local(folders=f"  - {{ watch: {frozen}/drop, then: delete }}\n")
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered("before the freeze")
    command("fsfreeze", "-f", frozen)
    stage.ends.callback(thaw, frozen)
    # A new name cannot be made there now; a close of what is open for writing is an event all the same, and its claim hangs.
    stand.ledger.feed("beside.bin", 1_000)
    agent.until_delivered("beside a frozen folder")
    expect(agent.status(), "the status does not answer while a folder hangs")
    thaw(frozen)
    shutil.move(prepared_drop(stand), os.path.join(frozen, "drop", "after.bin"))
    agent.until_delivered("after the thaw")
    agent.stop_and_expect_everything("after the thaw")


def f15_a_claim_that_hangs_stops_nobody_else(stage):
    """The disk freezes when a file lies there, before it is taken: the rename hangs, the other folder goes on, the end comes in time."""
    frozen = stage.ext4(stage.path("frozen"))
    os.mkdir(os.path.join(frozen, "drop"))
    stand = stage.local(folders=f"  - {{ watch: {frozen}/drop, then: delete }}\n")
    shutil.copy(prepared_drop(stand), os.path.join(frozen, "drop", "there.bin"))
    os.sync()
    command("fsfreeze", "-f", frozen)
    stage.ends.callback(thaw, frozen)
    agent = stage.serving(stand)
    stand.ledger.feed("beside.bin", 1_000)
    mine = {digest for digest, name in stand.ledger.names.items() if name == "beside.bin"}
    agent.until(lambda: mine & {digest for _, digest in stand.found()}, "the other folder's file is delivered")
    agent.until_status(lambda _: True, "the status answers")
    thaw(frozen)
    agent.until_delivered("after the thaw")
    agent.stop_and_expect_everything("after the thaw")


def f15_a_partner_that_hangs_stops_nobody_else(stage):
    """One partner's disk is frozen: the other partner's copies arrive, and the agent ends in time when it is asked to."""
    frozen = stage.ext4(stage.path("frozen"))
    stand = stage.local(partners={"stuck": f"{{ deliver: {{ with: local, path: {frozen}/inbox }} }}"})
    os.mkdir(os.path.join(frozen, "inbox"))
    command("fsfreeze", "-f", frozen)
    stage.ends.callback(thaw, frozen)
    agent = stage.serving(stand)
    stand.feed(12)
    agent.until_delivered("beside a frozen partner")
    status = agent.until_status(lambda status: status["running"], "the status says what runs and does not get on")
    expect(all(each["partner"] == "stuck" for each in status["running"]), f"what runs: {status['running'][:3]}")
    thaw(frozen)
    agent.until(lambda: len(names(os.path.join(frozen, "inbox"))) == 12, "after the thaw")
    expect(agent.stop().code == 0, "the end after the thaw")


def f16_the_drop_folder_is_unmounted_and_comes_back(stage):
    """It is told as gone, nothing is concluded from its absence, and what lies in what is mounted afterwards is delivered."""
    stand = stage.local(folder=", sweep: 1h")
    shutil.rmtree(stand.path("drop"))
    drop = stage.tmpfs(stand.path("drop"), "size=8m")
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered("while it is mounted")
    command("umount", "-l", drop)
    agent.until_status(lambda status: status["folders"][0]["notices"], "the status says that it is gone or another one")
    stage.tmpfs(drop, "size=8m")
    shutil.copy(prepared_drop(stand), os.path.join(drop, "again.bin"))
    agent.until_delivered("after it was mounted again")
    agent.stop_and_expect_everything("after it was mounted again")


def f17_bit_rot_between_hash_and_send(stage):
    """A claimed file rots after its digest was taken (size and time as they were): no partner ever gets the rotten bytes, and it is told."""
    missing = stage.path("second")
    stand = stage.local(partners={"second": f"{{ deliver: {{ with: local, path: {missing}, create-folders: false }} }}"})
    stand.ledger.feed("rotten.bin", 50_000)
    expect(stand.deliver(patience=5).code == 1, "a run with a held partner ended with 0")
    claimed = [path for path in names(stand.path("state", "claims"))]
    expect(len(claimed) == 1, f"the claimed file: {claimed}")
    seen = os.stat(claimed[0])
    with open(claimed[0], "r+b") as file:
        file.seek(1_000)
        byte = file.read(1)
        file.seek(1_000)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(claimed[0], ns=(seen.st_atime_ns, seen.st_mtime_ns))
    os.mkdir(missing)
    stand.run("release", "second")
    ended = stand.deliver(patience=15)
    verdict = stand.ledger.judge([(path, sha256(path)) for path in names(missing)], is_over=False)
    expect(verdict.is_good, f"rotten bytes were delivered, and the run ended with {ended.code}: {verdict}")
    expect(ended.code == 1 and codes(stand), f"it is told to nobody: {ended.code} {ended.said[-400:]}")


def names(folder):
    """What lies there, whole."""
    return [
        os.path.join(place, name) for place, _, found in os.walk(folder) for name in found if not name.startswith(".")]


def thaw(place):
    """Also when it is thawed already."""
    os.system(f"fsfreeze -u {place} 2>/dev/null")


def prepared_drop(stand):
    """A file of the ledger that is dropped by hand, somewhere else."""
    name = f"by-hand-{len(stand.ledger.names)}.bin"
    return stand.ledger.prepare(name, 20_000)
