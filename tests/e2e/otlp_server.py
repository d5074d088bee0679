# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP server that fails in all the ways servers and networks do, as a script tells it to.

It is not the product's witness for the format (test_otelcol.py has the real collector): it checks what
any server would, keeps what it took, and remembers every request.
"""

import contextlib
import gzip
import http.server
import json
import random
import socket
import struct
import threading
import time


class Request:
    """One request as it came in: path, headers, raw body, data, and when."""

    def __init__(self, path, headers, body):
        self.path = path
        self.headers = headers
        self.body = body
        self.time = time.monotonic()
        raw = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        self.size = len(raw)
        self.data = json.loads(raw)
        self.taken = False  # by the server; the client may not have heard of it
        self.acknowledged = False  # and was told so

    @property
    def spans(self):
        """Ids of its spans."""
        return [span["spanId"] for resource in self.data.get("resourceSpans", [])
                for scope in resource["scopeSpans"] for span in scope["spans"]]


class Reply:
    """What to do with a request: an answer, or a way to fail."""

    def __init__(self, status=200, body=b"{}", headers=(), content_type="application/json", take=None,
                 delay=0, cut=None):
        self.status = status
        self.body = body
        self.headers = dict(headers)
        self.content_type = content_type
        self.take = status == 200 if take is None else take
        self.delay = delay  # seconds before the answer
        self.cut = cut  # "request": it is not read to its end; "response": half of the answer is sent


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments):
        pass

    def reset(self):
        """Closes the connection the hard way."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def do_POST(self):
        reply = self.server.next_reply(self)
        length = int(self.headers["Content-Length"])
        if reply.cut == "request":
            self.rfile.read(length // 2)
            self.reset()
            return
        request = Request(self.path, self.headers, self.rfile.read(length))
        with self.server.lock:
            self.server.requests.append(request)
            reply = self.server.judge(request) or reply if self.server.judge else reply
            request.taken = reply.take
        if reply.delay:
            self.server.stopping.wait(reply.delay)
        with contextlib.suppress(OSError):
            self.answer(reply)
            request.acknowledged = reply.take and not reply.cut

    def answer(self, reply):
        if reply.cut == "nothing":
            self.reset()
            return
        self.send_response(reply.status)
        if reply.content_type:
            self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body if not reply.cut else reply.body[:len(reply.body) // 2])
        self.wfile.flush()
        if reply.cut:
            self.reset()


class OtlpServer(http.server.ThreadingHTTPServer):
    """replies: one per request, in their order; then all is well. judge(request): may give a Reply of its own."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, replies=(), judge=None, port=0, context=None):
        super().__init__(("127.0.0.1", port), _Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.replies = list(replies)
        self.judge = judge
        self.requests = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.url = "http%s://127.0.0.1:%d" % ("s" if context else "", self.server_address[1])

    def handle_error(self, request, client_address):
        pass

    def next_reply(self, _handler):
        with self.lock:
            return self.replies.pop(0) if self.replies else Reply()

    def arrivals(self):
        """How often each span has arrived."""
        counts = {}
        for request in self.requests:
            for span in request.spans if request.taken else ():
                counts[span] = counts.get(span, 0) + 1
        return counts

    def data(self, path, key):
        """All elements of the requests taken at a path, in their order."""
        return [element for request in self.requests if request.taken and request.path == path
                for element in request.data[key]]


_used_ports = set()  # to an exporter, the same port is the same collector, which has all that it acknowledged


@contextlib.contextmanager
def otlp_server(*replies, **options):
    """A server on a free port."""
    server = OtlpServer(replies, **options)
    while "port" not in options and server.server_port in _used_ports:
        server.server_close()
        server = OtlpServer(replies, **options)
    _used_ports.add(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


def random_faults(seed, count):
    """Replies of which many are failures that pass, at most three in a row."""
    chance = random.Random(seed)
    kinds = [lambda: Reply(429, b"", {"Retry-After": "0"}), lambda: Reply(502, b"<html>bad</html>"),
             lambda: Reply(503, b"{}"), lambda: Reply(504, b""), lambda: Reply(cut="request"),
             lambda: Reply(cut="response"), lambda: Reply(cut="nothing"),
             lambda: Reply(cut="nothing", take=False), lambda: Reply(delay=1.0)]
    replies = []
    while len(replies) < count:
        replies += [chance.choice(kinds)() for _ in range(chance.randint(1, 3))] + [Reply()]
    return replies
