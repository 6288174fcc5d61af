"""A relay between the agent and a server: notes every request, and may change what goes through it."""

import http.client
import http.server
import threading
import urllib.parse


class Exchange:
    """One request and its answer. A scene's hook may change `body` and `headers` before it goes on, or `answer` on its way back."""

    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.status = None
        self.answer_headers = []
        self.answer = b""

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def key(self):
        """Without the bucket, as it was meant."""
        return urllib.parse.unquote(self.path.split("?")[0]).split("/", 2)[2]

    @property
    def bucket(self):
        return self.path.split("?")[0].split("/")[1]

    @property
    def access_key(self):
        return (self.header("authorization") or "").partition("Credential=")[2].split("/")[0]

    @property
    def is_copy(self):
        return self.header("x-amz-copy-source") is not None

    def refuse(self, status, document):
        self.status, self.answer, self.answer_headers = status, document.encode(), [("content-type", "application/xml")]


class Relay:
    """Use as a context; `before` and `after` are called with the exchange.

    When `before` gives an answer, the server is not asked. When `after` returns False, the connection is cut instead of answered.
    """

    def __init__(self, upstream, before=None, after=None):
        address = urllib.parse.urlsplit(upstream)
        self.exchanges = []
        lock = threading.Lock()
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                length = int(self.headers.get("content-length") or 0)
                exchange = Exchange(self.command, self.path, list(self.headers.items()), self.rfile.read(length))
                with lock:
                    relay.exchanges.append(exchange)
                if before:
                    before(exchange)
                if exchange.status is None:
                    self.forward(exchange)
                if after and after(exchange) is False:
                    self.close_connection = True
                    return
                self.send_response_only(exchange.status)
                for name, value in exchange.answer_headers:
                    self.send_header(name, value)
                if self.command != "HEAD":
                    self.send_header("content-length", str(len(exchange.answer)))
                self.end_headers()
                self.wfile.write(exchange.answer)

            def forward(self, exchange):
                connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
                # The path and the Host header as they came: both are signed.
                connection.putrequest(exchange.method, exchange.path, skip_host=True, skip_accept_encoding=True)
                for name, value in exchange.headers:
                    connection.putheader(name, value.encode("latin-1"))
                connection.endheaders(exchange.body)
                answer = connection.getresponse()
                exchange.status, exchange.answer = answer.status, answer.read()
                hop = {"connection", "keep-alive", "transfer-encoding"} | ({"content-length"} if exchange.method != "HEAD" else set())
                exchange.answer_headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in hop]
                connection.close()

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = serve

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def copies(self):
        return [exchange for exchange in self.exchanges if exchange.is_copy]

    def to(self, bucket):
        return [exchange for exchange in self.exchanges if exchange.bucket == bucket]
