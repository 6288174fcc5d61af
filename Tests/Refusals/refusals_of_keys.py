"""Encryption under KMS keys."""

from expectations import answered, refused
from house import DISABLED, DYING, FRANKFURT, KEY, OWN, SIGNING

SEAL = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY}


def seal(house, key_id, who="admin-b", bucket="b-inbox", **more):
    return house.s3(who).put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key_id, **more)


def test_sealing_without_tls(house):
    s3 = house.s3("admin-b", plain=True)
    refused("InvalidArgument", 400, s3.put_object, Bucket="b-inbox", Key="k", Body=b"x", message="secure connection", **SEAL)


def test_reading_what_is_sealed_without_tls(house):
    seal(house, KEY)
    refused("InvalidArgument", 400, house.s3("admin-b", plain=True).get_object, Bucket="b-inbox", Key="k")


def test_key_of_another_region(house):
    refused("KMS.NotFoundException", 400, seal, house, FRANKFURT)


def test_key_that_is_not_there(house):
    refused("KMS.NotFoundException", 400, seal, house, KEY.replace("11112222", "00000000"), message="does not exist")


def test_alias_means_the_callers_own_account(house):
    refused("KMS.NotFoundException", 400, seal, house, "alias/inbox", who="admin-a", bucket="a-plain")


def test_bare_id_means_the_callers_own_account(house):
    refused("KMS.NotFoundException", 400, seal, house, KEY.split("/")[1], who="admin-a", bucket="a-plain")


def test_key_that_is_disabled(house):
    refused("KMS.DisabledException", 400, seal, house, DISABLED)


def test_key_that_is_to_be_deleted(house):
    refused("KMS.KMSInvalidStateException", 400, seal, house, DYING)


def test_key_that_signs(house):
    refused("KMS.InvalidKeyUsageException", 400, seal, house, SIGNING)


def test_key_of_another_account_that_does_not_trust_us(house):
    refused("AccessDenied", 403, seal, house, KEY, who="admin-a", bucket="a-plain", message="kms:GenerateDataKey")


def test_own_key_for_the_other_organisation(house):
    refused("AccessDenied", 403, seal, house, OWN, message="kms:GenerateDataKey")


def test_generator_in_another_context(house):
    """With a Bucket Key the context is the bucket's, which the key's policy does not allow."""
    refused(
        "AccessDenied", 403, house.s3("role:generator").put_object, Bucket="a-repository", Key="partner-b/k", Body=b"x",
        BucketKeyEnabled=True, message="kms:GenerateDataKey", **SEAL)


def test_publisher_cannot_open_the_inbox(house):
    seal_key = "from-orga/closed"
    house.s3("admin-b").put_object(Bucket="b-inbox", Key=seal_key, Body=b"x", **SEAL)
    refused("AccessDenied", 403, house.s3("role:publisher").get_object, Bucket="b-inbox", Key=seal_key, message="kms:Decrypt")


def test_asking_for_the_checksum_needs_the_key(house):
    seal_key = "from-orga/asked"
    house.s3("admin-b").put_object(Bucket="b-inbox", Key=seal_key, Body=b"x", **SEAL)
    s3 = house.s3("role:publisher")
    assert s3.head_object(Bucket="b-inbox", Key=seal_key)["ContentLength"] == 1
    refused("403", 403, s3.head_object, Bucket="b-inbox", Key=seal_key, ChecksumMode="ENABLED")


def test_reader_without_the_key(house):
    seal(house, KEY)
    refused("AccessDenied", 403, house.s3("no-key-b").get_object, Bucket="b-inbox", Key="k", message="kms:Decrypt")


def test_multipart_needs_decrypt(house):
    s3 = house.s3("role:uploader")
    named = {"Bucket": "a-repository", "Key": "partner-b/parts"}
    upload = s3.create_multipart_upload(**named, **SEAL)["UploadId"]
    refused("AccessDenied", 403, s3.upload_part, UploadId=upload, PartNumber=1, Body=b"x", message="kms:Decrypt", **named)
    refused("AccessDenied", 403, s3.list_parts, UploadId=upload, message="kms:Decrypt", **named)
    parts = {"Parts": [{"PartNumber": 1, "ETag": "x"}]}
    refused(
        "AccessDenied", 403, s3.complete_multipart_upload, UploadId=upload, MultipartUpload=parts, message="kms:Decrypt", **named)
    s3.abort_multipart_upload(UploadId=upload, **named)


def test_generator_cannot_upload_parts(house):
    """Its permission hangs at encryption headers, which parts do not carry."""
    s3 = house.s3("role:generator")
    named = {"Bucket": "a-repository", "Key": "partner-b/parts"}
    upload = s3.create_multipart_upload(**named, **SEAL)["UploadId"]
    refused("AccessDenied", 403, s3.upload_part, UploadId=upload, PartNumber=1, Body=b"x", message="s3:PutObject", **named)


def test_key_without_its_algorithm(house):
    headers = {"x-amz-server-side-encryption-aws-kms-key-id": KEY}
    answered(house.signed("PUT", "/b-inbox/k", who="admin-b", headers=headers), "InvalidArgument", 400)


def test_key_with_the_wrong_algorithm(house):
    headers = {"x-amz-server-side-encryption": "AES256", "x-amz-server-side-encryption-aws-kms-key-id": KEY}
    answered(house.signed("PUT", "/b-inbox/k", who="admin-b", headers=headers), "InvalidArgument", 400)


def test_algorithm_that_is_none(house):
    answered(house.signed("PUT", "/b-inbox/k", who="admin-b", headers={"x-amz-server-side-encryption": "rot13"}), "InvalidArgument", 400)


def test_context_that_is_none(house):
    refused("InvalidArgument", 400, seal, house, KEY, SSEKMSEncryptionContext="not base64")


def test_encryption_headers_on_a_read(house):
    seal(house, KEY)
    headers = {"x-amz-server-side-encryption": "aws:kms"}
    answered(house.signed("GET", "/b-inbox/k", who="admin-b", headers=headers), "InvalidArgument", 400)


def test_encryption_headers_on_a_part(house):
    upload = house.s3("admin-b").create_multipart_upload(Bucket="b-inbox", Key="parts", **SEAL)["UploadId"]
    headers = {"x-amz-server-side-encryption": "aws:kms"}
    answered(
        house.signed("PUT", f"/b-inbox/parts?partNumber=1&uploadId={upload}", who="admin-b", headers=headers, body=b"x"),
        "InvalidArgument", 400)


def test_customer_keys(house):
    refused(
        "NotImplemented", 501, house.s3("admin-a").put_object, Bucket="a-plain", Key="k", Body=b"x", SSECustomerAlgorithm="AES256",
        SSECustomerKey=b"k" * 32)


def test_kms_decrypt_by_the_generator(house):
    blob = house.client("kms", "admin-b").encrypt(KeyId=KEY, Plaintext=b"secret")["CiphertextBlob"]
    refused("AccessDeniedException", 400, house.client("kms", "role:generator").decrypt, CiphertextBlob=blob)
    refused("AccessDeniedException", 400, house.client("kms", "role:generator").decrypt, CiphertextBlob=blob, KeyId=KEY)


def test_kms_generate_outside_of_s3(house):
    refused(
        "AccessDeniedException", 400, house.client("kms", "role:generator").generate_data_key, KeyId=KEY, KeySpec="AES_256",
        EncryptionContext={"aws:s3:arn": "arn:aws:s3:::a-repository/partner-b/k"})


def test_kms_with_another_context(house):
    kms = house.client("kms", "admin-b")
    blob = kms.encrypt(KeyId=KEY, Plaintext=b"secret", EncryptionContext={"a": "1"})["CiphertextBlob"]
    refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=blob, EncryptionContext={"a": "2"})


def test_kms_key_that_is_not_there(house):
    refused("NotFoundException", 400, house.client("kms", "admin-b").describe_key, KeyId=KEY.replace("11112222", "00000000"))
    refused("NotFoundException", 400, house.client("kms", "admin-b").describe_key, KeyId=FRANKFURT)


def test_kms_key_that_is_disabled(house):
    refused("DisabledException", 400, house.client("kms", "admin-b").encrypt, KeyId=DISABLED, Plaintext=b"x")
