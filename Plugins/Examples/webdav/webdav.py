#!/usr/bin/env python3
"""A folder of a WebDAV server as a destination (RFC 4918): PUT to `.<delivery id>.part`, a property that says whose it is, MOVE without
overwriting. A delivery is recognised by that property; a server that keeps none is answered for with `unknown`."""
import base64
import http.client
import os
import socket
import ssl
import sys
import threading
import urllib.parse
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from pouch_plugin import ABSENT, UNKNOWN, Failure, Invalid, serve  # noqa: E402

SPACE = "https://pouch.invalid/ns"
WHOSE = f"{{{SPACE}}}delivery"
PROPERTY = f'<D:prop><P:delivery xmlns:P="{SPACE}">%s</P:delivery></D:prop>'
ASK = f'<?xml version="1.0"?><D:propfind xmlns:D="DAV:">{PROPERTY % ""}</D:propfind>'
TELL = f'<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:"><D:set>{PROPERTY}</D:set></D:propertyupdate>'


class WebDAV:
    def __init__(self):
        self.local = threading.local()

    def configure(self, settings, secrets):
        url = urllib.parse.urlsplit(settings["url"])
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
            raise Invalid("url", "write it as https://host/folder/")
        if "@" in url.netloc:
            # It would stand in every receipt.
            raise Invalid("url", "user and password have fields of their own")
        if secrets.get("password") and url.scheme != "https" and url.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Invalid("url", "a password is sent over https only")
        self.url, self.root = url, url.path.rstrip("/") + "/"
        self.base = f"{url.scheme}://{url.netloc}"
        self.timeout = settings["timeout"]
        self.trust = ssl.create_default_context(cafile=settings.get("ca-file")) if url.scheme == "https" else None
        self.headers = {"User-Agent": "pouch-webdav/1.0"}
        if "user" in settings:
            login = f"{settings['user']}:{secrets.get('password', '')}".encode()
            self.headers["Authorization"] = "Basic " + base64.b64encode(login).decode()

    def check(self):
        status, _, _ = self.ask("PROPFIND", "", body=ASK.encode(), headers={"Depth": "0"})
        if status != 207:
            yield "failure", f"PROPFIND {self.url.geturl()} was answered with {status}", hint(status)
            return
        yield "good", f"{self.url.geturl()} is a folder", None

    def exists(self, order):
        unsure = False
        for key in (order.key, order.suffixedKey):
            status, body, _ = self.ask("PROPFIND", key, body=ASK.encode(), headers={"Depth": "0"})
            if status == 404:
                continue
            self.demand(status, {207}, "PROPFIND", key)
            whose = ElementTree.fromstring(body).find(".//" + WHOSE)
            if whose is not None and whose.text == order.delivery:
                return {"key": key, "location": self.address(key)}
            unsure = unsure or whose is None and order.checkpoint == key
        # Our part is still there: it was not moved. A server that does not let us look says nothing of it.
        return UNKNOWN if unsure and self.ask("HEAD", self.part(order.delivery))[0] != 200 else ABSENT

    def deliver(self, delivery):
        part, announced = self.part(delivery.delivery), False
        try:
            self.demand(self.put(part, delivery), {200, 201, 204}, "PUT", part)
            status, body, _ = self.ask("PROPPATCH", part, body=(TELL % delivery.delivery).encode())
            keeps_properties = status == 207 and b" 200 " in body
            for key in delivery.keys:
                self.make_folders(key)
                announced = True
                delivery.ready(key)
                replacing = "T" if delivery.whenTaken == "replace" else "F"
                status, _, headers = self.ask(
                    "MOVE", part, headers={"Destination": self.address(key), "Overwrite": replacing})
                if status == 412:
                    continue
                self.demand(status, {201, 204}, "MOVE", key)
                return delivery.arrival(key, location=self.address(key), status=status, properties=keeps_properties)
            raise Failure("quarantine", "key-taken", f"{delivery.key} is taken by a resource that is not of this delivery")
        except Failure as failure:
            # Once it was announced a checkpoint may lead to it: that it is still there tells `exists` that it was not moved. What may come of
            # itself (retry) finds it again by the delivery's id; nobody else does.
            kind = failure.answer["class"]
            if kind == "quarantine" or not announced and kind in ("cancelled", "source-changed", "hold"):
                self.abandon(delivery.delivery, "")
            raise

    def abandon(self, delivery_id, checkpoint):
        try:
            self.ask("DELETE", self.part(delivery_id))
        except Failure:
            pass

    # The server

    def make_folders(self, key):
        path = ""
        for part in key.split("/")[:-1]:
            path += part + "/"
            # 405: it is there.
            self.demand(self.ask("MKCOL", path)[0], {201, 405}, "MKCOL", path)

    def put(self, part, delivery):
        connection = self.connection(fresh=True)
        try:
            connection.putrequest("PUT", self.quoted(part), skip_accept_encoding=True)
            for name, value in {**self.headers, "Content-Length": str(delivery.size)}.items():
                connection.putheader(name, value)
            connection.endheaders()
            broken = None
            for block in delivery.blocks():
                try:
                    connection.send(block)
                except (BrokenPipeError, ConnectionResetError) as error:
                    # A server that refuses (401, 413, 507) need not read to the end: what it said before it hung up is there to be read.
                    broken = error
                    break
            answer = connection.getresponse()
            answer.read()
            if broken and answer.status < 400:
                raise broken
            return answer.status
        except (OSError, http.client.HTTPException) as error:
            raise lost(error)
        except Failure:
            wait_for_end(connection)
            raise
        finally:
            # A request that was cut off in the middle leaves nothing to go on with.
            self.forget()

    def ask(self, method, path, body=None, headers={}):
        for attempt in (1, 2):
            connection = self.connection(fresh=attempt == 2)
            try:
                connection.request(method, self.quoted(path), body=body, headers={**self.headers, **headers})
                answer = connection.getresponse()
                return answer.status, answer.read(1 << 20), answer.headers
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
                self.forget()
                # The server closed a connection that we kept: nothing was done. A MOVE is never repeated blindly.
                if attempt == 2 or method == "MOVE":
                    raise lost(error)
            except (OSError, http.client.HTTPException) as error:
                self.forget()
                raise lost(error)

    def connection(self, fresh=False):
        if fresh:
            self.forget()
        if getattr(self.local, "connection", None) is None:
            host, port = self.url.hostname, self.url.port
            self.local.connection = (
                http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self.trust) if self.trust
                else http.client.HTTPConnection(host, port, timeout=self.timeout))
        return self.local.connection

    def forget(self):
        if getattr(self.local, "connection", None) is not None:
            self.local.connection.close()
            self.local.connection = None

    def demand(self, status, wanted, method, path):
        if status in wanted:
            return
        text = f"{method} {path} was answered with {status}"
        if status in (401, 403, 405, 404, 409, 501):
            raise Failure("hold", f"http-{status}", text, hint(status))
        if status == 413:
            raise Failure("quarantine", f"http-{status}", text, "the server takes no file this large")
        if status in (400, 414, 422):
            raise Failure("quarantine", f"http-{status}", text, "change the name with the route's `as:`")
        if status in (429, 503):
            raise Failure("throttle", f"http-{status}", text, retry_after=30)
        raise Failure("retry", f"http-{status}", text, hint(status), retry_after=60 if status == 507 else None)

    def part(self, delivery_id):
        return f".{delivery_id}.part"

    def quoted(self, path):
        return self.root + urllib.parse.quote(path)

    def address(self, key):
        return self.base + self.quoted(key)


def hint(status):
    return {
        401: "the server does not accept user and password", 403: "the user must be allowed to PUT, MKCOL, PROPPATCH and MOVE there",
        404: "make the folder, or correct `url:`", 405: "is WebDAV switched on for this address?", 409: "is `url:` a folder?",
        501: "is WebDAV switched on for this address?", 507: "make room at the server",
    }.get(status, "look into the server's log")


def wait_for_end(connection):
    """The half of a body was sent. What the server makes of it comes before anything that it is asked next."""
    try:
        # The host waits ten seconds for what it cancelled.
        connection.sock.settimeout(5)
        connection.sock.shutdown(socket.SHUT_WR)
        while connection.sock.recv(1 << 16):
            pass
    except OSError:
        pass


def lost(error):
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure("hold", "certificate", str(error), "name the certificate authority with `ca-file:`")
    return Failure("retry", type(error).__name__, f"the connection broke: {error}", "is the server up, and the address right?")


serve("webdav", "1.0", WebDAV(), parallel=8)
