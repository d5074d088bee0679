# SPDX-License-Identifier: Apache-2.0
"""A small HTTP server on a free port of this machine, and a URL at which there is none."""

import contextlib
import http.server
import threading
import time
import urllib.parse


class _Handler(http.server.BaseHTTPRequestHandler):
    """/hello, /status/N, /chunks?n=&bytes=, /slow?ms=, /echo (POST)."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments):
        pass

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = {key: int(values[0]) for key, values in urllib.parse.parse_qs(url.query).items()}
        self.server.paths.append(self.path)
        if url.path == "/chunks":
            self.send_chunks(query.get("n", 3), query.get("bytes", 100))
        elif url.path.startswith("/status/"):
            self.send_whole(int(url.path.rsplit("/", 1)[1]), b"status\n")
        elif url.path == "/slow":
            time.sleep(query.get("ms", 500) / 1000)
            self.send_whole(200, b"slow\n")
        else:
            self.send_whole(200, b"hello\n")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.paths.append(self.path)
        self.send_whole(200, body)

    def send_whole(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_chunks(self, count, size):
        """Each chunk goes out in one write, so that a client on the same machine reads it whole."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(count):
            data = chunk_body(number, size)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")


def chunk_body(number, size):
    """What /chunks sends as its chunk of that number."""
    return (b"chunk %d " % number).ljust(size, b".")


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paths = []
        self.url = "http://127.0.0.1:%d" % self.server_address[1]


@contextlib.contextmanager
def http_server():
    """A local server on a free port; .url, and .paths requested so far."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refused_url():
    """A URL at which nothing listens."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Handler) as server:
        port = server.server_address[1]
    return "http://127.0.0.1:%d/" % port
