"""What boto3 sees in a bucket."""

import boto3
from botocore.config import Config


def client(service, endpoint, region, access, secret, token=None):
    # Nothing of this machine's environment: no proxy, no checksum that an S3-compatible service may not know.
    settings = Config(
        proxies={}, s3={"addressing_style": "path"}, retries={"max_attempts": 2},
        request_checksum_calculation="when_required", response_checksum_validation="when_required")
    return boto3.client(
        service, endpoint_url=endpoint, region_name=region, aws_access_key_id=access, aws_secret_access_key=secret,
        aws_session_token=token, config=settings)


class Stored:
    """One version of an object, with its bytes."""

    def __init__(self, key, version, answer):
        self.key = key
        self.version = version
        self.content = answer["Body"].read()
        self.algorithm = answer.get("ServerSideEncryption")
        self.kms_key = answer.get("SSEKMSKeyId")
        self.metadata = answer["Metadata"]


def versions(s3, bucket, prefix):
    """All versions below a prefix, by key."""
    listed = s3.list_object_versions(Bucket=bucket, Prefix=prefix)
    assert not listed["IsTruncated"]
    entries = sorted(listed.get("Versions", []), key=lambda entry: entry["Key"])
    return [
        Stored(entry["Key"], entry["VersionId"], s3.get_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"]))
        for entry in entries
    ]


def create(s3, bucket, region):
    """A bucket with versions."""
    location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **location)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
