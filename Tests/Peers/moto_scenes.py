"""The whole way between two accounts, against moto_server.

moto keeps accounts, roles, keys and versions apart and speaks S3's XML. It looks at no signature, payload hash, checksum, expected
owner, policy and condition of a copy: what depends on those is checked here on what the agent sent, or with a relay that says so.
"""

import json
import os

import agent as agents
import storage
from relay import Relay

REGION = "eu-west-1"
ACCOUNT_A, ACCOUNT_B = "111111111111", "222222222222"
REPOSITORY, INBOX = "orga-repository", "acme-inbox"

PRECONDITION_FAILED = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>PreconditionFailed</Code><Message>At least one of the pre-conditions you '
    "specified did not hold</Message><Condition>If-None-Match</Condition></Error>")


class Moto:
    """Two organisations at moto, and agents of A's."""

    def __init__(self, endpoint, pouch, folder):
        self.endpoint, self.pouch, self.folder = endpoint, pouch, folder
        sts = storage.client("sts", endpoint, REGION, "AKIAANYBODY", "any")
        self.a, self.b = self.administrator(sts, ACCOUNT_A), self.administrator(sts, ACCOUNT_B)
        iam = self.a("iam")
        for role in ("generator", "publisher"):
            iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        iam.create_user(UserName="edge")
        key = iam.create_access_key(UserName="edge")["AccessKey"]
        self.credentials = {"edge": (key["AccessKeyId"], key["SecretAccessKey"])}
        self.key = self.b("kms").create_key(Description="acme's inbox")["KeyMetadata"]["Arn"]
        storage.create(self.a("s3"), REPOSITORY, REGION)
        storage.create(self.b("s3"), INBOX, REGION)

    def administrator(self, sts, account):
        role = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/administrator", RoleSessionName="peers")["Credentials"]
        return lambda service: storage.client(
            service, self.endpoint, REGION, role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])

    def agent(self, name, endpoint=None, publish="here"):
        def identity(role):
            return f'{{ role: "arn:aws:iam::{ACCOUNT_A}:role/{role}", from: {{ profile: edge, file: ./credentials }} }}'

        return agents.Agent(
            self.pouch, os.path.join(self.folder, name), self.credentials, endpoint=endpoint or self.endpoint, region=REGION,
            generator=identity("generator"), publisher=identity("publisher"), publish=publish, repository=REPOSITORY, inbox=INBOX,
            repository_owner=ACCOUNT_A, inbox_owner=ACCOUNT_B, key=self.key)

    def inbox(self, name=""):
        return storage.versions(self.b("s3"), INBOX, "from-orga/" + name)


def run(checks, endpoint, pouch, folder):
    with checks.scene("moto: two accounts, roles, buckets, B's key"):
        moto = Moto(endpoint, pouch, folder)
        checks.that(f":{ACCOUNT_B}:key/" in moto.key, "moto made a KMS key in B", moto.key)
        owned = [[bucket["Name"] for bucket in account("s3").list_buckets()["Buckets"]] for account in (moto.a, moto.b)]
        checks.equal(owned, [[REPOSITORY], [INBOX]], "the repository is A's, the inbox B's")
        with checks.scene("moto: the whole way"):
            delivers(checks, moto)
        with checks.scene("moto: the publisher as a service, fed by moto's own events"):
            publishes_on_events(checks, moto)
        with checks.scene("moto: what goes over the wire"):
            speaks(checks, moto)
        with checks.scene("moto, which overlooks If-None-Match on a copy: the same name again"):
            repeats_without_condition(checks, moto)
        with checks.scene("moto, with that condition added by a relay: the same name again"):
            repeats_with_condition(checks, moto)
        with checks.scene("moto with that condition, and a copy's answer lost on the way back"):
            loses_answers(checks, moto, "lost-once", most=1)
        with checks.scene("moto with that condition, and every copy's answer lost"):
            loses_answers(checks, moto, "lost-always", most=1_000)
        with checks.scene("moto, with the confirmation of encryption taken out of a copy's answer"):
            holds_without_confirmation(checks, moto)


def delivers(checks, moto):
    agent = moto.agent("whole-way")
    contents = {name: agent.drop(name, size) for name, size in agents.FILES.items()}
    code, said = agent.run("check")
    checks.that(code == 0, "pouch check exits 0", said)
    code, said = agent.deliver()
    checks.that(code == 0, "pouch run --once exits 0", said)
    entries = {entry["file"]["path"]: entry for entry in agent.manifest()}
    inbox = {stored.key: stored for stored in moto.inbox()}
    checks.equal(sorted(inbox), sorted("from-orga/" + name for name in contents), "B finds every file in the inbox, and nothing else")
    for name, content in contents.items():
        stored, entry = inbox["from-orga/" + name], entries[name]
        checks.that(stored.content == content, f"{name}: byte for byte ({len(content)} bytes)")
        checks.equal((stored.algorithm, stored.kms_key), ("aws:kms", moto.key), f"{name}: SSE-KMS under B's key")
        checks.equal(
            (stored.metadata.get("pouch-delivery"), stored.metadata.get("pouch-sha256")), (entry["delivery"], agents.sha256(content)),
            f"{name}: its metadata name the delivery and the SHA-256")
        facts = entry["stages"][1]["facts"]
        checks.equal(
            (entry["outcome"], entry["confirmation"], facts["versionId"], facts["keyArn"]),
            ("delivered", "by-answer", stored.version, moto.key), f"{name}: the manifest names that version and that key")
    repository = storage.versions(moto.a("s3"), REPOSITORY, "acme/")
    checks.that(
        len(repository) == len(contents) and all((o.algorithm, o.kms_key) == ("aws:kms", moto.key) for o in repository),
        "A's repository holds each file once, under B's key as well", [o.key for o in repository])
    # moto takes a checksum and says nothing about it: then none may be claimed.
    claimed = [stage["facts"].get("crc64nvme") for entry in entries.values() for stage in entry["stages"]]
    checks.equal(set(claimed), {None}, "the manifest claims no checksum of moto's, which confirms none")
    code, said = agent.run("manifest", "verify")
    checks.that(code == 0 and f"{len(contents)} lines" in said, "pouch manifest verify: good", said)
    checks.equal((agent.status()["unaccounted"], agent.left()), (0, []), "unaccounted: 0, and the drop folder is empty")
    code, said = agent.deliver()
    checks.that(code == 0 and len(moto.inbox()) == len(contents), "pouch run --once again delivers nothing twice", said)


def publishes_on_events(checks, moto):
    queues = moto.a("sqs")
    url = queues.create_queue(QueueName="pouch-events")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    moto.a("s3").put_bucket_notification_configuration(Bucket=REPOSITORY, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]})
    agent = moto.agent("publisher", publish="elsewhere")
    agent.also_publish(f"{moto.endpoint}/{ACCOUNT_A}/pouch-events", REGION)
    contents = {name: agent.drop(name, 900) for name in ("events/one.csv", "events/ä ö+ü.csv")}
    code, said = agent.run("check")
    checks.that(code == 0, "pouch check exits 0", said)
    code, said = agent.deliver()
    checks.that(code == 0 and moto.inbox("events/") == [], "pouch run --once stores, and publishes nothing", said)
    code, said = agent.run("publish", "--once")
    checks.that(code == 0, "pouch publish --once exits 0", said)
    inbox = {stored.key: stored for stored in moto.inbox("events/")}
    checks.equal({key: o.content for key, o in inbox.items()}, {"from-orga/" + n: c for n, c in contents.items()}, "B finds both")
    receipts = storage.versions(moto.a("s3"), REPOSITORY, "acme/.pouch-receipts/")
    found = {receipt["delivery"]: receipt for receipt in (json.loads(o.content) for o in receipts if o.key.endswith(".json"))}
    # The reconciliation found what the scenes before stored, too.
    checks.that(
        {o.metadata["pouch-delivery"] for o in inbox.values()} <= set(found), "a receipt for each delivery lies in the repository", found)
    # The events of receipts, which the reconciliation left after the queue was empty, ask for nothing.
    code, said = agent.run("publish", "--once")
    checks.that(code == 0 and len(moto.inbox("events/")) == 2, "pouch publish --once again publishes nothing", said)
    left = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    checks.equal(
        (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]), ("0", "0"), "the queue is empty")
    moto.a("s3").put_bucket_notification_configuration(Bucket=REPOSITORY, NotificationConfiguration={})


def speaks(checks, moto):
    with Relay(moto.endpoint) as relay:
        agent = moto.agent("wire", relay.endpoint)
        name = "wire/ä ö+ü.txt"
        content = agent.drop(name, 2048)
        code, said = agent.deliver()
        checks.that(code == 0, "pouch run --once through a relay exits 0", said)
        [store], [copy] = relay.to(REPOSITORY), relay.to(INBOX)
        [entry] = agent.manifest()
        version = entry["stages"][0]["facts"]["versionId"]
        checks.that(not store.is_copy and copy.is_copy, "one PutObject to the repository, one CopyObject to the inbox")
        checks.that((store.body, copy.body) == (content, b""), "the generator sends the bytes, the publisher none")
        keys = {store.access_key, copy.access_key, moto.credentials["edge"][0]}
        checks.that(len(keys) == 3, "two roles sign them, and neither with the keys of the profile", keys)
        for exchange, what, owner in ((store, "the store", ACCOUNT_A), (copy, "the copy", ACCOUNT_B)):
            expect(checks, what, exchange, {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": moto.key,
                "x-amz-expected-bucket-owner": owner,
                "x-amz-acl": None,
            })
        expect(checks, "the store", store, {
            "x-amz-content-sha256": agents.sha256(content),
            "x-amz-checksum-crc64nvme": entry["file"]["crc64nvme"],
            "x-amz-server-side-encryption-bucket-key-enabled": "false",
        })
        expect(checks, "the copy", copy, {
            "if-none-match": "*",
            "x-amz-copy-source-if-match": entry["stages"][0]["facts"]["etag"],
            "x-amz-source-expected-bucket-owner": ACCOUNT_A,
            "x-amz-metadata-directive": "REPLACE",
            "x-amz-tagging-directive": "REPLACE",
        })
        source = copy.header("x-amz-copy-source")
        checks.that(
            source.isascii() and source.endswith(f"?versionId={version}"), "the copy's source is encoded and names the version", source)


def expect(checks, what, exchange, headers):
    for name, value in headers.items():
        checks.equal(exchange.header(name), value, f"{what} has " + (f"{name}: {value}" if value else f"no {name}"))


def repeats_without_condition(checks, moto):
    agent = moto.agent("twice")
    first = agent.drop("twice.csv", 500)
    codes = [agent.deliver()[0]]
    second = agent.drop("twice.csv", 600)
    codes.append(agent.deliver()[0])
    checks.equal(codes, [0, 0], "both runs exit 0")
    # Not what S3 does. When moto begins to honour the condition, this fails: then the relay of the next scene can go.
    found = moto.inbox("twice")
    checks.equal([stored.key for stored in found], ["from-orga/twice.csv"] * 2, "moto lets the second copy pass: two versions")
    checks.that({stored.content for stored in found} == {first, second}, "both files are there, byte for byte")
    deliveries = {stored.metadata["pouch-delivery"] for stored in found}
    checks.equal(deliveries, {entry["delivery"] for entry in agent.manifest()}, "each as a delivery of its own, as the manifest has it")


def refuse_taken_keys(moto):
    """A relay's hook: the condition of a copy, as S3 has it since 2025. Whether the key is taken is moto's to say."""
    def hook(exchange):
        if exchange.is_copy and exchange.header("if-none-match") == "*" and any(o.key == exchange.key for o in moto.inbox()):
            exchange.refuse(412, PRECONDITION_FAILED)

    return hook


def repeats_with_condition(checks, moto):
    with Relay(moto.endpoint, before=refuse_taken_keys(moto)) as relay:
        agent = moto.agent("suffix", relay.endpoint)
        contents = [agent.drop("suffix.csv", 500)]
        codes = [agent.deliver()[0]]
        contents.append(agent.drop("suffix.csv", 600))
        codes.append(agent.deliver()[0])
        checks.equal(codes, [0, 0], "both runs exit 0")
        first, second = agent.manifest()
        keys = ["from-orga/suffix.csv", "from-orga/" + agents.suffixed("suffix.csv", second["delivery"])]
        stored = {o.key: o for o in moto.inbox("suffix")}
        checks.equal(sorted(stored), sorted(keys), "the second one arrives under the suffixed key")
        checks.that([stored[key].content for key in keys] == contents, "both are there, byte for byte")
        checks.equal([first["key"], second["key"]], keys, "the manifest names both keys")
        checks.equal([copy.status for copy in relay.copies], [200, 412, 200], "it took one copy, and two")
        code, said = agent.run("manifest", "verify")
        checks.that(code == 0, "pouch manifest verify: good", said)


def loses_answers(checks, moto, name, most):
    """The copy takes effect, and the connection is cut instead of an answer, so many times at most."""
    lost = []

    def cut(exchange):
        if not exchange.is_copy or len(lost) == most:
            return True
        lost.append(exchange)
        return False

    with Relay(moto.endpoint, before=refuse_taken_keys(moto), after=cut) as relay:
        agent = moto.agent(name, relay.endpoint)
        content = agent.drop(f"{name}.csv", 900)
        code, said = agent.deliver()
        checks.that(code == 0, "pouch run --once exits 0", said)
        found = moto.inbox(name)
        checks.equal([o.key for o in found], [f"from-orga/{name}.csv"], "the file is there, once")
        checks.that([o.content for o in found] == [content], "byte for byte")
        checks.equal([e["confirmation"] for e in agent.manifest()], ["by-question"], "the agent asked, and the manifest says so")
        # A connection that dies while it is used again is replaced, and the request sent once more: one or two copies go out.
        methods = [exchange.method for exchange in relay.to(INBOX)]
        checks.that(methods in (["PUT", "HEAD"], ["PUT", "PUT", "HEAD"]), "it asked with one HEAD, and copied no more after it", methods)


def holds_without_confirmation(checks, moto):
    def say_nothing_of_encryption(exchange):
        if exchange.is_copy:
            exchange.answer_headers = [h for h in exchange.answer_headers if "server-side-encryption" not in h[0].lower()]

    with Relay(moto.endpoint, after=say_nothing_of_encryption) as relay:
        agent = moto.agent("unconfirmed", relay.endpoint)
        agent.drop("unconfirmed.csv", 900)
        code, said = agent.deliver()
        checks.that(code == 1, "pouch run --once exits 1", said)
        hold = agent.hold()
        checks.that(hold and hold["code"] == "wrong-encryption", "the partner is held: wrong-encryption", hold)
        names_it = hold and moto.key in hold["reason"] and "hint:" in hold["reason"]
        checks.that(names_it, "it names the key that was asked for, with a hint", hold)
        checks.equal(agent.manifest(), [], "nothing was recorded as delivered")
