#!/usr/bin/python3
"""Copies the state of an agent that runs, so that a copy that is put back is a state that the agent could have left.

Usage: backup save STATE FOLDER       STATE: the state folder; FOLDER: new, or that of the backup before, which it replaces when it is whole
       backup restore FOLDER STATE    STATE: not there, or empty; no agent may use it

The journal is the only truth, so everything else is fitted to one moment of it:
  1. claimed files, all of them: most are small work for the second look
  2. the journal, through SQLite, in one read transaction: this is the moment
  3. the manifest, up to the line where the journal was then; the journal has the lines that the file lacks
  4. claimed files that the journal names as unfinished and that step 1 missed
What was dropped later is not in the copy. What was delivered later is delivered anew under its old id: whoever has it is asked first.
"""

import json
import os
import shutil
import sqlite3
import sys
import urllib.parse

JOURNAL = "journal.sqlite"
MANIFEST = os.path.join("manifest", "manifest.jsonl")
# Of the process that runs, or made again by the next one.
NOT_COPIED = {JOURNAL, JOURNAL + "-wal", JOURNAL + "-shm", "claims", "manifest", "control.sock", "lock"}
ELSEWHERE = "claims-elsewhere"


def copy_tree(source, target):
    """Copies what is there and not copied yet. The agent works on: what goes away meanwhile is no error."""
    os.makedirs(target, exist_ok=True)
    shutil.copystat(source, target)
    with os.scandir(source) as entries:
        for entry in entries:
            place = os.path.join(target, entry.name)
            try:
                if entry.is_dir(follow_symlinks=False):
                    copy_tree(entry.path, place)
                elif entry.is_file(follow_symlinks=False) and not os.path.lexists(place):
                    copy_file(entry.path, place)
            except FileNotFoundError:
                continue
    keep_owner(source, target)


def copy_file(source, target):
    # The name comes when the copy is whole.
    part = target + ".part"
    shutil.copy2(source, part, follow_symlinks=False)
    keep_owner(source, part)
    with open(part, "rb") as file:
        os.fsync(file.fileno())
    os.rename(part, target)


def keep_owner(source, target):
    status = os.stat(source, follow_symlinks=False)
    if os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)


def in_copy(root, state, folder):
    """Where a claim root lies in the copy: those in drop folders are kept apart, by their paths."""
    if root == os.path.join(state, "claims"):
        return os.path.join(folder, "claims")
    return os.path.join(folder, ELSEWHERE, root.lstrip("/"))


def claim_roots(journal):
    return [row[0] for row in journal.execute("SELECT DISTINCT w.text FROM file f JOIN word w ON w.id = f.root WHERE NOT f.in_place")]


def unfinished(journal):
    query = """SELECT w.text, f.claim FROM file f JOIN word w ON w.id = f.root WHERE f.finished IS NULL AND NOT f.in_place"""
    return journal.execute(query).fetchall()


def save(state, folder):
    state = os.path.realpath(state)
    live = open_live(state)
    work = folder.rstrip("/") + ".new"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work, mode=0o700)
    roots = {os.path.join(state, "claims"), *claim_roots(live)}
    for root in roots:
        if os.path.isdir(root):
            copy_tree(root, in_copy(root, state, work))

    copy = sqlite3.connect(os.path.join(work, JOURNAL))
    live.backup(copy)
    live.close()
    if copy.execute("PRAGMA quick_check").fetchone()[0] != "ok":
        sys.exit("error: the journal is damaged; nothing was saved")
    next_line = copy.execute("SELECT chain_sequence FROM journal").fetchone()[0]
    wanted = unfinished(copy)
    copy.execute("PRAGMA journal_mode = DELETE")
    copy.close()
    keep_owner(os.path.join(state, JOURNAL), os.path.join(work, JOURNAL))
    os.chmod(os.path.join(work, JOURNAL), 0o600)

    lines = copy_manifest(state, work, next_line)
    missing = 0
    for root, claim in wanted:
        source, target = os.path.join(root, claim), os.path.join(in_copy(root, state, work), claim)
        try:
            copy_tree(source, target)
        except FileNotFoundError:
            missing += not os.path.isdir(target)
    with os.scandir(state) as entries:
        for entry in entries:
            if entry.name not in NOT_COPIED and entry.is_dir(follow_symlinks=False):
                copy_tree(entry.path, os.path.join(work, entry.name))
    keep_owner(state, work)
    os.sync()

    old = folder.rstrip("/") + ".old"
    shutil.rmtree(old, ignore_errors=True)
    if os.path.isdir(folder):
        os.rename(folder, old)
    os.rename(work, folder)
    shutil.rmtree(old, ignore_errors=True)
    print(f"saved {state}: {len(wanted)} files on their way, {lines} lines of the manifest")
    if missing:
        print(f"{missing} files ended while they were copied: the copy knows their deliveries, and has not their bytes")


def open_live(state):
    """Reads and makes nothing: a file of root's beside the journal would keep the agent from it."""
    path = os.path.join(state, JOURNAL)
    if not os.path.isfile(path):
        sys.exit(f"error: there is no journal in {state}")
    # Closed in good order there is no WAL, and nobody who would change the file.
    how = "mode=ro" if os.path.exists(path + "-wal") else "immutable=1"
    return sqlite3.connect("file:" + urllib.parse.quote(path) + "?" + how, uri=True, timeout=60)


def copy_manifest(state, work, next_line):
    """The lines before the journal's next one. Later ones were written after the moment, and a half one is none."""
    os.makedirs(os.path.join(work, "manifest"), mode=0o700)
    keep_owner(os.path.join(state, "manifest"), os.path.join(work, "manifest"))
    count = 0
    try:
        source = open(os.path.join(state, MANIFEST), "rb")
    except FileNotFoundError:
        return count
    with source, open(os.path.join(work, MANIFEST), "wb") as target:
        for line in source:
            if not line.endswith(b"\n") or json.loads(line)["sequence"] >= next_line:
                break
            target.write(line)
            count += 1
        target.flush()
        os.fsync(target.fileno())
    os.chmod(os.path.join(work, MANIFEST), 0o600)
    keep_owner(os.path.join(state, MANIFEST), os.path.join(work, MANIFEST))
    return count


def restore(folder, state):
    state = os.path.realpath(state)
    if os.path.isdir(state) and os.listdir(state):
        sys.exit(f"error: {state} is not empty\nhint: move it aside; nothing is ever put over a state")
    if not os.path.isfile(os.path.join(folder, JOURNAL)):
        sys.exit(f"error: {folder} is no backup: it has no {JOURNAL}")
    os.makedirs(state, mode=0o700, exist_ok=True)
    elsewhere = os.path.join(folder, ELSEWHERE)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == ELSEWHERE:
                continue
            target = os.path.join(state, entry.name)
            copy_tree(entry.path, target) if entry.is_dir() else copy_file(entry.path, target)
    keep_owner(folder, state)
    os.chmod(state, 0o700)
    journal = sqlite3.connect(os.path.join(state, JOURNAL))
    for root in claim_roots(journal):
        source = os.path.join(elsewhere, root.lstrip("/"))
        if os.path.isdir(source):
            copy_tree(source, root)
    journal.close()
    os.sync()
    print(f"restored {state}; start the agent with the agent.yaml that it had")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("save", "restore"):
        sys.exit(__doc__)
    {"save": save, "restore": restore}[sys.argv[1]](sys.argv[2], sys.argv[3])
