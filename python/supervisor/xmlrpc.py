# SPDX-License-Identifier: MIT
"""Reach the daemon's XML-RPC interface over a unix or a TCP socket."""

import base64
import http.client
import socket
import xmlrpc.client
from urllib.parse import urlsplit

__all__ = [
    "Faults", "RPCError", "SupervisorTransport", "UnixStreamHTTPConnection",
    "getFaultDescription", "xmlrpclib",
]

xmlrpclib = xmlrpc.client


class Faults:
    UNKNOWN_METHOD = 1
    INCORRECT_PARAMETERS = 2
    BAD_ARGUMENTS = 3
    SIGNATURE_UNSUPPORTED = 4
    SHUTDOWN_STATE = 6
    BAD_NAME = 10
    BAD_SIGNAL = 11
    NO_FILE = 20
    NOT_EXECUTABLE = 21
    FAILED = 30
    ABNORMAL_TERMINATION = 40
    SPAWN_ERROR = 50
    ALREADY_STARTED = 60
    NOT_RUNNING = 70
    SUCCESS = 80
    ALREADY_ADDED = 90
    STILL_RUNNING = 91
    CANT_REREAD = 92


_fault_names = {code: name for name, code in vars(Faults).items() if not name.startswith("_")}


def getFaultDescription(code):
    """The name of a fault; "UNKNOWN" for a number that is none."""
    return _fault_names.get(code, "UNKNOWN")


class RPCError(Exception):
    """A fault, with its number in .code and its sentence in .text."""

    def __init__(self, code, extra=None):
        self.code = code
        self.text = getFaultDescription(code)
        if extra is not None:
            self.text = "%s: %s" % (self.text, extra)
        super().__init__(code, self.text)

    def __str__(self):
        return "code=%r, text=%r" % (self.code, self.text)


class UnixStreamHTTPConnection(http.client.HTTPConnection):
    """HTTP over a unix socket: .socketfile is its path."""

    def __init__(self, host, *args, socketfile=None, **kwargs):
        super().__init__(host, *args, **kwargs)
        self.socketfile = socketfile

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if isinstance(self.timeout, (int, float)):
            self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self.socketfile)
        except OSError:
            self.sock.close()
            self.sock = None
            raise


class SupervisorTransport(xmlrpc.client.Transport):
    """A transport for xmlrpc.client.ServerProxy that goes where serverurl says.

    serverurl is unix:///path/to/socket or http://host:port. The address given to ServerProxy
    itself only has to look like one ('http://127.0.0.1'). One connection is kept and opened
    anew when the daemon has closed it.
    """

    def __init__(self, username=None, password=None, serverurl=None):
        super().__init__()
        self.username = username
        self.password = password
        self.serverurl = serverurl
        self.verbose = False
        parts = urlsplit(serverurl or "")
        if parts.scheme == "unix":
            self.socketfile = serverurl[len("unix://"):]
        elif parts.scheme == "http" and parts.hostname:
            self.socketfile = None
            self.address = (parts.hostname, parts.port or 80)
        else:
            raise ValueError("Unknown protocol for serverurl %s" % serverurl)

    def _connect(self):
        if self.socketfile is not None:
            return UnixStreamHTTPConnection("localhost", socketfile=self.socketfile)
        return http.client.HTTPConnection(*self.address)

    def make_connection(self, host):
        """Called by the base class for each request."""
        if self._connection and self._connection[1]:
            return self._connection[1]
        self._extra_headers = []
        if self.username:
            plain = "%s:%s" % (self.username, self.password or "")
            word = base64.b64encode(plain.encode("utf-8")).decode("ascii")
            self._extra_headers.append(("Authorization", "Basic " + word))
        self._connection = host, self._connect()
        return self._connection[1]
