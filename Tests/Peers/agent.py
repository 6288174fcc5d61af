"""The agent as an operator has it: a folder with agent.yaml, credentials, a drop folder and a state, and the built `pouch`."""

import hashlib
import json
import os
import subprocess

CONFIGURATION = """\
agent: {{ name: edge-peer, state: ./state }}
aws: {{ endpoint: "{endpoint}" }}
identities:
  generator: {generator}
  publisher: {publisher}
partners:
  acme:
    deliver:
      with: s3-secure-inbox
      publish: {publish}
      repository:
        bucket: {repository}
        region: {region}
        owner: "{repository_owner}"
        prefix: acme/
        key: "{key}"
        as: generator
      inbox:
        bucket: {inbox}
        region: {region}
        owner: "{inbox_owner}"
        prefix: from-orga/
        key: "{key}"
        as: publisher
folders:
  - watch: ./drop
    then: {{ archive: ./archive, keep-for: 1d }}
routes:
  - {{ name: everything, when: {{ path: "**" }}, to: [acme], as: "{{path}}" }}
"""

#: What is dropped: the empty file, small and large ones, a nested one, and a name that has to be encoded on the wire.
FILES = {
    "empty.bin": 0,
    "one-kilobyte.bin": 1024,
    "twenty-megabytes.bin": 20 << 20,
    "reports/2026/november/north.csv": 4321,
    "Grüße aus Zürich, 100 % (neu) + mehr.txt": 777,
}


def private(path, text):
    """Writes a file that nobody else may change, as `pouch` demands."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


class Agent:
    """One agent with a state of its own."""

    def __init__(self, pouch, folder, credentials, **settings):
        self.pouch = pouch
        self.folder = folder
        os.makedirs(os.path.join(folder, "drop"))
        os.mkdir(os.path.join(folder, "state"), 0o700)
        profiles = "\n".join(
            f"[{name}]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n" for name, (access, secret) in credentials.items())
        private(os.path.join(folder, "credentials"), profiles)
        self.configure(**settings)

    def also_publish(self, queue, region):
        """The same file also configures a publisher."""
        with open(os.path.join(self.folder, "agent.yaml"), "a", encoding="utf-8") as file:
            file.write(f'publish: {{ queue: "{queue}", region: {region}, as: publisher }}\n')

    def configure(self, **settings):
        private(os.path.join(self.folder, "agent.yaml"), CONFIGURATION.format(**settings))

    def drop(self, name, size):
        """Puts a file of random bytes into the drop folder."""
        content = os.urandom(size)
        path = os.path.join(self.folder, "drop", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return content

    def run(self, *words, patience=60):
        """The exit code, and all that was said."""
        # No AWS_… variable and no proxy of this machine may decide anything here.
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        done = subprocess.run(
            [self.pouch, *words], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=patience, check=False)
        return done.returncode, done.stdout + done.stderr

    def deliver(self):
        return self.run("run", "--once", "--patience", "30")

    def status(self):
        code, said = self.run("status", "--json")
        assert code == 0, said
        return json.loads(said)

    def hold(self):
        """Why the partner is held; None when it is not."""
        holds = self.status()["journal"]["heldPartners"]
        return holds[0] if holds else None

    def left(self):
        """What still lies in the drop folder."""
        return [name for _, _, files in os.walk(os.path.join(self.folder, "drop")) for name in files]

    def manifest(self):
        """The manifest's entries, read from its file; none when there is no file yet."""
        path = os.path.join(self.folder, "state", "manifest", "manifest.jsonl")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def suffixed(name, delivery):
    """The second choice of a name, as docs/consignment.md has it."""
    stem, extension = os.path.splitext(name)
    return f"{stem}~{delivery[:8]}{extension}"
