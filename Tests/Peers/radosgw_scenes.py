"""The repository's leg, against Ceph's radosgw.

radosgw verifies signatures, payload hashes and bucket policies, and encrypts with SSE-KMS. It cannot copy what is encrypted under a KMS
key (501), so that what counts here is the consignment, for a publisher elsewhere.
"""

import json
import os
import urllib.parse

import agent as agents
import storage
from relay import Relay

REGION = "us-east-1"
REPOSITORY, INBOX = "orga-repository", "acme-inbox"
# As in radosgw-up.
KEY = "arn:aws:kms:us-east-1:222222222222:key/11112222-3333-4444-5555-666677778888"
USERS = {name: ("AK" + name, "secret-of-" + name) for name in ("orga", "orgb", "generator", "publisher")}


class Gateway:
    """Four users at radosgw: the owners of the buckets, and the agent's two identities."""

    def __init__(self, endpoint, pouch, folder):
        self.endpoint, self.pouch, self.folder = endpoint, pouch, folder
        self.a, self.b = (storage.client("s3", endpoint, REGION, *USERS[name]) for name in ("orga", "orgb"))
        storage.create(self.a, REPOSITORY, REGION)
        storage.create(self.b, INBOX, REGION)
        self.allow_generator(True)
        self.set_policy(self.b, INBOX, [("publisher", ["s3:PutObject", "s3:GetObject"])])

    def allow_generator(self, allowed):
        # Without ownership controls an object belongs to the user who stored it: A must be allowed to read its own repository.
        readers = [(user, ["s3:GetObject", "s3:GetObjectVersion"]) for user in ("orga", "publisher")]
        self.set_policy(self.a, REPOSITORY, readers + ([("generator", ["s3:PutObject"])] if allowed else []))

    def set_policy(self, s3, bucket, grants):
        statements = [
            {
                "Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam:::user/{user}"]}, "Action": actions,
                "Resource": [f"arn:aws:s3:::{bucket}/*"],
            }
            for user, actions in grants
        ]
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))

    def settings(self, **changed):
        def identity(user):
            return f"{{ from: {{ profile: {user}, file: ./credentials }} }}"

        return {
            "endpoint": self.endpoint, "region": REGION, "generator": identity("generator"), "publisher": identity("publisher"),
            "publish": "elsewhere", "repository": REPOSITORY, "inbox": INBOX, "repository_owner": "111111111111",
            "inbox_owner": "222222222222", "key": KEY, **changed}

    def agent(self, name, **changed):
        return agents.Agent(self.pouch, os.path.join(self.folder, name), USERS, **self.settings(**changed))

    def repository(self, name=None):
        """The versions in A's repository, as A sees them; only those of a name, where one is given."""
        return [o for o in storage.versions(self.a, REPOSITORY, "acme/") if name is None or o.key.endswith("/" + name)]


def run(checks, endpoint, pouch, folder):
    with checks.scene("radosgw: users, buckets, policies"):
        gateway = Gateway(endpoint, pouch, folder)
        with checks.scene("radosgw: the repository's leg, for a publisher elsewhere"):
            hands_over(checks, gateway)
        with checks.scene("radosgw: a byte changed on the way"):
            survives_a_changed_byte(checks, gateway)
        with checks.scene("radosgw: a header changed on the way"):
            holds_on_a_changed_header(checks, gateway)
        with checks.scene("radosgw: a bucket policy that does not allow the generator"):
            holds_on_a_policy(checks, gateway)
        with checks.scene("radosgw: a KMS key that it does not have"):
            holds_on_an_unknown_key(checks, gateway)
        with checks.scene("radosgw: publish: here, with a copy that it cannot do"):
            holds_on_the_copy(checks, gateway)


def hands_over(checks, gateway):
    agent = gateway.agent("repository-leg")
    contents = {name: agent.drop(name, size) for name, size in agents.FILES.items()}
    code, said = agent.run("check")
    checks.that(code == 0, "pouch check exits 0", said)
    code, said = agent.deliver()
    checks.that(code == 0, "pouch run --once exits 0", said)
    entries = {entry["delivery"]: entry for entry in agent.manifest()}
    consignments = {stored.metadata["pouch-delivery"]: stored for stored in gateway.repository()}
    checks.equal(sorted(consignments), sorted(entries), "A finds one consignment for each line of the manifest")
    for delivery, stored in consignments.items():
        name = urllib.parse.unquote(stored.metadata["pouch-key"])
        content, entry, metadata = contents[name], entries[delivery], stored.metadata
        checks.that(stored.content == content, f"{name}: byte for byte ({len(content)} bytes)")
        checks.equal((stored.algorithm, stored.kms_key), ("aws:kms", KEY), f"{name}: SSE-KMS under B's key")
        checks.equal(stored.key, f"acme/{delivery}/{os.path.basename(name)}", f"{name}: lies where docs/consignment.md says")
        checks.equal(
            {key: value for key, value in metadata.items() if key != "pouch-name"},
            {
                "pouch-consignment": "1", "pouch-delivery": delivery, "pouch-key": metadata["pouch-key"],
                "pouch-size": str(len(content)), "pouch-sha256": agents.sha256(content), "pouch-crc64nvme": entry["file"]["crc64nvme"],
                "pouch-partner": "acme", "pouch-route": "everything", "pouch-agent": "edge-peer",
                "pouch-publish": "elsewhere",
            },
            f"{name}: says all that a publisher needs")
        checks.equal(
            (entry["outcome"], entry["file"]["path"], entry["stages"][0]["facts"]["versionId"], len(entry["stages"])),
            ("handed-over", name, stored.version, 1), f"{name}: the manifest says handed-over, and which version")
    claimed = {entry["stages"][0]["facts"].get("crc64nvme") for entry in entries.values()}
    checks.equal(claimed, {None}, "the manifest claims no checksum of radosgw's, which knows none")
    checks.equal(storage.versions(gateway.b, INBOX, ""), [], "nothing was sent to the inbox")
    code, said = agent.run("manifest", "verify")
    checks.that(code == 0 and f"{len(contents)} lines" in said, "pouch manifest verify: good", said)
    checks.equal((agent.status()["unaccounted"], agent.left()), (0, []), "unaccounted: 0, and the drop folder is empty")


def survives_a_changed_byte(checks, gateway):
    changed = []

    def change_first(exchange):
        if exchange.method == "PUT" and not changed:
            changed.append(exchange)
            exchange.body = bytes([exchange.body[0] ^ 1]) + exchange.body[1:]

    with Relay(gateway.endpoint, before=change_first) as relay:
        agent = gateway.agent("changed-byte", endpoint=relay.endpoint)
        content = agent.drop("changed-byte.bin", 4096)
        code, said = agent.deliver()
        first = relay.exchanges[0]
        checks.that(
            first.status == 400 and b"XAmzContentSHA256Mismatch" in first.answer, "radosgw refuses it: XAmzContentSHA256Mismatch",
            (first.status, first.answer))
        checks.that(code == 0, "it is sent again, and pouch run --once exits 0", said)
        checks.that([o.content for o in gateway.repository("changed-byte.bin")] == [content], "it is stored once, byte for byte")
        checks.equal([e["stages"][0]["requests"] for e in agent.manifest()], [2], "the manifest counts two requests")


def holds_on_a_changed_header(checks, gateway):
    def change(exchange):
        exchange.headers = [(k, "other" if k.lower() == "x-amz-meta-pouch-partner" else v) for k, v in exchange.headers]

    with Relay(gateway.endpoint, before=change) as relay:
        agent = gateway.agent("changed-header", endpoint=relay.endpoint)
        agent.drop("changed-header.bin", 100)
        held(checks, agent, "SignatureDoesNotMatch", "store changed-header.bin", "a proxy changes paths or headers")
        checks.equal(gateway.repository("changed-header.bin"), [], "nothing was stored")


def holds_on_a_policy(checks, gateway):
    agent = gateway.agent("policy")
    content = agent.drop("policy.bin", 100)
    gateway.allow_generator(False)
    try:
        held(
            checks, agent, "AccessDenied", "store policy.bin",
            "identity generator lacks s3:PutObject on arn:aws:s3:::orga-repository/acme/")
        checks.equal(gateway.repository("policy.bin"), [], "nothing was stored")
    finally:
        gateway.allow_generator(True)
    code, said = agent.run("release", "acme")
    checks.that(code == 0, "the policy is put right: pouch release acme exits 0", said)
    code, said = agent.deliver()
    checks.that(code == 0, "pouch run --once exits 0", said)
    checks.that([o.content for o in gateway.repository("policy.bin")] == [content], "the file is stored, once")


def holds_on_an_unknown_key(checks, gateway):
    unknown = KEY[:-4] + "0000"
    agent = gateway.agent("unknown-key", key=unknown)
    agent.drop("unknown-key.bin", 100)
    held(checks, agent, "KMS.NotFoundException", "store unknown-key.bin", f"{unknown} is not found")
    checks.equal(gateway.repository("unknown-key.bin"), [], "nothing was stored")


def holds_on_the_copy(checks, gateway):
    agent = gateway.agent("copy", publish="here")
    content = agent.drop("copy.bin", 5000)
    reason = held(checks, agent, "NotImplemented", "copy copy.bin to the inbox of acme", "cannot copy what is encrypted under a KMS key")
    checks.that("publish: elsewhere" in reason, "the hint says who could finish it", reason)
    checks.that([o.content for o in gateway.repository("copy.bin")] == [content], "it waits in the repository")
    checks.equal(storage.versions(gateway.b, INBOX, ""), [], "the inbox is empty: nothing lies there in plain")
    checks.equal(agent.manifest(), [], "nothing was recorded as delivered")
    agent.configure(**gateway.settings(publish="elsewhere"))
    code, said = agent.run("release", "acme")
    checks.that(code == 0, "the hint is followed: pouch release acme exits 0", said)
    code, said = agent.deliver()
    checks.that(code == 0, "pouch run --once exits 0", said)
    checks.equal([entry["outcome"] for entry in agent.manifest()], ["handed-over"], "the manifest says handed-over")


def held(checks, agent, code, tried, hint):
    """The run must end in a hold that says what was tried, what came back, and what to do."""
    exit_code, said = agent.deliver()
    checks.that(exit_code == 1, "pouch run --once exits 1", said)
    hold = agent.hold() or {"code": None, "reason": ""}
    checks.equal(hold["code"], code, f"the partner is held: {code}")
    checks.that(tried in hold["reason"], f"it says what was tried: {tried}", hold["reason"])
    checks.that(hint in hold["reason"].partition("hint:")[2], f"the hint says: {hint}", hold["reason"])
    return hold["reason"]
