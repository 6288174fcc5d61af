"""Partners behind the example plugins, and partners whose files are sealed."""

import json
import os
import shutil
import subprocess

from stands import LocalStand, Trouble, files, sha256

EXAMPLES = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "Plugins", "Examples"))


class ExampleStand(LocalStand):
    """An inbox behind one of the examples, with the server of the plugin's own test where it has one."""

    #: A program beside the plugin, served with the inbox and a file of faults; it prints settings.
    serve = None
    #: Of the plugin, whatever the server says.
    settings = {}

    def __init__(self, tools, folder, seed, then="delete", extras=None):
        self.server, self.served = None, {}
        os.makedirs(os.path.join(folder, "inbox"))
        if self.serve:
            self.start_server(os.path.abspath(folder))
        super().__init__(tools, folder, seed, then, extras)

    def start_server(self, folder):
        place = os.path.join(EXAMPLES, self.kind)
        with open(os.path.join(folder, "fault"), "w", encoding="ascii") as fault:
            fault.write("none")
        self.server = subprocess.Popen(
            [os.path.join(place, self.serve), os.path.join(folder, "inbox"), fault.name], cwd=place, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        line = self.server.stdout.readline()
        if not line:
            raise Trouble(f"the server of {self.kind} did not start")
        self.served = json.loads(line)

    def partner(self):
        settings = {name: value.format(inbox=self.path("inbox")) for name, value in self.settings.items()} | self.served
        # JSON is YAML.
        return f"{{ with: process, plugin: {EXAMPLES}/{self.kind}, settings: {json.dumps(settings)} }}"

    def remove(self):
        if self.server:
            self.server.stdin.close()
            self.server.wait()
        super().remove()


class WebDAVStand(ExampleStand):
    kind, serve = "webdav", "test/server.py"


class MailStand(ExampleStand):
    kind, serve, settings = "mail-notice", "test/serve", {"to": "inbox@partner.invalid", "from": "pouch@edge.invalid"}

    @staticmethod
    def is_installed():
        return shutil.which("jq") is not None

    def half_done(self):
        # The sendmail of the test lies there, too.
        return [path for path in super().half_done() if os.path.basename(path) != ".sendmail"]


class RcloneStand(ExampleStand):
    kind, settings = "rclone", {"remote": "{inbox}"}

    @staticmethod
    def is_installed():
        return shutil.which("rclone") is not None


class SealedStand(LocalStand):
    """A local inbox of sealed files, which the judge opens with the partner's key and another program than ours."""

    kind = "sealed"

    def __init__(self, tools, folder, seed, then="delete", extras=None):
        super().__init__(tools, folder, seed, then, extras)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj",
             "/CN=partner", "-keyout", self.path("partner.key"), "-out", self.path("partner.pem")], check=True, capture_output=True)

    def partner(self):
        return "{ with: local, path: ./inbox }\n    seal: { to: ./partner.pem, suffix: .cms }"

    def found(self):
        return [(path, self.opened(path)) for path, _ in super().found()]

    def opened(self, path):
        """The SHA-256 of what was sealed; of nothing that was dropped when it does not open."""
        plain = self.path("opened")
        done = subprocess.run(
            ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", path, "-inkey", self.path("partner.key"), "-recip",
             self.path("partner.pem"), "-out", plain], capture_output=True, check=False)
        return sha256(plain) if done.returncode == 0 else f"does not open: {done.stderr[-200:]}"

    def expect_everything(self, when, run):
        super().expect_everything(when, run)
        # What lies there is what the manifest proves: no attempt sealed anew.
        there = sorted(sha256(path) for path, _ in super().found())
        told = sorted(line["sealed"]["sha256"] for line in self.manifest() if line["outcome"] == "delivered")
        if there != told:
            raise Trouble(f"{when}: the sealed bytes are others than the manifest's: {there} and {told}")

    def left_over(self):
        return super().left_over() + files(self.path("state", "sealed"))
