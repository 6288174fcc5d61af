"""Places to torture the agent in: a drop folder, a state, a partner of one kind, and a way to see what the partner has."""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
import ssl

from ledger import Ledger

#: The longest that a run may take before it counts as hung.
PATIENCE = 60


class Trouble(Exception):
    """A promise that was broken."""


class Run:
    def __init__(self, code, said, seconds):
        self.code, self.said, self.seconds = code, said, seconds

    @property
    def was_killed(self):
        return self.code == -signal.SIGKILL


@dataclasses.dataclass
class Extras:
    """What a scene asks for beside the one partner, the one folder and the one route of every stand."""

    #: Lines at the top level.
    head: str = ""
    #: Limits of the partner.
    limits: str = "at-once: 8"
    #: More settings of the drop folder, each after a comma.
    folder: str = ""
    #: More drop folders, as lines.
    folders: str = ""
    #: More partners: a name and its settings.
    partners: dict = dataclasses.field(default_factory=dict)


class Stand:
    """One agent with a state of its own. `tools` says which `pouch` and which shim."""

    kind = None

    def __init__(self, tools, folder, seed, then="delete", extras=None):
        self.tools = tools
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ledger = Ledger(self.path("drop"), self.path("staging"), seed)
        self.configure(then, extras or Extras())

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def partner(self):
        raise NotImplementedError

    def services(self):
        return ""

    def configure(self, then, extras):
        partners = ["desk", *extras.partners]
        text = (
            "agent: { name: torture, state: ./state }\n" + extras.head + self.services()
            + "partners:\n  desk:\n    deliver: " + self.partner() + f"\n    limits: {{ {extras.limits} }}\n"
            + "".join(f"  {name}: {text}\n" for name, text in extras.partners.items())
            + f"folders:\n  - {{ watch: ./drop, then: {then}{extras.folder} }}\n{extras.folders}"
            + f'routes:\n  - {{ name: all, when: {{ path: "**" }}, to: [{", ".join(partners)}], as: "{{path}}" }}\n')
        self.write("agent.yaml", text, 0o600)

    def write(self, name, text, mode):
        """A file beside the configuration."""
        descriptor = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

    def feed(self, count=2):
        for number in range(count):
            self.ledger.feed(f"{'folder/' if number % 2 else ''}file-{number}.bin", number * 70_000)

    def environment(self, effects=None, log=None, shift=0):
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment["SWIFT_BACKTRACE"] = "enable=no"
        if effects:
            environment["LD_PRELOAD"] = self.tools.shim
            environment["POUCH_EFFECTS"] = effects
            if log:
                environment["POUCH_EFFECTS_LOG"] = log
        if shift:
            environment["LD_PRELOAD"] = self.tools.shim
            environment["POUCH_EFFECTS_CLOCK"] = str(int(shift))
        return environment

    def run(self, *words, effects=None, log=None, limit=PATIENCE, shift=0):
        """`shift`: by how many seconds its wall clock is off."""
        began = time.monotonic()
        try:
            done = subprocess.run(
                [self.tools.pouch, *words], cwd=self.folder, env=self.environment(effects, log, shift), stdin=subprocess.DEVNULL,
                capture_output=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired as hung:
            raise Trouble(f"pouch {' '.join(words)} hung for {limit} s: {(hung.stderr or b'')[-800:].decode(errors='replace')}") from None
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        return Run(done.returncode, said, time.monotonic() - began)

    def deliver(self, effects=None, log=None, patience=30):
        return self.run("run", "--once", "--patience", str(patience), "--log-level", "warning", effects=effects, log=log)

    def count_effects(self, number=0):
        """How many effects the way of two files has here; with an error number how many can fail so."""
        log = self.path("effects.log")
        self.feed()
        ended = self.deliver(f"count:0:{number}", log)
        if ended.code != 0:
            raise Trouble(f"the run that only counts failed: {ended.said[-800:]}")
        with open(log, encoding="ascii") as lines:
            return sum(1 for _ in lines)

    # What must hold.

    def found(self):
        """What the partner sees now: pairs of a place and a SHA-256."""
        raise NotImplementedError

    def half_done(self):
        """What the partner must not be left with."""
        return []

    def expect_nothing_wrong(self, when):
        verdict = self.ledger.judge(self.found(), is_over=False)
        if not verdict.is_good:
            raise Trouble(f"{when}: {verdict}")

    def expect_everything(self, when, run):
        """After a run that nothing disturbed."""
        if run.code != 0:
            raise Trouble(f"{when}: the run ended with {run.code}: {run.said[-1200:]}")
        self.expect_delivered(when)
        count = len(self.ledger.names)
        lines = self.manifest()
        deliveries = [line["delivery"] for line in lines if line["outcome"] == "delivered"]
        if len(deliveries) != count or len(set(deliveries)) != count:
            raise Trouble(f"{when}: the manifest has {len(deliveries)} deliveries of {len(set(deliveries))} for {count} files")
        verified = self.run("manifest", "verify")
        if verified.code != 0:
            raise Trouble(f"{when}: {verified.said[-800:]}")
        status = self.run("status", "--json")
        unaccounted = json.loads(status.said)["unaccounted"] if status.code == 0 else status.said
        if unaccounted != 0:
            raise Trouble(f"{when}: unaccounted {unaccounted}")
        left = self.left_over()
        if left:
            raise Trouble(f"{when}: left over: {left[:5]}")

    def expect_delivered(self, when):
        verdict = self.ledger.judge(self.found(), is_over=True)
        if not verdict.is_good:
            raise Trouble(f"{when}: {verdict}")

    def manifest(self):
        path = self.path("state", "manifest", "manifest.jsonl")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def left_over(self):
        return files(self.path("state", "claims")) + files(self.path("drop")) + self.half_done()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def files(folder):
    return [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class LocalStand(Stand):
    kind = "local"

    def partner(self):
        return "{ with: local, path: ./inbox }"

    def found(self):
        return [(path, sha256(path)) for path in files(self.path("inbox")) if not os.path.basename(path).startswith(".")]

    def half_done(self):
        return [path for path in files(self.path("inbox")) if os.path.basename(path).startswith(".")]


class PluginStand(LocalStand):
    """The same kind of inbox, behind the plugin that `pouch plugin new` writes; with the agent it dies, too."""

    kind = "process"

    def __init__(self, tools, folder, seed, then="delete", extras=None):
        super().__init__(tools, folder, seed, then, extras)
        made = self.run("plugin", "new", "letterbox", "--language", "python")
        if made.code != 0:
            raise Trouble(f"no plugin: {made.said[-400:]}")
        os.mkdir(self.path("inbox"))

    def partner(self):
        return "{ with: process, plugin: ./letterbox, settings: { folder: ./inbox } }"


class SecureInboxStand(Stand):
    """Between two organisations; the sandbox is shared, the prefixes are its own."""

    kind = "s3-secure-inbox"
    KEY = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"

    def __init__(self, tools, folder, seed, then="delete", extras=None, endpoint=None):
        self.endpoint = endpoint or tools.sandbox.endpoint
        self.prefix = os.path.basename(folder)
        super().__init__(tools, folder, seed, then, extras)

    def services(self):
        sandbox = self.tools.sandbox.folder
        source = f'from: {{ profile: edge, file: "{sandbox}/credentials" }}'
        return (
            f'aws: {{ endpoint: "{self.endpoint}", ca-file: "{sandbox}/ca.pem" }}\nidentities:\n'
            f'  generator: {{ role: "arn:aws:iam::111111111111:role/generator", {source} }}\n'
            f'  publisher: {{ role: "arn:aws:iam::111111111111:role/publisher", {source} }}\n')

    def partner(self):
        return (
            "{ with: s3-secure-inbox, repository: { bucket: orga-repository, region: eu-west-1, "
            f'prefix: acme/{self.prefix}/, key: "{self.KEY}", as: generator }}, '
            f'inbox: {{ bucket: acme-inbox, region: eu-west-1, owner: "222222222222", prefix: from-orga/{self.prefix}/, '
            f'key: "{self.KEY}", as: publisher }} }}')

    def found(self):
        objects = self.tools.sandbox.objects("acme-inbox")
        mine = [each for each in objects if each["key"].startswith(f"from-orga/{self.prefix}/")]
        # Every version counts: one that was overwritten was delivered too.
        return [(each["key"], each["sha256"] if each["keyARN"] == self.KEY else "not under the partner's key") for each in mine]


class Sandbox:
    """`pouch sandbox` as a context."""

    def __init__(self, pouch, folder):
        self.pouch, self.folder = pouch, os.path.join(folder, "sandbox")
        self.ready = os.path.join(folder, "sandbox-ready")

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.pouch, "sandbox", "--port", "0", "--faults", "--folder", self.folder, "--ready-file", self.ready],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while not os.path.exists(self.ready):
            if self.process.poll() is not None or time.monotonic() > until:
                raise Trouble("the sandbox did not start")
            time.sleep(0.05)
        self.endpoint = self.read("endpoint")
        self.token = self.read("token")
        self.tls = ssl.create_default_context(cafile=os.path.join(self.folder, "ca.pem"))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="ascii") as file:
            return file.read().strip()

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.endpoint}/_sandbox/{path}", data=body and json.dumps(body).encode(), method=method,
            headers={"authorization": f"Bearer {self.token}", "content-type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.tls))
        with contextlib.closing(opener.open(request, timeout=30)) as answer:
            return json.loads(answer.read() or b"null")

    def objects(self, bucket):
        return [each for each in self.ask("GET", f"objects?bucket={bucket}") if not each["isDeleteMarker"]]


class Tools:
    def __init__(self, pouch, shim, sandbox=None, ssh=None):
        self.pouch, self.shim, self.sandbox, self.ssh = pouch, shim, sandbox, ssh
