"""What the tests need to talk to a sandbox: boto3 clients for everybody in the scenario, and requests that boto3 would not send."""

import configparser
import datetime
import hashlib
import hmac
import http.client
import json
import os
import ssl
import urllib.parse
import xml.etree.ElementTree as ElementTree

import boto3
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

KEY = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"
DISABLED = "arn:aws:kms:eu-west-1:222222222222:key/dddddddd-3333-4444-5555-666677778888"
DYING = "arn:aws:kms:eu-west-1:222222222222:key/eeeeeeee-3333-4444-5555-666677778888"
SIGNING = "arn:aws:kms:eu-west-1:222222222222:key/ffffffff-3333-4444-5555-666677778888"
FRANKFURT = "arn:aws:kms:eu-central-1:222222222222:key/cccccccc-3333-4444-5555-666677778888"
OWN = "arn:aws:kms:eu-west-1:111111111111:key/aaaaaaaa-3333-4444-5555-666677778888"
A = "111111111111"
B = "222222222222"
EMPTY = hashlib.sha256(b"").hexdigest()


class Answer:
    """The answer to a request that was made by hand."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def code(self):
        if not self.body:
            return None
        return ElementTree.fromstring(self.body).findtext("Code")

    def text(self, name):
        return ElementTree.fromstring(self.body).findtext(name)


class House:
    def __init__(self, folder, endpoint, plain):
        self.folder = folder
        self.endpoint = endpoint
        self.plain = plain
        self.ca = os.path.join(folder, "ca.pem")
        with open(os.path.join(folder, "token"), encoding="utf-8") as file:
            self.token = file.read().strip()
        self.profiles = configparser.ConfigParser()
        self.profiles.read(os.path.join(folder, "credentials"))
        self.clients = {}

    def credentials(self, who):
        """Of a profile, or of a role of org A (`role:generator`)."""
        if who.startswith("role:"):
            answer = self.client("sts", "edge").assume_role(
                RoleArn=f"arn:aws:iam::{A}:role/{who[5:]}", RoleSessionName="refusals")["Credentials"]
            return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        section = self.profiles[who]
        return Credentials(section["aws_access_key_id"], section["aws_secret_access_key"])

    def fresh(self, service, credentials, region="eu-west-1", plain=False, **options):
        return boto3.client(
            service, endpoint_url=self.plain if plain else self.endpoint, verify=self.ca, region_name=region,
            aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **options))

    def client(self, service, who, region="eu-west-1", plain=False):
        name = (service, who, region, plain)
        if name not in self.clients:
            self.clients[name] = self.fresh(service, self.credentials(who), region, plain)
        return self.clients[name]

    def s3(self, who, **options):
        return self.client("s3", who, **options)

    def bare(self, who):
        """Sends no checksum that was not asked for."""
        return self.fresh("s3", self.credentials(who), request_checksum_calculation="when_required")

    def control(self, method, path, body=None):
        answer = self.send(
            method, "/_sandbox/" + path, {"Authorization": f"Bearer {self.token}"},
            json.dumps(body).encode() if body is not None else b"")
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def send(self, method, target, headers, body=b"", plain=False, announce=None):
        """Sends exactly this. `announce`: a Content-Length that is not the body's."""
        url = urllib.parse.urlsplit(self.plain if plain else self.endpoint)
        if plain:
            connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        else:
            context = ssl.create_default_context(cafile=self.ca)
            connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=30, context=context)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            names = {name.lower() for name in headers}
            if "host" not in names:
                connection.putheader("Host", url.netloc)
            for name, value in headers.items():
                connection.putheader(name, value)
            if announce is not False and "content-length" not in names and "transfer-encoding" not in names:
                connection.putheader("Content-Length", str(len(body) if announce is None else announce))
            connection.endheaders(body)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def signed(
        self, method, target, who="admin-a", headers=None, body=b"", region="eu-west-1", plain=False, payload=None,
        time=None, change=None, host=None, announce=None,
    ):
        """Signs with botocore, lets `change` alter what was signed, sends it.

        `payload`: the value of x-amz-content-sha256; the hash of the body without it, no header at all for `False`.
        """
        url = urllib.parse.urlsplit(self.plain if plain else self.endpoint)
        host = host or url.netloc
        headers = dict(headers or {})
        headers["Host"] = host
        request = AWSRequest(method=method, url=f"{url.scheme}://{host}{target}", headers=headers, data=body)
        credentials = who if isinstance(who, Credentials) else self.credentials(who)
        signer = FixedAuth(credentials, "s3", region, payload, time)
        signer.add_auth(request)
        signed = dict(request.headers.items())
        sent = {"target": target, "headers": signed, "body": body}
        if change:
            change(sent)
        return self.send(method, sent["target"], sent["headers"], sent["body"], plain=plain, announce=announce)

    def presigned(self, method, target, who="admin-a", expires=60, time=None, headers=None):
        url = urllib.parse.urlsplit(self.endpoint)
        request = AWSRequest(method=method, url=f"{self.endpoint}{target}", headers=dict(headers or {}))
        credentials = who if isinstance(who, Credentials) else self.credentials(who)
        signer = S3SigV4QueryAuth(credentials, "s3", "eu-west-1", expires=expires)
        with frozen(time):
            signer.add_auth(request)
        parts = urllib.parse.urlsplit(request.url)
        return f"{parts.path}?{parts.query}", url.netloc


class frozen:
    """botocore asks one function for the time."""

    def __init__(self, time):
        self.time = time

    def __enter__(self):
        import botocore.auth
        self.module = botocore.auth
        self.saved = botocore.auth.get_current_datetime
        if self.time:
            botocore.auth.get_current_datetime = lambda *_, **__: self.time

    def __exit__(self, *_):
        self.module.get_current_datetime = self.saved


class FixedAuth(SigV4Auth):
    """botocore's signer for S3 with a payload hash of one's choice, or without the header."""

    def __init__(self, credentials, service, region, payload, time):
        super().__init__(credentials, service, region)
        self.chosen = payload
        self.time = time

    def payload(self, request):
        return self.chosen or hashlib.sha256(request.body or b"").hexdigest()

    def add_auth(self, request):
        with frozen(self.time):
            super().add_auth(request)

    def _modify_request_before_signing(self, request):
        super()._modify_request_before_signing(request)
        if self.chosen is not False:
            request.headers["X-Amz-Content-SHA256"] = self.payload(request)

    def _normalize_url_path(self, path):
        return path


def chunked(body, signature, time, credentials, tamper=False, region="eu-west-1"):
    """`body` in two signed chunks (STREAMING-AWS4-HMAC-SHA256-PAYLOAD), from the specification."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    key = ("AWS4" + credentials.secret_key).encode()
    for part in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    half = len(body) // 2
    result = b""
    for chunk in (body[:half], body[half:], b""):
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, signature, EMPTY, hashlib.sha256(chunk).hexdigest()])
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        sent = bytes([chunk[0] ^ 1]) + chunk[1:] if tamper and chunk else chunk
        result += b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), signature.encode(), sent)
    return result


def now(minutes=0):
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(minutes=minutes)
