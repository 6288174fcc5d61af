"""Multipart uploads."""

import base64

from expectations import answered, refused

SMALL = b"x" * 1024
LARGE = b"y" * (5 * 2**20)


def begin(house, key="parts", who="admin-a", bucket="a-plain", **more):
    return house.s3(who).create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]


def part(house, upload, number, body, key="parts", **more):
    answer = house.s3("admin-a").upload_part(Bucket="a-plain", Key=key, UploadId=upload, PartNumber=number, Body=body, **more)
    return {"PartNumber": number, "ETag": answer["ETag"], **{n: v for n, v in answer.items() if n.startswith("Checksum")}}


def complete(house, upload, parts, key="parts", **more):
    return house.s3("admin-a").complete_multipart_upload(
        Bucket="a-plain", Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **more)


def test_upload_that_is_not_there(house):
    refused("NoSuchUpload", 404, part, house, "0" * 64, 1, SMALL)
    refused("NoSuchUpload", 404, house.s3("admin-a").list_parts, Bucket="a-plain", Key="parts", UploadId="0" * 64)
    refused("NoSuchUpload", 404, house.s3("admin-a").abort_multipart_upload, Bucket="a-plain", Key="parts", UploadId="0" * 64)


def test_upload_of_another_key(house):
    upload = begin(house)
    refused("NoSuchUpload", 404, part, house, upload, 1, SMALL, key="other")


def test_upload_that_was_aborted(house):
    upload = begin(house)
    house.s3("admin-a").abort_multipart_upload(Bucket="a-plain", Key="parts", UploadId=upload)
    refused("NoSuchUpload", 404, part, house, upload, 1, SMALL)


def test_upload_that_was_completed(house):
    upload = begin(house)
    parts = [part(house, upload, 1, SMALL)]
    complete(house, upload, parts)
    refused("NoSuchUpload", 404, complete, house, upload, parts)


def test_numbers_that_are_none(house):
    upload = begin(house)
    refused("InvalidArgument", 400, part, house, upload, 0, SMALL)
    refused("InvalidArgument", 400, part, house, upload, 10_001, SMALL)


def test_part_that_was_not_uploaded(house):
    upload = begin(house)
    first = part(house, upload, 1, LARGE)
    refused("InvalidPart", 400, complete, house, upload, [first, {**first, "PartNumber": 2}])


def test_part_with_another_etag(house):
    upload = begin(house)
    refused("InvalidPart", 400, complete, house, upload, [{**part(house, upload, 1, SMALL), "ETag": '"0"'}])


def test_parts_out_of_order(house):
    upload = begin(house)
    parts = [part(house, upload, number, LARGE) for number in (1, 2)]
    refused("InvalidPartOrder", 400, complete, house, upload, parts[::-1])


def test_part_that_is_too_small(house):
    upload = begin(house)
    refused("EntityTooSmall", 400, complete, house, upload, [part(house, upload, number, SMALL) for number in (1, 2)])


def test_completion_onto_a_key_that_is_taken(house):
    house.s3("admin-a").put_object(Bucket="a-plain", Key="parts", Body=b"x")
    upload = begin(house)
    refused("PreconditionFailed", 412, complete, house, upload, [part(house, upload, 1, SMALL)], IfNoneMatch="*")


def test_completion_with_another_size(house):
    upload = begin(house)
    refused("InvalidRequest", 400, complete, house, upload, [part(house, upload, 1, SMALL)], MpuObjectSize=1)


def test_completion_with_another_checksum(house):
    upload = begin(house, ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT")
    answer = house.bare("admin-a").upload_part(Bucket="a-plain", Key="parts", UploadId=upload, PartNumber=1, Body=SMALL)
    parts = [{"PartNumber": 1, "ETag": answer["ETag"]}]
    value = base64.b64encode(bytes(8)).decode()
    refused("BadDigest", 400, complete, house, upload, parts, ChecksumCRC64NVME=value, ChecksumType="FULL_OBJECT")


def test_completion_in_another_checksum_mode(house):
    upload = begin(house, ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE")
    refused("InvalidRequest", 400, complete, house, upload, [part(house, upload, 1, SMALL)], ChecksumType="FULL_OBJECT")


def test_completion_without_the_checksums_of_parts(house):
    upload = begin(house, ChecksumAlgorithm="SHA256")
    listed = part(house, upload, 1, SMALL, ChecksumAlgorithm="SHA256")
    refused("InvalidRequest", 400, complete, house, upload, [{"PartNumber": 1, "ETag": listed["ETag"]}])


def test_completion_with_another_checksum_of_a_part(house):
    upload = begin(house, ChecksumAlgorithm="SHA256")
    listed = part(house, upload, 1, SMALL, ChecksumAlgorithm="SHA256")
    value = base64.b64encode(bytes(32)).decode()
    refused("InvalidPart", 400, complete, house, upload, [{**listed, "ChecksumSHA256": value}])


def test_part_with_another_algorithm(house):
    upload = begin(house, ChecksumAlgorithm="SHA256")
    refused("InvalidRequest", 400, part, house, upload, 1, SMALL, ChecksumAlgorithm="CRC32", message="Checksum Type mismatch")


def test_part_with_a_wrong_checksum(house):
    upload = begin(house, ChecksumAlgorithm="CRC32")
    refused("BadDigest", 400, part, house, upload, 1, SMALL, ChecksumCRC32="AAAAAA==")


def test_checksum_modes_that_do_not_exist(house):
    refused("InvalidRequest", 400, begin, house, ChecksumAlgorithm="CRC64NVME", ChecksumType="COMPOSITE")
    refused("InvalidRequest", 400, begin, house, ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")


def test_list_of_parts_that_is_none(house):
    upload = begin(house)
    for document in (b"", b"<CompleteMultipartUpload/>", b"<CompleteMultipartUpload><Part>", b"<!DOCTYPE a><CompleteMultipartUpload/>"):
        answered(house.signed("POST", f"/a-plain/parts?uploadId={upload}", body=document), "MalformedXML", 400)


def test_listing_parts_without_permission(house):
    upload = begin(house)
    refused("AccessDenied", 403, house.s3("nobody-a").list_parts, Bucket="a-plain", Key="parts", UploadId=upload)


def test_copied_part_outside_of_its_source(house):
    house.s3("admin-a").put_object(Bucket="a-plain", Key="large", Body=LARGE + SMALL)
    upload = begin(house)
    copy = house.s3("admin-a").upload_part_copy
    source = {"Bucket": "a-plain", "Key": "large"}
    refused(
        "InvalidArgument", 400, copy, Bucket="a-plain", Key="parts", UploadId=upload, PartNumber=1, CopySource=source,
        CopySourceRange=f"bytes=0-{len(LARGE) + len(SMALL)}")
    refused(
        "PreconditionFailed", 412, copy, Bucket="a-plain", Key="parts", UploadId=upload, PartNumber=1, CopySource=source,
        CopySourceIfMatch='"0"')


def test_copied_part_of_another_owner_than_expected(house):
    house.s3("admin-a").put_object(Bucket="a-plain", Key="owned", Body=SMALL)
    upload = begin(house)
    named = {"Bucket": "a-plain", "Key": "parts", "UploadId": upload, "PartNumber": 1, "CopySource": {"Bucket": "a-plain", "Key": "owned"}}
    for owner in ("ExpectedBucketOwner", "ExpectedSourceBucketOwner"):
        refused("AccessDenied", 403, house.s3("admin-a").upload_part_copy, **named, **{owner: "999999999999"})


def test_copy_above_five_gibibytes(house):
    """Nothing is sent for it: parts are copied from parts."""
    s3 = house.s3("admin-a")
    piece = 64 * 2**20
    s3.put_object(Bucket="a-plain", Key="piece", Body=bytes(piece))
    upload = begin(house, key="huge")
    parts = []
    for number in range(1, 82):
        copied = s3.upload_part_copy(
            Bucket="a-plain", Key="huge", UploadId=upload, PartNumber=number, CopySource={"Bucket": "a-plain", "Key": "piece"})
        parts.append({"PartNumber": number, **copied["CopyPartResult"]})
    for listed in parts:
        listed.pop("LastModified")
    complete(house, upload, parts, key="huge")
    assert s3.head_object(Bucket="a-plain", Key="huge")["ContentLength"] == 81 * piece
    refused(
        "InvalidRequest", 400, s3.copy_object, Bucket="a-plain", Key="copy", CopySource={"Bucket": "a-plain", "Key": "huge"})
    s3.delete_object(Bucket="a-plain", Key="huge")
