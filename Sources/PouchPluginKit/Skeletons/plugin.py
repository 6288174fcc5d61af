#!/usr/bin/env python3
"""Delivers into a folder of this machine. Replace what it does by what your far end needs; the order of the steps is what matters."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pouch_plugin import ABSENT, UNKNOWN, Failure, Invalid, serve  # noqa: E402

# The partner can tell two copies of one delivery from two deliveries by it, and so can `exists`.
NOTE = "user.pouch.delivery"


class Destination:
    def configure(self, settings, secrets):
        self.folder = settings["folder"]
        if not os.path.isabs(self.folder):
            raise Invalid("folder", "it is no absolute path")

    def check(self):
        if not os.path.isdir(self.folder):
            yield "failure", f"{self.folder} is no folder", f"mkdir -p '{self.folder}'"
        elif not os.access(self.folder, os.W_OK):
            yield "failure", f"{self.folder} cannot be written to", f"let user {os.geteuid()} write there"
        else:
            yield "good", f"{self.folder} is there and can be written to", None

    def exists(self, order):
        """Asked when an answer may have been lost: is it there, under which name? UNKNOWN where your far end cannot say."""
        for key in order.keys:
            path = os.path.join(self.folder, key)
            try:
                if os.getxattr(path, NOTE).decode() == order.delivery:
                    self.discard(self.part(order.delivery))  # cut off between the two steps of `place`
                    return {"key": key, "location": "file://" + path}
            except OSError:
                continue
        return ABSENT

    def deliver(self, delivery):
        # 1. Everything goes to a place that the partner does not look at. Its name is made of the delivery's id: an attempt that was cut
        #    off left it there, and this one writes over it.
        part = self.part(delivery.delivery)
        try:
            with open(part, "wb") as file:
                os.setxattr(part, NOTE, delivery.delivery.encode())
                for block in delivery.blocks():
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            for key in delivery.keys:
                path = os.path.join(self.folder, key)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                # 2. Say that it is about to become visible, and wait until the host has that on its disk.
                delivery.ready(key)
                # 3. Make it visible in one step that never overwrites, unless the operator wants that.
                if self.place(part, path, delivery.whenTaken):
                    self.sync(os.path.dirname(path))
                    # 4. Only now is it done.
                    return delivery.arrival(key, location="file://" + path, path=path)
            raise Failure("quarantine", "key-taken", f"{delivery.key} is taken by a file that is not of this delivery")
        except OSError as error:
            self.discard(part)
            raise failure(error)
        except Failure:
            self.discard(part)
            raise

    def abandon(self, delivery_id, checkpoint):
        self.discard(self.part(delivery_id))

    def part(self, delivery_id):
        return os.path.join(self.folder, f".{delivery_id}.part")

    def place(self, part, path, when_taken):
        if when_taken == "replace":
            os.rename(part, path)
            return True
        try:
            os.link(part, path)
        except FileExistsError:
            return False
        os.unlink(part)
        return True

    def sync(self, folder):
        """The folder, and those above it: each may be new, and is durable when the one above it is."""
        while True:
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if len(folder) <= len(self.folder):
                return
            folder = os.path.dirname(folder)

    def discard(self, part):
        try:
            os.unlink(part)
        except OSError:
            pass


def failure(error):
    """Who must act? Nobody: retry. A person at the far end: hold. Nobody can deliver this one file: quarantine."""
    import errno

    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.EISDIR):
        return Failure("quarantine", errno.errorcode[error.errno], str(error), "change the name with the route's `as:`")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT, errno.ENOTSUP):
        return Failure("hold", errno.errorcode[error.errno], str(error), "look at the folder's permissions and its disk")
    return Failure("retry", errno.errorcode.get(error.errno, "EIO"), str(error))


serve("@NAME@", "1.0", Destination(), parallel=8)
