"""Network and S3 (F44 to F54): what the two organisations answer on a bad day. The line itself is spoilt by `network.py`."""

import os
import socket
import ssl
import threading
import time

from stage import alerts, codes, command, expect, status
from stands import SecureInboxStand


def fault(stand, action, deed, times, nth=1):
    """From now on requests of this stand, and of no other, meet it. Returns a function that tells how often it was met."""
    place = {"PutObject": "acme", "CopyObject": "from-orga"}[action]
    match = {"action": action, "keyPrefix": f"{place}/{stand.prefix}/", "nth": nth, "times": times}
    answer = stand.tools.sandbox.ask("POST", "faults", {"match": match, "do": deed})
    return lambda: next(each["hits"] for each in stand.tools.sandbox.ask("GET", "faults") if each["id"] == answer["id"])


def f40_nobody_listens(stage):
    """A far end that refuses every connection: the deliveries wait with the reason, one try an interval, and go on when it is back."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    stand = SecureInboxStand(
        stage.tools, stage.path(f"{os.path.basename(stage.folder)}-dead"), stage.seed, extras=stage.with_alerts({}),
        endpoint=f"https://127.0.0.1:{port}")
    stage.prepared(stand)
    stand.feed(12)
    ended = stand.deliver(patience=4)
    expect(ended.code == 1, f"a run that reached nobody ended with {ended.code}")
    total = status(stand)["journal"]["total"]
    expect(total["waiting"] == 12, f"not every delivery waits: {total}")
    expect("refused" in ended.said.lower() or "connect" in ended.said.lower(), f"the reason is not told: {ended.said[-300:]}")
    stand.endpoint = stage.tools.sandbox.endpoint
    stand.configure("delete", stage.with_alerts({}))
    later = stand.run("run", "--once", "--patience", "40", shift=600)
    stand.expect_everything("when it was back", later)


def f44_slow_down(stage):
    """The far end asks for peace for as long as it likes: the rate of requests falls, nothing is held, the status says why."""
    stand = stage.inbox(limits="at-once: 16")
    hits = fault(stand, "PutObject", {"kind": "slow-down"}, times=150)
    for number in range(100):
        stand.ledger.feed(f"file-{number}.bin", 300)
    agent = stage.serving(stand)
    agent.until(lambda: hits() >= 5, "the first requests are refused")
    time.sleep(4)
    before, began = hits(), time.monotonic()
    time.sleep(8)
    rate = (hits() - before) / (time.monotonic() - began)
    expect(rate < 2, f"after 4 s of SlowDown it still sent {rate:.1f} requests a second")
    seen = agent.until_status(lambda _: True, "the status answers in the storm")
    held = seen["journal"]["heldPartners"]
    expect(not held, f"a partner that asks for peace was held: {held}")
    expect(seen["lanes"][0]["breaker"] != "closed", f"the status does not say why nothing goes out: {seen['lanes']}")
    ended = agent.stop()
    expect(ended.code == 0, f"it ended with {ended.code}: {ended.said[-1500:]}")
    stand.expect_nothing_wrong("in the storm")


def f45_answers_that_are_lost_after_the_effect(stage):
    """Six answers to copies and six to stores never come, though what was asked is done: nothing lies there twice."""
    stand = stage.inbox()
    copies = fault(stand, "CopyObject", {"kind": "reset", "afterEffect": True}, times=6)
    stores = fault(stand, "PutObject", {"kind": "reset", "afterEffect": True}, times=6)
    for number in range(40):
        stand.ledger.feed(f"file-{number}.bin", 1_000)
    stand.expect_everything("answers were lost", stand.deliver(patience=60))
    expect(copies() == 6 and stores() == 6, f"only {copies()} and {stores()} answers were lost")


def f43_success_that_is_none(stage):
    """200 with an error inside, 200 cut off: tried again, each file once, and never taken for a success."""
    stand = stage.inbox()
    inside = fault(stand, "CopyObject", {"kind": "error-in-200"}, times=4)
    cut = fault(stand, "CopyObject", {"kind": "truncate", "bytes": 20}, times=4, nth=10)
    for number in range(30):
        stand.ledger.feed(f"file-{number}.bin", 1_000)
    stand.expect_everything("success that was none", stand.deliver(patience=60))
    expect(inside() == 4 and cut() >= 1, f"the faults were not met: {inside()}, {cut()}")


def f46_refusals_that_a_person_must_mend(stage):
    """Each kind of refusal holds the partner, calls the operator, keeps the source; after the fix and a release everything arrives."""
    refusals = [
        ("key", "PutObject", {"kind": "key-disabled"}),
        ("policy", "CopyObject", {"kind": "error", "code": "AccessDenied", "status": 403, "message": "no"}),
        ("bucket", "PutObject", {"kind": "error", "code": "NoSuchBucket", "status": 404, "message": "no"}),
        ("request", "PutObject", {"kind": "error", "code": "InvalidRequest", "status": 400, "message": "no"})]
    for name, action, deed in refusals:
        stand = stage.inbox(name)
        fault(stand, action, deed, times=10)
        stand.feed(3)
        ended = stand.deliver(patience=10)
        expect(ended.code == 1, f"{name}: the run ended with {ended.code}")
        seen = status(stand)["journal"]
        expect(seen["heldPartners"] and seen["heldPartners"][0]["reason"], f"{name}: not held: {seen['total']}")
        expect(codes(stand), f"{name}: nobody was called")
        expect(len(stand.left_over()) == 3, f"{name}: the sources are not kept: {stand.left_over()}")
        # The rest of the ten is used up by runs that a person starts too early.
        for _ in range(12):
            stand.run("release", "desk")
            if (ended := stand.deliver()).code == 0:
                break
        stand.expect_everything(f"{name}: after the fix", ended)


def f47_no_session_to_be_had(stage):
    """STS fails for a while, sessions expire in the middle: new ones are fetched, and no file is lost, held or sent twice."""
    stand = stage.inbox(limits="at-once: 2, bandwidth: 2 MB/s")
    agent = stage.serving(stand)
    for number in range(20):
        stand.ledger.feed(f"file-{number}.bin", 200_000)
        if number in (5, 12):
            agent.until(lambda: len(stand.found()) >= number // 2, "some are delivered")
            stand.tools.sandbox.ask("POST", "expire", {})
    agent.until_delivered("across sessions that expired")
    agent.stop_and_expect_everything("across sessions that expired")


def f48_a_clock_that_is_wrong(stage):
    """Twenty minutes fast, twenty minutes slow, a day off: the far end's time is taken, and everything arrives."""
    for name, shift in (("fast", 1_200), ("slow", -1_200), ("tomorrow", 86_400)):
        stand = stage.inbox(name)
        stand.feed(3)
        stand.expect_everything(f"a clock that is {shift} s off", stand.run("run", "--once", "--patience", "30", shift=shift))


class Impostor:
    """Listens with a certificate that is wrong, and counts the bytes that it gets after a handshake. Use as a context."""

    def __init__(self, folder, subject, days):
        self.certificate, self.key, self.got = os.path.join(folder, "impostor.pem"), os.path.join(folder, "impostor.key"), 0
        command(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", days,
            "-subj", "/CN=" + subject, "-addext", "subjectAltName=" + subject)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.endpoint = f"https://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        threading.Thread(target=self.serve, args=(context,), daemon=True).start()
        return self

    def serve(self, context):
        while True:
            try:
                end, _ = self.listener.accept()
                with context.wrap_socket(end, server_side=True) as tls:
                    self.got += len(tls.recv(10_000))
            except ssl.SSLError:
                continue
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def __exit__(self, *_):
        self.listener.close()


def f49_a_certificate_that_is_wrong(stage):
    """Signed by itself, for another host: not a byte is sent, the deliveries wait, and the reason names the certificate."""
    for name, subject in (("itself", "IP:127.0.0.1"), ("other-host", "DNS:elsewhere.example")):
        with Impostor(stage.folder, subject, "1") as impostor:
            folder = stage.path(f"{os.path.basename(stage.folder)}-{name}")
            extras = stage.with_alerts({})
            stand = stage.prepared(SecureInboxStand(stage.tools, folder, stage.seed, extras=extras, endpoint=impostor.endpoint))
            if name == "other-host":
                # Its certificate is trusted then; only the name in it is wrong.
                text = open(stand.path("agent.yaml"), encoding="utf-8").read()
                stand.write("agent.yaml", text.replace(f"{stand.tools.sandbox.folder}/ca.pem", impostor.certificate), 0o600)
            stand.feed(3)
            ended = stand.deliver(patience=4)
            expect(ended.code == 1, f"{name}: the run ended with {ended.code}")
            expect(impostor.got == 0, f"{name}: {impostor.got} bytes were sent to an impostor")
            expect(len(stand.left_over()) == 3, f"{name}: the sources are not kept")
            words = ended.said.lower()
            expect("certificate" in words or "ssl" in words or "tls" in words, f"{name}: the reason is not told: {ended.said[-400:]}")


def f50_a_body_that_arrives_damaged(stage):
    """The far end says that what came is not what was announced, now and then: it is sent again, and arrives once."""
    stand = stage.inbox()
    met = fault(stand, "PutObject", {"kind": "error", "code": "BadDigest", "status": 400, "message": "no"}, times=3)
    stand.feed(10)
    stand.expect_everything("damaged bodies", stand.deliver(patience=60))
    expect(met() == 3, "the fault was not met")


def f54_an_object_that_is_not_as_asked(stage):
    """Stored without encryption, under another key, with another checksum: never reported as delivered; the operator is called."""
    for kind in ("wrong-encryption", "plaintext"):
        stand = stage.inbox(kind)
        fault(stand, "CopyObject", {"kind": kind}, times=1)
        stand.feed(1)
        ended = stand.deliver(patience=10)
        expect(ended.code == 1, f"{kind}: the run ended with {ended.code}")
        expect(not [line for line in stand.manifest() if line["outcome"] == "delivered"], f"{kind}: recorded as delivered")
        expect(alerts(stand), f"{kind}: nobody was called")
    stand = stage.inbox("wrong-checksum")
    fault(stand, "PutObject", {"kind": "wrong-checksum"}, times=1)
    stand.feed(1)
    stand.expect_everything("an answer with another checksum, once", stand.deliver(patience=30))
