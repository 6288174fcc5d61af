"""Owners, conditions, lists of permissions, policies, names and limits."""

from expectations import answered, refused
from house import A, B, KEY

SEAL = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY}


def put(house, key, bucket="a-plain", who="admin-a", body=b"x", **more):
    return house.s3(who).put_object(Bucket=bucket, Key=key, Body=body, **more)


def consignment(house, name):
    return put(house, f"partner-b/{name}", bucket="a-repository", who="role:generator", **SEAL)


def publish(house, name, version, **more):
    options = {
        "Bucket": "b-inbox", "Key": f"from-orga/{name}", "IfNoneMatch": "*",
        "CopySource": {"Bucket": "a-repository", "Key": f"partner-b/{name}", "VersionId": version},
        "MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE",
        "ExpectedBucketOwner": B, "ExpectedSourceBucketOwner": A, **SEAL,
    }
    options.update(more)
    return house.s3("role:publisher").copy_object(**options)


# Owners

def test_other_owner_than_expected(house):
    refused("AccessDenied", 403, put, house, "k", ExpectedBucketOwner=B)


def test_owner_that_is_no_account(house):
    refused("InvalidBucketOwnerAWSAccountID", 400, put, house, "k", ExpectedBucketOwner="org-a")


def test_other_source_owner_than_expected(house):
    version = consignment(house, "owner")["VersionId"]
    refused("AccessDenied", 403, publish, house, "owner", version, ExpectedSourceBucketOwner=B)


# Conditions

def test_put_onto_a_key_that_is_taken(house):
    put(house, "taken")
    refused("PreconditionFailed", 412, put, house, "taken", IfNoneMatch="*")


def test_copy_onto_a_key_that_is_taken(house):
    version = consignment(house, "twice")["VersionId"]
    try:
        publish(house, "twice", version)
    except Exception as error:  # a second run meets its own object
        assert "PreconditionFailed" in str(error)
    refused("PreconditionFailed", 412, publish, house, "twice", version)


def test_put_over_another_object_than_thought(house):
    put(house, "matched")
    refused("PreconditionFailed", 412, put, house, "matched", IfMatch='"00000000000000000000000000000000"')


def test_put_over_an_object_that_is_not_there(house):
    refused("NoSuchKey", 404, put, house, "never-was", IfMatch='"00000000000000000000000000000000"')


def test_condition_that_s3_does_not_know(house):
    refused("NotImplemented", 501, put, house, "k", IfNoneMatch='"00000000000000000000000000000000"')


def test_copy_of_a_source_that_changed(house):
    version = consignment(house, "changed")["VersionId"]
    refused("PreconditionFailed", 412, publish, house, "changed", version, CopySourceIfMatch='"00000000000000000000000000000000"')


def test_read_of_another_object_than_thought(house):
    put(house, "read")
    refused("PreconditionFailed", 412, house.s3("admin-a").get_object, Bucket="a-plain", Key="read", IfMatch='"0"')


# Lists of permissions (ACL)

def test_private_where_the_owner_is_enforced(house):
    refused("AccessControlListNotSupported", 400, put, house, "k", ACL="private")


def test_grants_where_the_owner_is_enforced(house):
    refused("AccessControlListNotSupported", 400, put, house, "k", GrantRead="id=1")


def test_acl_that_is_none(house):
    answered(house.signed("PUT", "/b-writer/k", headers={"x-amz-acl": "everybody"}), "InvalidArgument", 400)


def test_acl_without_permission(house):
    version = consignment(house, "acl")["VersionId"]
    refused("AccessDenied", 403, publish, house, "acl", version, ACL="bucket-owner-full-control")


def test_object_that_its_writer_did_not_hand_over(house):
    put(house, "kept", bucket="b-writer")
    refused("AccessDenied", 403, house.s3("admin-b").get_object, Bucket="b-writer", Key="kept")


def test_object_that_its_writer_kept_in_a_preferring_bucket(house):
    put(house, "kept", bucket="b-preferred")
    refused("AccessDenied", 403, house.s3("admin-b").get_object, Bucket="b-preferred", Key="kept")


# Policies

def test_read_by_the_generator(house):
    consignment(house, "unreadable")
    refused(
        "AccessDenied", 403, house.s3("role:generator").get_object, Bucket="a-repository", Key="partner-b/unreadable",
        message="explicit deny")


def test_put_by_the_generator_outside_of_its_prefix(house):
    refused(
        "AccessDenied", 403, put, house, "partner-c/k", bucket="a-repository", who="role:generator",
        message="no identity-based policy allows the s3:PutObject action", **SEAL)


def test_put_by_the_generator_without_encryption(house):
    refused("AccessDenied", 403, put, house, "partner-b/k", bucket="a-repository", who="role:generator")


def test_put_by_the_publisher_into_the_repository(house):
    refused("AccessDenied", 403, put, house, "partner-b/k", bucket="a-repository", who="role:publisher", **SEAL)


def test_copy_that_might_overwrite(house):
    version = consignment(house, "overwrite")["VersionId"]
    client = house.s3("role:publisher")
    refused(
        "AccessDenied", 403, client.copy_object, Bucket="b-inbox", Key="from-orga/overwrite",
        CopySource={"Bucket": "a-repository", "Key": "partner-b/overwrite", "VersionId": version}, MetadataDirective="REPLACE",
        TaggingDirective="REPLACE", **SEAL)


def test_copy_outside_of_the_partners_prefix(house):
    version = consignment(house, "outside")["VersionId"]
    refused("AccessDenied", 403, publish, house, "outside", version, Key="elsewhere/outside")


def test_put_into_a_bucket_whose_owner_said_nothing(house):
    error = refused("AccessDenied", 403, put, house, "k", bucket="b-stranger", who="role:publisher")
    assert "because" not in str(error), "across accounts no reason is given"


def test_administrator_in_the_other_organisation(house):
    refused("AccessDenied", 403, house.s3("admin-b").list_objects_v2, Bucket="a-plain")


def test_user_without_policies(house):
    refused("AccessDenied", 403, put, house, "k", who="nobody-a")


def test_tags_without_permission(house):
    version = consignment(house, "tags")["VersionId"]
    refused("AccessDenied", 403, publish, house, "tags", version, Tagging="a=b")


def test_condition_without_permission_to_read(house):
    refused(
        "AccessDenied", 403, put, house, "partner-b/k", bucket="a-repository", who="role:generator", IfMatch='"0"', **SEAL)


def test_denial_without_tls(house):
    refused("AccessDenied", 403, house.s3("admin-a", plain=True).put_object, Bucket="a-secure", Key="k", Body=b"x")


def test_missing_object_for_whoever_may_not_list(house):
    refused("AccessDenied", 403, house.s3("reader-b").get_object, Bucket="b-inbox", Key="never-was")


def test_session_policy_that_is_narrower_than_the_role(house):
    answer = house.client("sts", "edge").assume_role(
        RoleArn=f"arn:aws:iam::{A}:role/generator", RoleSessionName="narrow",
        Policy='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::a-repository/partner-b/only/*"}}',
    )["Credentials"]
    from botocore.credentials import Credentials
    s3 = house.fresh("s3", Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]))
    refused("AccessDenied", 403, s3.put_object, Bucket="a-repository", Key="partner-b/k", Body=b"x", **SEAL)


# STS

def test_role_without_permission(house):
    refused("AccessDenied", 403, house.client("sts", "nobody-a").assume_role, RoleArn=f"arn:aws:iam::{A}:role/generator", RoleSessionName="me")


def test_role_that_is_not_there(house):
    refused("AccessDenied", 403, house.client("sts", "edge").assume_role, RoleArn=f"arn:aws:iam::{A}:role/never-was", RoleSessionName="me")


def test_role_without_its_external_id(house):
    refused("AccessDenied", 403, house.client("sts", "admin-b").assume_role, RoleArn=f"arn:aws:iam::{A}:role/partner", RoleSessionName="me")


def test_role_with_another_external_id(house):
    refused(
        "AccessDenied", 403, house.client("sts", "admin-b").assume_role, RoleArn=f"arn:aws:iam::{A}:role/partner",
        RoleSessionName="me", ExternalId="guessed")


def test_session_that_is_too_long(house):
    refused(
        "ValidationError", 400, house.client("sts", "edge").assume_role, RoleArn=f"arn:aws:iam::{A}:role/generator",
        RoleSessionName="me", DurationSeconds=7200)


def test_session_name_that_is_none(house):
    refused(
        "ValidationError", 400, house.client("sts", "edge").assume_role, RoleArn=f"arn:aws:iam::{A}:role/generator",
        RoleSessionName="not a name")


# Names and limits

def test_bucket_that_is_not_there(house):
    refused("NoSuchBucket", 404, put, house, "k", bucket="never-was")


def test_object_that_is_not_there(house):
    refused("NoSuchKey", 404, house.s3("admin-a").get_object, Bucket="a-plain", Key="never-was")
    refused("404", 404, house.s3("admin-a").head_object, Bucket="a-plain", Key="never-was")


def test_version_that_is_not_there(house):
    put(house, "versioned", bucket="a-repository")
    refused("NoSuchVersion", 404, house.s3("admin-a").get_object, Bucket="a-repository", Key="versioned", VersionId="x" * 32)


def test_version_that_is_none(house):
    put(house, "versioned", bucket="a-repository")
    refused("InvalidArgument", 400, house.s3("admin-a").get_object, Bucket="a-repository", Key="versioned", VersionId="1")


def test_object_under_a_delete_marker(house):
    put(house, "deleted", bucket="a-repository")
    marker = house.s3("admin-a").delete_object(Bucket="a-repository", Key="deleted")
    assert marker["DeleteMarker"]
    refused("NoSuchKey", 404, house.s3("admin-a").get_object, Bucket="a-repository", Key="deleted")
    refused("MethodNotAllowed", 405, house.s3("admin-a").get_object, Bucket="a-repository", Key="deleted", VersionId=marker["VersionId"])


def test_key_that_is_too_long(house):
    refused("KeyTooLongError", 400, put, house, "k" * 1025)


def test_metadata_that_is_too_large(house):
    refused("MetadataTooLarge", 400, put, house, "k", Metadata={"a": "x" * 2048})


def test_tags_that_are_none(house):
    refused("InvalidTag", 400, put, house, "k", Tagging="=x")


def test_storage_class_that_is_none(house):
    refused("InvalidStorageClass", 400, put, house, "k", StorageClass="CELLAR")


def test_body_above_five_gibibytes(house):
    headers = {"Content-Length": str(5 * 2**30 + 1)}
    answered(house.signed("PUT", "/a-plain/k", headers=headers, payload="UNSIGNED-PAYLOAD"), "EntityTooLarge", 400)


def test_range_behind_the_end(house):
    put(house, "short")
    refused("InvalidRange", 416, house.s3("admin-a").get_object, Bucket="a-plain", Key="short", Range="bytes=5-")


def test_what_the_sandbox_has_not(house):
    refused("NotImplemented", 501, house.s3("admin-a").get_bucket_policy, Bucket="a-plain")
    refused("NotImplemented", 501, house.s3("admin-a").put_object_acl, Bucket="a-plain", Key="k", ACL="private")
    refused("NotImplemented", 501, put, house, "k", ObjectLockLegalHoldStatus="ON")


def test_method_that_is_none(house):
    answered(house.signed("PATCH", "/a-plain/k"), "MethodNotAllowed", 405)


def test_copy_of_itself(house):
    put(house, "self")
    refused(
        "InvalidRequest", 400, house.s3("admin-a").copy_object, Bucket="a-plain", Key="self",
        CopySource={"Bucket": "a-plain", "Key": "self"})


def test_copy_source_that_is_none(house):
    answered(house.signed("PUT", "/a-plain/k", headers={"x-amz-copy-source": "nothing"}), "InvalidArgument", 400)
