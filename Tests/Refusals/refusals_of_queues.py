"""Queues: who may use them, what becomes of messages, and what a bucket tells."""

import json
import uuid

from expectations import refused
from house import A

EVENTS, DEAD, SHARED = (f"https://queue.example/{A}/{name}" for name in ("a-events", "a-dead", "a-shared"))


def sqs(house, who="admin-a"):
    return house.client("sqs", who)


def emptied(house, url=EVENTS):
    house.control("DELETE", "messages?queue=" + url.rsplit("/", 1)[1])
    return url


def received(house, url=EVENTS, **more):
    options = {"MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"], **more}
    return sqs(house).receive_message(QueueUrl=url, **options).get("Messages", [])


def test_queue_that_is_not_there(house):
    refused("AWS.SimpleQueueService.NonExistentQueue", 400, sqs(house).get_queue_url, QueueName="nope")
    refused("AWS.SimpleQueueService.NonExistentQueue", 400, sqs(house).receive_message, QueueUrl=f"https://x/{A}/nope")


def test_queue_of_another_region(house):
    other = house.client("sqs", "admin-a", region="eu-central-1")
    refused("AWS.SimpleQueueService.NonExistentQueue", 400, other.receive_message, QueueUrl=EVENTS)


def test_nobody_without_permission(house):
    for who in ("nobody-a", "role:generator", "admin-b"):
        refused("AccessDenied", 403, sqs(house, who).receive_message, QueueUrl=EVENTS)


def test_another_account_where_the_policy_lets_it(house):
    sqs(house, "admin-b").send_message(QueueUrl=emptied(house, SHARED), MessageBody="from b")
    refused("AccessDenied", 403, sqs(house, "admin-b").receive_message, QueueUrl=SHARED)
    assert [message["Body"] for message in received(house, SHARED)] == ["from b"]


def test_figures_out_of_range(house):
    for wrong in ({"MaxNumberOfMessages": 11}, {"WaitTimeSeconds": 21}, {"VisibilityTimeout": 43201}):
        refused("InvalidParameterValue", 400, received, house, **wrong)
    refused("InvalidParameterValue", 400, sqs(house).send_message, QueueUrl=SHARED, MessageBody="x" * ((1 << 20) + 1))


def test_batches_that_are_none(house):
    refused("AWS.SimpleQueueService.EmptyBatchRequest", 400, sqs(house).delete_message_batch, QueueUrl=EVENTS, Entries=[])
    entries = [{"Id": "1", "MessageBody": "x"}] * 2
    refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400, sqs(house).send_message_batch, QueueUrl=EVENTS, Entries=entries)


def test_receipts_that_are_none(house):
    refused("ReceiptHandleIsInvalid", 400, sqs(house).delete_message, QueueUrl=EVENTS, ReceiptHandle="none")
    sqs(house).send_message(QueueUrl=emptied(house), MessageBody="one")
    [first] = received(house, VisibilityTimeout=0)
    [second] = received(house)
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    sqs(house).delete_message(QueueUrl=EVENTS, ReceiptHandle=first["ReceiptHandle"])
    assert len(house.control("GET", "queues?queue=a-events")[0]["messages"]) == 1, "an old receipt deletes nothing"
    sqs(house).delete_message(QueueUrl=EVENTS, ReceiptHandle=second["ReceiptHandle"])
    refused(
        "MessageNotInflight", 400, sqs(house).change_message_visibility, QueueUrl=EVENTS, ReceiptHandle=second["ReceiptHandle"],
        VisibilityTimeout=30)


def test_message_that_nobody_deletes(house):
    emptied(house, DEAD)
    sqs(house).send_message(QueueUrl=emptied(house), MessageBody="poison")
    for _ in range(2):
        assert [message["Body"] for message in received(house, VisibilityTimeout=0)] == ["poison"]
    assert received(house, VisibilityTimeout=0) == []
    assert [message["Body"] for message in received(house, DEAD)] == ["poison"]
    policy = sqs(house).get_queue_attributes(QueueUrl=EVENTS, AttributeNames=["All"])["Attributes"]["RedrivePolicy"]
    assert json.loads(policy)["maxReceiveCount"] == 2


def test_what_a_bucket_tells(house):
    """boto3 checks the MD5 of each body by itself."""
    emptied(house)
    name = f"ü b+{uuid.uuid4().hex[:8]}.csv"
    versions = {}
    for form in ("direct", "topic", "bridge", "silent"):
        versions[form] = house.s3("admin-a").put_object(Bucket="a-telling", Key=f"{form}/{name}", Body=b"x")["VersionId"]
    direct, topic, bridge = (json.loads(message["Body"]) for message in received(house, WaitTimeSeconds=1))
    assert topic["Type"] == "Notification"
    for form, event in (("direct", direct), ("topic", json.loads(topic["Message"]))):
        [record] = event["Records"]
        assert (record["eventSource"], record["eventName"], record["eventVersion"]) == ("aws:s3", "ObjectCreated:Put", "2.1")
        assert record["s3"]["object"]["key"] == form + "/" + name.replace("ü", "%C3%BC").replace("+", "%2B").replace(" ", "+")
        assert record["s3"]["object"]["versionId"] == versions[form]
    assert (bridge["detail-type"], bridge["detail"]["object"]["key"]) == ("Object Created", "bridge/" + name)
    assert bridge["detail"]["object"]["version-id"] == versions["bridge"]
    assert direct["Records"][0]["s3"]["object"]["sequencer"] < bridge["detail"]["object"]["sequencer"]
