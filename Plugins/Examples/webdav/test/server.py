#!/usr/bin/env python3
"""A WebDAV server over one folder, for the test of the plugin: it keeps to RFC 4918 as far as the plugin uses it, and plays faults.

Usage: server.py FOLDER FAULT-FILE. Prints its address as one line of JSON; runs until its input ends."""
import http.server
import json
import os
import re
import sys
import threading
import urllib.parse

FOLDER, FAULT = sys.argv[1:3]
PROPERTY = "user.dav.delivery"
MOVING = threading.Lock()


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def path_of(self, url):
        path = urllib.parse.unquote(urllib.parse.urlsplit(url).path, errors="strict").removeprefix("/dav/")
        if any(part in ("..", ".") for part in path.split("/")):
            raise ValueError(path)
        return os.path.join(FOLDER, path)

    def reply(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        rest = int(self.headers.get("Content-Length", 0))
        while rest > 0:
            block = self.rfile.read(min(rest, 1 << 20))
            if not block:
                raise ConnectionError("the client went away")
            rest -= len(block)
            yield block

    def parse_request(self):
        if not super().parse_request():
            return False
        try:
            fault = open(FAULT).read()
        except OSError:
            fault = "none"
        self.refused = {"refusePermission": ("MOVE", 403), "fullDisk": ("PUT", 507)}.get(fault)
        return True

    def handled(work):
        def handle(self):
            try:
                if self.refused and self.refused[0] == self.command:
                    # As Apache does: it answers at once, and hangs up.
                    self.close_connection = True
                    return self.reply(self.refused[1])
                work(self, self.path_of(self.path))
            except FileNotFoundError:
                self.reply(404)
            except NotADirectoryError:
                self.reply(409)
            except OSError as error:
                self.reply(414 if error.errno == 36 else 500, str(error).encode())
        return handle

    @handled
    def do_PUT(self, path):
        blocks = self.body()
        if not os.path.isdir(os.path.dirname(path)):
            for _ in blocks:
                pass
            return self.reply(409)
        with open(path, "wb") as file:
            for block in blocks:
                file.write(block)
        self.reply(201)

    @handled
    def do_MKCOL(self, path):
        try:
            os.mkdir(path)
            self.reply(201)
        except FileExistsError:
            self.reply(405)

    @handled
    def do_MOVE(self, path):
        target = self.path_of(self.headers["Destination"])
        with MOVING:
            if os.path.lexists(target) and self.headers.get("Overwrite") == "F":
                return self.reply(412)
            os.rename(path, target)
        self.reply(201)

    @handled
    def do_DELETE(self, path):
        os.unlink(path)
        self.reply(204)

    @handled
    def do_HEAD(self, path):
        os.stat(path)
        self.reply(200)

    @handled
    def do_PROPPATCH(self, path):
        text = b"".join(self.body()).decode()
        os.setxattr(path, PROPERTY, re.search(r">([0-9a-f]{32})<", text)[1].encode())
        self.multistatus("HTTP/1.1 200 OK", "")

    @handled
    def do_PROPFIND(self, path):
        for _ in self.body():
            pass
        # As a server asks its disk, and a folder is meant.
        os.stat(path)
        if path.rstrip("/") == FOLDER:
            os.listdir(path)
        try:
            value = os.getxattr(path, PROPERTY).decode()
        except OSError:
            return self.multistatus("HTTP/1.1 404 Not Found", "")
        self.multistatus("HTTP/1.1 200 OK", f'<P:delivery xmlns:P="https://pouch.invalid/ns">{value}</P:delivery>')

    def multistatus(self, status, properties):
        self.reply(207, ('<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>/</D:href><D:propstat><D:prop>'
                         f"{properties}</D:prop><D:status>{status}</D:status></D:propstat></D:response></D:multistatus>").encode())

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}/dav/"}), flush=True)
sys.stdin.read()
os._exit(0)
