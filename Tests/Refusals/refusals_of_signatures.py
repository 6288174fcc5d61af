"""Signatures, sessions, clocks, regions, hashes and checksums."""

import base64
import hashlib

from botocore.credentials import Credentials

from expectations import answered, refused
from house import A, EMPTY, chunked, now


def forge(house, who="admin-a", **changes):
    real = house.credentials(who)
    values = {"access_key": real.access_key, "secret_key": real.secret_key, "token": real.token}
    values.update(changes)
    return Credentials(**values)


def test_wrong_secret(house):
    s3 = house.fresh("s3", forge(house, secret_key="x" * 40))
    refused("SignatureDoesNotMatch", 403, s3.list_objects_v2, Bucket="a-plain")


def test_unknown_access_key(house):
    s3 = house.fresh("s3", forge(house, access_key="AKIAIOSFODNN7EXAMPLE"))
    refused("InvalidAccessKeyId", 403, s3.list_objects_v2, Bucket="a-plain")


def test_session_without_its_token(house):
    s3 = house.fresh("s3", forge(house, "role:generator", token=None))
    refused("InvalidAccessKeyId", 403, s3.list_objects_v2, Bucket="a-plain")


def test_token_that_is_none(house):
    s3 = house.fresh("s3", forge(house, "role:generator", token="bm90IGEgdG9rZW4="))
    refused("InvalidToken", 400, s3.list_objects_v2, Bucket="a-plain")


def test_token_of_another_session(house):
    s3 = house.fresh("s3", forge(house, "role:generator", token=house.credentials("role:publisher").token))
    refused("InvalidToken", 400, s3.list_objects_v2, Bucket="a-plain")


def test_token_with_a_users_key(house):
    s3 = house.fresh("s3", forge(house, token=house.credentials("role:publisher").token))
    refused("InvalidToken", 400, s3.list_objects_v2, Bucket="a-plain")


def test_expired_session(house):
    credentials = house.credentials("role:generator")
    house.control("POST", "expire", {"role": f"arn:aws:iam::{A}:role/generator"})
    house.clients.clear()
    refused("ExpiredToken", 400, house.fresh("s3", credentials).list_objects_v2, Bucket="a-plain")
    refused("ExpiredToken", 403, house.fresh("sts", credentials).get_caller_identity)
    refused("ExpiredTokenException", 400, house.fresh("kms", credentials).list_keys)


def test_slow_clock(house):
    answer = answered(house.signed("GET", "/a-plain?list-type=2", time=now(minutes=-16)), "RequestTimeTooSkewed", 403)
    assert "date" in answer.headers, "the server's time is what the client corrects its clock by"


def test_fast_clock(house):
    answered(house.signed("GET", "/a-plain?list-type=2", time=now(minutes=16)), "RequestTimeTooSkewed", 403)


def test_region_that_is_none(house):
    answer = answered(house.signed("GET", "/a-plain?list-type=2", region="eu-nowhere-1"), "AuthorizationHeaderMalformed", 400)
    assert answer.text("Region") == "eu-west-1"


def test_host_of_another_region_than_the_scope(house):
    answer = house.signed("GET", "/a-plain?list-type=2", region="eu-central-1", host="s3.eu-west-1.localhost")
    answered(answer, "AuthorizationHeaderMalformed", 400)


def test_bucket_of_another_region(house):
    answer = answered(house.signed("GET", "/a-frankfurt?list-type=2"), "PermanentRedirect", 301)
    assert answer.headers["x-amz-bucket-region"] == "eu-central-1"


def test_head_of_a_bucket_that_may_not_be_seen_names_its_region(house):
    error = refused("403", 403, house.s3("nobody-a").head_bucket, Bucket="a-plain")
    assert error.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"


def test_header_that_was_added_on_the_way(house):
    answer = house.signed("PUT", "/a-plain/k", change=lambda sent: sent["headers"].update({"x-amz-meta-added": "1"}))
    assert answered(answer, "AccessDenied", 403).text("HeadersNotSigned") == "x-amz-meta-added"


def test_header_that_was_changed_on_the_way(house):
    answer = house.signed(
        "PUT", "/a-plain/k", headers={"x-amz-meta-a": "1"}, change=lambda sent: sent["headers"].update({"x-amz-meta-a": "2"}))
    answered(answer, "SignatureDoesNotMatch", 403)


def test_path_that_was_changed_on_the_way(house):
    answered(house.signed("PUT", "/a-plain/k", change=lambda sent: sent.update(target="/a-plain/l")), "SignatureDoesNotMatch", 403)


def test_dots_that_were_squashed_on_the_way(house):
    answered(house.signed("PUT", "/a-plain/a/../k", change=lambda sent: sent.update(target="/a-plain/k")), "SignatureDoesNotMatch", 403)


def test_query_that_was_changed_on_the_way(house):
    answer = house.signed("GET", "/a-plain?list-type=2&prefix=a", change=lambda sent: sent.update(target="/a-plain?list-type=2&prefix=b"))
    answered(answer, "SignatureDoesNotMatch", 403)


def test_body_that_was_changed_on_the_way(house):
    answered(house.signed("PUT", "/a-plain/k", body=b"one", change=lambda sent: sent.update(body=b"two")), "XAmzContentSHA256Mismatch", 400)


def test_without_the_payload_hash(house):
    answered(house.signed("PUT", "/a-plain/k", payload=False), "InvalidRequest", 400)


def test_payload_hash_that_is_none(house):
    answered(house.signed("PUT", "/a-plain/k", payload="abc"), "InvalidArgument", 400)


def test_unsigned_payload_without_tls(house):
    answered(house.signed("PUT", "/a-plain/k", payload="UNSIGNED-PAYLOAD", plain=True), "InvalidRequest", 400)


def test_without_a_signature(house):
    answered(house.send("GET", "/a-plain?list-type=2", {}), "AccessDenied", 403)


def test_signature_version_2(house):
    answered(house.send("GET", "/a-plain?list-type=2", {"Authorization": "AWS AKIAIOSFODNN7EXAMPLE:c2ln"}), "InvalidRequest", 400)


def test_signature_of_another_service(house):
    def change(sent):
        sent["headers"]["Authorization"] = sent["headers"]["Authorization"].replace("/s3/aws4", "/ec2/aws4")
    answered(house.signed("GET", "/a-plain?list-type=2", change=change), "AuthorizationHeaderMalformed", 400)


def test_without_a_date(house):
    answered(house.signed("GET", "/a-plain?list-type=2", change=lambda sent: sent["headers"].pop("X-Amz-Date")), "AccessDenied", 403)


def test_presigned_request_after_its_time(house):
    target, host = house.presigned("GET", "/a-plain/k", expires=60, time=now(minutes=-5))
    answer = answered(house.send("GET", target, {"Host": host}), "AccessDenied", 403)
    assert "expired" in answer.text("Message")


def test_presigned_request_for_too_long(house):
    target, host = house.presigned("GET", "/a-plain/k", expires=604_801)
    answered(house.send("GET", target, {"Host": host}), "AuthorizationQueryParametersError", 400)


def test_presigned_request_with_another_method(house):
    target, host = house.presigned("GET", "/a-plain/k")
    answered(house.send("PUT", target, {"Host": host}), "SignatureDoesNotMatch", 403)


def test_sts_with_a_wrong_secret(house):
    refused("SignatureDoesNotMatch", 403, house.fresh("sts", forge(house, secret_key="x" * 40)).get_caller_identity)


def test_sts_with_an_unknown_key(house):
    refused("InvalidClientTokenId", 403, house.fresh("sts", forge(house, access_key="AKIAIOSFODNN7EXAMPLE")).get_caller_identity)


def test_kms_with_a_wrong_secret(house):
    refused("InvalidSignatureException", 400, house.fresh("kms", forge(house, secret_key="x" * 40)).list_keys)


def test_kms_with_an_unknown_key(house):
    refused("UnrecognizedClientException", 400, house.fresh("kms", forge(house, access_key="AKIAIOSFODNN7EXAMPLE")).list_keys)


def test_wrong_checksums(house):
    wrong = {
        "ChecksumCRC32": 4, "ChecksumCRC32C": 4, "ChecksumCRC64NVME": 8, "ChecksumSHA1": 20, "ChecksumSHA256": 32,
    }
    for name, length in wrong.items():
        value = base64.b64encode(bytes(length)).decode()
        refused("BadDigest", 400, house.s3("admin-a").put_object, Bucket="a-plain", Key="k", Body=b"hello", **{name: value})


def test_checksum_of_the_wrong_length(house):
    headers = {"x-amz-checksum-crc32": "AAAA"}
    answered(house.signed("PUT", "/a-plain/k", headers=headers, body=b"x"), "InvalidRequest", 400)


def test_two_checksums(house):
    headers = {"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha256": base64.b64encode(bytes(32)).decode()}
    answered(house.signed("PUT", "/a-plain/k", headers=headers, body=b"x"), "InvalidRequest", 400)


def test_wrong_md5(house):
    headers = {"Content-MD5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}
    answered(house.signed("PUT", "/a-plain/k", headers=headers, body=b"x"), "BadDigest", 400)


def test_md5_that_is_none(house):
    answered(house.signed("PUT", "/a-plain/k", headers={"Content-MD5": "eA=="}, body=b"x"), "InvalidDigest", 400)


def trailer(house, body, announced, **options):
    headers = {
        "Content-Encoding": "aws-chunked", "X-Amz-Trailer": "x-amz-checksum-crc32",
        "X-Amz-Decoded-Content-Length": str(announced),
    }
    return house.signed("PUT", "/a-plain/k", headers=headers, body=body, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER", **options)


def test_wrong_checksum_in_the_trailer(house):
    answered(trailer(house, b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 5), "BadDigest", 400)


def test_announced_trailer_that_does_not_come(house):
    answered(trailer(house, b"5\r\nhello\r\n0\r\n\r\n", 5), "MalformedTrailerError", 400)


def test_chunks_that_are_shorter_than_announced(house):
    answered(trailer(house, b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", 6), "IncompleteBody", 400)


def test_chunks_that_are_cut(house):
    answered(trailer(house, b"5\r\nhello\r\n", 5), "IncompleteBody", 400)


def test_chunk_that_was_changed_on_the_way(house):
    credentials, time = house.credentials("admin-a"), now()

    def change(sent):
        signature = sent["headers"]["Authorization"].rsplit("Signature=", 1)[1]
        sent["body"] = chunked(b"hello world", signature, time, credentials, tamper=True)
    headers = {"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "11"}
    answer = house.signed(
        "PUT", "/a-plain/k", headers=headers, payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD", time=time, change=change)
    answered(answer, "SignatureDoesNotMatch", 403)


def test_body_without_a_length(house):
    body = b"5\r\nhello\r\n0\r\n\r\n"
    answer = house.signed(
        "PUT", "/a-plain/k", body=b"hello",
        change=lambda sent: (sent["headers"].update({"Transfer-Encoding": "chunked"}), sent.update(body=body)))
    answered(answer, "MissingContentLength", 411)


def test_empty_hash_for_a_body(house):
    answered(house.signed("PUT", "/a-plain/k", body=b"x", payload=EMPTY), "XAmzContentSHA256Mismatch", 400)


def test_body_of_a_request_that_has_none(house):
    house.s3("admin-a").put_object(Bucket="a-plain", Key="from", Body=b"x")
    headers = {"x-amz-copy-source": "a-plain/from"}
    answered(house.signed("PUT", "/a-plain/to", headers=headers, payload="0" * 64), "XAmzContentSHA256Mismatch", 400)
    answered(house.signed("PUT", "/a-plain/to", headers=headers, body=b"x"), "MaxMessageLengthExceeded", 400)
