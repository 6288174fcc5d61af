"""A partner with an SFTP server: OpenSSH's, on loopback, which serves this machine's own files."""

import getpass
import os
import socket
import subprocess
import time

from stands import LocalStand, Trouble

SSHD = "/usr/sbin/sshd"


class SFTPStand(LocalStand):
    """The inbox of a local stand, reached through the server."""

    kind = "sftp"

    def __init__(self, tools, folder, seed, then="delete", extras=None):
        os.makedirs(os.path.join(folder, "inbox"))
        super().__init__(tools, folder, seed, then, extras)

    def partner(self):
        server = self.tools.ssh
        return (
            f"{{ with: sftp, host: 127.0.0.1, port: {server.port}, user: {getpass.getuser()}, private-key: {server.path('user')}, "
            f"known-hosts: {server.path('known_hosts')}, path: {self.path('inbox')} }}")


class SSHServer:
    """sshd as a context."""

    @staticmethod
    def is_installed():
        return os.access(SSHD, os.X_OK)

    def __init__(self, folder):
        self.folder = os.path.join(folder, "sshd")

    def path(self, name):
        return os.path.join(self.folder, name)

    def __enter__(self):
        os.makedirs(self.folder)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(name)], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        if os.geteuid() == 0:
            # For the process that is root: it goes there for what it does not trust itself with.
            os.makedirs("/run/sshd", exist_ok=True)
        self.write("config", "\n".join([
            "ListenAddress 127.0.0.1", f"Port {self.port}", f"HostKey {self.path('host')}", "PidFile none",
            f"AuthorizedKeysFile {self.path('user.pub')}", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password", "StrictModes no", "UsePAM no", "MaxStartups 100:30:200",
            "Subsystem sftp internal-sftp", ""]))
        with open(self.path("host.pub"), encoding="ascii") as file:
            self.write("known_hosts", f"[127.0.0.1]:{self.port} {' '.join(file.read().split()[:2])}\n")
        self.process = subprocess.Popen([SSHD, "-D", "-f", self.path("config"), "-E", self.path("log")])
        until = time.monotonic() + 30
        while "Server listening" not in self.log():
            if self.process.poll() is not None or time.monotonic() > until:
                raise Trouble(f"sshd did not start: {self.log()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)

    def log(self):
        if not os.path.exists(self.path("log")):
            return ""
        with open(self.path("log"), encoding="ascii", errors="replace") as file:
            return file.read()
