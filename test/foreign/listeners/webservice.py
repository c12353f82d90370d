# SPDX-License-Identifier: MIT
"""A service that breaks: answers 200 until the file exists, then 500. A new process that finds
the file removes it and is well again.

    webservice.py PORT FILE
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

port, broken = int(sys.argv[1]), sys.argv[2]
if os.path.exists(broken):
    os.unlink(broken)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if os.path.exists(broken) else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


HTTPServer(("127.0.0.1", port), Handler).serve_forever()
