"""What must go through: a house that refuses everything would pass all refusals."""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tempfile
import uuid

import boto3.s3.transfer

from expectations import refused
from house import A, B, EMPTY, KEY, chunked, now
from refusals_of_objects import SEAL, consignment, publish, put


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def test_the_way_of_a_file(house):
    name = unique("way ü+&%41 #?/file.csv")
    stored = consignment(house, name)
    assert stored["SSEKMSKeyId"] == KEY and stored["ServerSideEncryption"] == "aws:kms"
    copied = publish(house, name, stored["VersionId"], CopySourceIfMatch=stored["ETag"], Metadata={"pouch-delivery": "1"})
    assert copied["SSEKMSKeyId"] == KEY and copied["CopySourceVersionId"] == stored["VersionId"]
    read = house.s3("reader-b").get_object(Bucket="b-inbox", Key=f"from-orga/{name}")
    assert read["Body"].read() == b"x" and read["Metadata"] == {"pouch-delivery": "1"}
    judged = [o for o in house.control("GET", "objects?bucket=b-inbox") if o["key"] == f"from-orga/{name}"]
    assert [(o["owner"], o["keyARN"], o["sha256"]) for o in judged] == [(B, KEY, hashlib.sha256(b"x").hexdigest())]


def test_every_checksum(house):
    s3 = house.s3("admin-a")
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        if algorithm in ("CRC32C", "CRC64NVME"):
            value = {"CRC32C": "4waSgw==", "CRC64NVME": "rosUhgp5mIg="}[algorithm]
            put(house, "sums", body=b"123456789", **{f"Checksum{algorithm}": value})
        else:
            put(house, "sums", body=b"123456789", ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket="a-plain", Key="sums", ChecksumMode="ENABLED")
        assert head[f"Checksum{algorithm}"] and head["ChecksumType"] == "FULL_OBJECT"
        assert s3.get_object(Bucket="a-plain", Key="sums", ChecksumMode="ENABLED")["Body"].read() == b"123456789"


def test_s3_computes_a_checksum_of_its_own(house):
    house.signed("PUT", "/a-plain/own-sum", body=b"123456789")
    assert house.s3("admin-a").head_object(Bucket="a-plain", Key="own-sum", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == "rosUhgp5mIg="


def test_etag_is_md5_without_kms(house):
    assert put(house, "md5", body=b"abc")["ETag"] == '"%s"' % hashlib.md5(b"abc").hexdigest()


def test_plain_http_without_kms(house):
    s3 = house.s3("admin-a", plain=True)
    s3.put_object(Bucket="a-plain", Key="plain", Body=b"abc")
    assert s3.get_object(Bucket="a-plain", Key="plain")["Body"].read() == b"abc"


def test_virtual_host_style(house):
    port = house.endpoint.rsplit(":", 1)[1]
    for host in (f"a-plain.localhost:{port}", "a-plain.s3.eu-west-1.amazonaws.com"):
        assert house.signed("PUT", "/virtual", host=host, body=b"abc").status == 200
        assert house.signed("GET", "/virtual", host=host).body == b"abc"


def test_presigned_requests(house):
    target, host = house.presigned("PUT", "/a-plain/presigned%20%C3%BC")
    assert house.send("PUT", target, {"Host": host}, b"abc").status == 200
    target, host = house.presigned("GET", "/a-plain/presigned%20%C3%BC", who="admin-a")
    assert house.send("GET", target, {"Host": host}).body == b"abc"


def test_presigned_request_of_a_session(house):
    consignment(house, "presigned")
    target, host = house.presigned("GET", "/a-repository/partner-b/presigned", who="role:publisher")
    assert house.send("GET", target, {"Host": host}).body == b"x"


def test_signed_chunks(house):
    credentials, time, body = house.credentials("admin-a"), now(), os.urandom(100_000)

    def change(sent):
        signature = sent["headers"]["Authorization"].rsplit("Signature=", 1)[1]
        sent["body"] = chunked(body, signature, time, credentials)
    headers = {"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": str(len(body))}
    answer = house.signed(
        "PUT", "/a-plain/chunks", headers=headers, payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD", time=time, change=change)
    assert answer.status == 200, answer.body
    read = house.s3("admin-a").get_object(Bucket="a-plain", Key="chunks")
    assert read["Body"].read() == body and "ContentEncoding" not in read


def test_keys_that_hurt(house):
    s3 = house.s3("admin-a")
    for key in ("a//b", "a/../b", "./a", "a b+c%2F", "ü\u0308", "\u00fc\u0308", "~*'()", "tab\tx", "?a=b&c", "日本語", "e\u0301", "\u00e9", "k" * 1024):
        s3.put_object(Bucket="a-plain", Key=key, Body=key.encode())
        assert s3.get_object(Bucket="a-plain", Key=key)["Body"].read() == key.encode(), key
    listed = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="a-plain") for o in page.get("Contents", [])]
    assert "e\u0301" in listed and "\u00e9" in listed and "a/../b" in listed
    assert listed == sorted(listed, key=lambda key: key.encode()), "byte order"


def test_ranges(house):
    put(house, "range", body=b"0123456789")
    s3 = house.s3("admin-a")
    for text, expected in (("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-3", b"789"), ("bytes=0-99", b"0123456789")):
        answer = s3.get_object(Bucket="a-plain", Key="range", Range=text)
        assert answer["Body"].read() == expected and answer["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_empty_object(house):
    put(house, "empty", body=b"")
    assert house.s3("admin-a").get_object(Bucket="a-plain", Key="empty")["Body"].read() == b""
    assert house.s3("admin-a").head_object(Bucket="a-plain", Key="empty")["ContentLength"] == 0


def test_listing_by_pages_and_folders(house):
    s3, prefix = house.s3("admin-a"), unique("list") + "/"
    for number in range(25):
        s3.put_object(Bucket="a-plain", Key=f"{prefix}{number % 5}/{number:02}", Body=b"")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="a-plain", Prefix=prefix, PaginationConfig={"PageSize": 7}))
    assert [len(page["Contents"]) for page in pages] == [7, 7, 7, 4]
    assert len({o["Key"] for page in pages for o in page["Contents"]}) == 25
    pages = list(s3.get_paginator("list_objects_v2").paginate(
        Bucket="a-plain", Prefix=prefix, Delimiter="/", PaginationConfig={"PageSize": 2}))
    folders = [p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])]
    assert folders == [f"{prefix}{number}/" for number in range(5)], folders


def test_versions_and_markers(house):
    s3, key = house.s3("admin-a"), unique("versions")
    versions = [put(house, key, bucket="a-repository", body=body)["VersionId"] for body in (b"1", b"2")]
    s3.delete_object(Bucket="a-repository", Key=key)
    listed = s3.list_object_versions(Bucket="a-repository", Prefix=key)
    assert [v["VersionId"] for v in listed["Versions"]] == versions[::-1] and listed["DeleteMarkers"][0]["IsLatest"]
    put(house, key, bucket="a-repository", IfNoneMatch="*")  # a delete marker counts as nothing
    assert s3.get_object(Bucket="a-repository", Key=key, VersionId=versions[0])["Body"].read() == b"1"
    s3.delete_object(Bucket="a-repository", Key=key, VersionId=versions[0])
    refused("NoSuchVersion", 404, s3.get_object, Bucket="a-repository", Key=key, VersionId=versions[0])


def test_suspended_versions(house):
    key = unique("null")
    put(house, key, bucket="a-suspended", body=b"1")
    assert put(house, key, bucket="a-suspended", body=b"2")["VersionId"] == "null"
    assert len(house.s3("admin-a").list_object_versions(Bucket="a-suspended", Prefix=key)["Versions"]) == 1


def test_condition_that_holds(house):
    etag = put(house, "if-match")["ETag"]
    put(house, "if-match", IfMatch=etag)


def test_default_encryption(house):
    assert put(house, "default")["ServerSideEncryption"] == "AES256"
    assert put(house, "default", bucket="b-inbox", who="admin-b")["SSEKMSKeyId"] == KEY


def test_own_managed_key(house):
    sealed = put(house, "managed", ServerSideEncryption="aws:kms")
    assert f":{A}:key/" in sealed["SSEKMSKeyId"]
    assert house.s3("admin-a").get_object(Bucket="a-plain", Key="managed")["Body"].read() == b"x"


def test_alias_of_ones_own(house):
    sealed = put(house, "alias", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/own")
    assert sealed["SSEKMSKeyId"].endswith("key/aaaaaaaa-3333-4444-5555-666677778888")


def test_tolerated_acl(house):
    put(house, "acl", ACL="bucket-owner-full-control")
    put(house, "handed", bucket="b-writer", ACL="bucket-owner-full-control")
    assert house.s3("admin-b").get_object(Bucket="b-writer", Key="handed")["Body"].read() == b"x"
    put(house, "handed", bucket="b-preferred", ACL="bucket-owner-full-control")
    assert house.s3("admin-b").get_object(Bucket="b-preferred", Key="handed")["Body"].read() == b"x"


def test_transfer_manager(house):
    body, key = os.urandom(20 * 2**20 + 17), unique("transfer")
    s3 = house.s3("admin-a")
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * 2**20, multipart_chunksize=8 * 2**20)
    s3.upload_fileobj(io.BytesIO(body), "a-plain", key, Config=config)
    target = io.BytesIO()
    s3.download_fileobj("a-plain", key, target, Config=config)
    assert target.getvalue() == body
    assert s3.head_object(Bucket="a-plain", Key=key)["ETag"].endswith('-3"')


def test_multipart_with_the_checksum_of_the_whole(house):
    s3, key = house.bare("admin-b"), unique("whole")
    upload = s3.create_multipart_upload(
        Bucket="b-inbox", Key=key, ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT", **SEAL)["UploadId"]
    parts = []
    for number, body in ((2, bytes(5 * 2**20)), (7, b"123456789")):
        answer = s3.upload_part(Bucket="b-inbox", Key=key, UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    listed = s3.list_parts(Bucket="b-inbox", Key=key, UploadId=upload)
    assert [p["PartNumber"] for p in listed["Parts"]] == [2, 7] and listed["ChecksumType"] == "FULL_OBJECT"
    assert upload in [u["UploadId"] for u in s3.list_multipart_uploads(Bucket="b-inbox", Prefix=key)["Uploads"]]
    done = s3.complete_multipart_upload(
        Bucket="b-inbox", Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, ChecksumType="FULL_OBJECT",
        MpuObjectSize=5 * 2**20 + 9, IfNoneMatch="*")
    house.bare("admin-a").put_object(Bucket="a-plain", Key="reference", Body=bytes(5 * 2**20) + b"123456789")
    reference = house.s3("admin-a").head_object(Bucket="a-plain", Key="reference", ChecksumMode="ENABLED")["ChecksumCRC64NVME"]
    assert done["ChecksumCRC64NVME"] == reference and done["SSEKMSKeyId"] == KEY


def test_composite_checksum(house):
    s3, key = house.s3("admin-a"), unique("composite")
    upload = s3.create_multipart_upload(Bucket="a-plain", Key=key, ChecksumAlgorithm="SHA256")["UploadId"]
    bodies = [bytes(5 * 2**20), b"end"]
    parts = []
    for number, body in enumerate(bodies, 1):
        answer = s3.upload_part(Bucket="a-plain", Key=key, UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": answer["ChecksumSHA256"]})
    done = s3.complete_multipart_upload(Bucket="a-plain", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    expected = hashlib.sha256(b"".join(hashlib.sha256(body).digest() for body in bodies)).digest()
    assert done["ChecksumSHA256"] == base64.b64encode(expected).decode() + "-2"


def test_parts_copied_by_range(house):
    s3, key, body = house.s3("admin-a"), unique("ranges"), os.urandom(12 * 2**20)
    put(house, "source", body=body)
    upload = s3.create_multipart_upload(Bucket="a-plain", Key=key, ChecksumAlgorithm="CRC64NVME")["UploadId"]
    parts = []
    for number, (first, last) in enumerate(((0, 6 * 2**20 - 1), (6 * 2**20, len(body) - 1)), 1):
        copied = s3.upload_part_copy(
            Bucket="a-plain", Key=key, UploadId=upload, PartNumber=number, CopySource={"Bucket": "a-plain", "Key": "source"},
            CopySourceRange=f"bytes={first}-{last}")["CopyPartResult"]
        parts.append({"PartNumber": number, "ETag": copied["ETag"], "ChecksumCRC64NVME": copied["ChecksumCRC64NVME"]})
    s3.complete_multipart_upload(Bucket="a-plain", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    s3.delete_object(Bucket="a-plain", Key="source")  # the copy does not depend on it
    assert s3.get_object(Bucket="a-plain", Key=key)["Body"].read() == body


def test_copy_keeps_or_replaces_what_is_said_about_the_object(house):
    s3 = house.s3("admin-a")
    put(house, "described", Metadata={"a": "1"}, ContentType="text/csv", Tagging="t=1")
    source = {"Bucket": "a-plain", "Key": "described"}
    s3.copy_object(Bucket="a-plain", Key="kept", CopySource=source)
    kept = s3.head_object(Bucket="a-plain", Key="kept")
    assert kept["Metadata"] == {"a": "1"} and kept["ContentType"] == "text/csv" and kept["TagCount"] == 1
    s3.copy_object(
        Bucket="a-plain", Key="replaced", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"}, TaggingDirective="REPLACE")
    replaced = s3.head_object(Bucket="a-plain", Key="replaced")
    assert replaced["Metadata"] == {"b": "2"} and "TagCount" not in replaced


def test_external_id(house):
    answer = house.client("sts", "admin-b").assume_role(
        RoleArn=f"arn:aws:iam::{A}:role/partner", RoleSessionName="me", ExternalId="org-b-4711", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{A}:assumed-role/partner/me"


def test_kms_opens_what_it_sealed(house):
    kms = house.client("kms", "admin-b")
    key = kms.generate_data_key(KeyId="alias/inbox", KeySpec="AES_256", EncryptionContext={"a": "1"})
    opened = kms.decrypt(CiphertextBlob=key["CiphertextBlob"], EncryptionContext={"a": "1"})
    assert opened["Plaintext"] == key["Plaintext"] and opened["KeyId"] == KEY


def test_buckets(house):
    s3 = house.s3("admin-a")
    assert s3.head_bucket(Bucket="a-plain")["BucketRegion"] == "eu-west-1"
    assert house.s3("admin-a", region="eu-central-1").get_bucket_location(Bucket="a-frankfurt")["LocationConstraint"] == "eu-central-1"
    assert "a-plain" in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_versioning(Bucket="a-repository")["Status"] == "Enabled"


def test_aws_cli(house):
    """The command line, as an operator would use it; skipped where there is none."""
    program = shutil.which("aws")
    if not program:
        print("skipped: there is no aws command here")
        return

    def aws(*words, profile="admin-a", data=None):
        environment = {
            **os.environ, "AWS_SHARED_CREDENTIALS_FILE": os.path.join(house.folder, "credentials"), "AWS_CONFIG_FILE": os.devnull,
            "AWS_CA_BUNDLE": house.ca, "AWS_ENDPOINT_URL": house.endpoint, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_PROFILE": profile,
        }
        done = subprocess.run([program, *words], env=environment, input=data, capture_output=True, timeout=120)
        assert done.returncode == 0, f"{words} ended with {done.returncode}: {done.stdout[-500:]} {done.stderr.decode()}"
        return done.stdout

    assert b"user/admin" in aws("sts", "get-caller-identity")
    assert b"a-plain" in aws("s3", "ls")
    body = os.urandom(20 * 2**20)
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "in/sub"))
        for name, content in (("in/large.bin", body), ("in/sub/ü b.txt", b"small")):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        aws("s3", "sync", os.path.join(folder, "in"), "s3://a-plain/cli/")
        listed = aws("s3", "ls", "--recursive", "s3://a-plain/cli/").decode()
        assert "cli/large.bin" in listed and "cli/sub/ü b.txt" in listed
        aws("s3", "cp", "s3://a-plain/cli/large.bin", "s3://a-plain/cli/copy.bin")
        aws("s3", "cp", "s3://a-plain/cli/copy.bin", os.path.join(folder, "out.bin"))
        with open(os.path.join(folder, "out.bin"), "rb") as file:
            assert file.read() == body
    aws("s3", "cp", "-", "s3://b-inbox/cli.txt", "--sse", "aws:kms", "--sse-kms-key-id", KEY, profile="admin-b", data=b"through a pipe")
    assert aws("s3", "cp", "s3://b-inbox/cli.txt", "-", profile="admin-b") == b"through a pipe"
    assert KEY.encode() in aws("s3api", "head-object", "--bucket", "b-inbox", "--key", "cli.txt", profile="admin-b")
    assert b"Enabled" in aws("kms", "describe-key", "--key-id", "alias/inbox", profile="admin-b")
    aws("s3", "rm", "--recursive", "s3://a-plain/cli/")
    assert b"cli/" not in aws("s3", "ls", "s3://a-plain/")


# Faults

def with_fault(house, match, deed, work):
    house.control("POST", "faults", {"match": match, "do": deed})
    try:
        return work()
    finally:
        house.control("DELETE", "faults")


def test_fault_slow_down(house):
    with_fault(house, {"action": "PutObject"}, {"kind": "slow-down"}, lambda: refused("SlowDown", 503, put, house, "fault"))
    put(house, "fault")


def test_fault_lost_request_and_lost_answer(house):
    s3 = house.s3("admin-a")
    for after, expected in ((False, 404), (True, 200)):
        key = unique("lost")

        def work():
            try:
                put(house, key)
            except Exception as error:
                assert "Connection" in type(error).__name__ or "Closed" in type(error).__name__, repr(error)
            else:
                raise AssertionError("an answer came")
        with_fault(house, {"action": "PutObject", "keyPrefix": "lost"}, {"kind": "reset", "afterEffect": after}, work)
        try:
            status = s3.head_object(Bucket="a-plain", Key=key)["ResponseMetadata"]["HTTPStatusCode"]
        except Exception as error:
            status = int(error.response["Error"]["Code"])
        assert status == expected


def test_fault_error_in_success(house):
    put(house, "from")

    def work():
        answer = house.signed("PUT", "/a-plain/to", headers={"x-amz-copy-source": "a-plain/from"})
        assert (answer.status, answer.code) == (200, "InternalError")
    with_fault(house, {"action": "CopyObject"}, {"kind": "error-in-200"}, work)


def test_fault_of_the_second_request(house):
    def work():
        put(house, "first")
        refused("InternalError", 500, put, house, "second")
        put(house, "third")
    with_fault(house, {"action": "PutObject", "nth": 2}, {"kind": "error"}, work)


def test_fault_disabled_key(house):
    work = lambda: refused("KMS.DisabledException", 400, consignment, house, "fault")
    with_fault(house, {"action": "PutObject"}, {"kind": "key-disabled"}, work)


def test_fault_wrong_encryption_and_plaintext(house):
    wrong = with_fault(house, {}, {"kind": "wrong-encryption"}, lambda: consignment(house, "liar"))
    assert wrong["ServerSideEncryption"] == "AES256"
    plain = with_fault(house, {}, {"kind": "plaintext"}, lambda: consignment(house, "liar"))
    assert "ServerSideEncryption" not in plain


def test_fault_truncated_answer(house):
    put(house, "cut", body=b"0123456789")

    def work():
        try:
            house.s3("admin-a").get_object(Bucket="a-plain", Key="cut")["Body"].read()
        except Exception as error:
            assert "Incomplete" in type(error).__name__ or "Connection" in type(error).__name__ or "Stream" in type(error).__name__, repr(error)
        else:
            raise AssertionError("everything came")
    with_fault(house, {"action": "GetObject"}, {"kind": "truncate", "bytes": 4}, work)
