"""The feeder's own book of what was dropped, and the judge, who compares it with what the receiver has. Neither asks the agent."""

import errno
import hashlib
import os
import random
import shutil


class Ledger:
    """What was dropped: each body is unique, its digest and its name are noted before it is moved in."""

    def __init__(self, drop, staging, seed):
        self.drop = drop
        self.staging = staging
        self.random = random.Random(seed)
        self.names = {}
        os.makedirs(drop, exist_ok=True)
        os.makedirs(staging, exist_ok=True)

    def prepare(self, name, size):
        """Notes a file that somebody will drop, and says where it lies until then."""
        body = f"{name}/{self.random.random()}\n".encode() + self.random.randbytes(size)
        self.names[hashlib.sha256(body).hexdigest()] = name
        staged = os.path.join(self.staging, hashlib.sha256(name.encode()).hexdigest())
        with open(staged, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        return staged

    def feed(self, name, size):
        staged = self.prepare(name, size)
        target = os.path.join(self.drop, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            os.rename(staged, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            part = os.path.join(os.path.dirname(target), ".part")
            shutil.copyfile(staged, part)
            os.rename(part, target)
        # A drop that a power cut takes back was never made: the judge must not ask for it.
        for folder in (os.path.dirname(target), self.drop):
            descriptor = os.open(folder, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def judge(self, found, is_over):
        """`found`: pairs of a place and a SHA-256. While more may come, nothing is lost yet."""
        seen, verdict = set(), Verdict()
        for place, digest in found:
            if digest not in self.names:
                verdict.corrupt.append(place)
            elif digest in seen:
                verdict.duplicate.append(place)
            seen.add(digest)
        if is_over:
            verdict.lost = sorted(name for digest, name in self.names.items() if digest not in seen)
        return verdict


class Verdict:
    def __init__(self):
        self.lost, self.duplicate, self.corrupt = [], [], []

    @property
    def is_good(self):
        return not (self.lost or self.duplicate or self.corrupt)

    def __str__(self):
        return f"lost {self.lost[:3]}, duplicate {self.duplicate[:3]}, corrupt or foreign {self.corrupt[:3]}"
