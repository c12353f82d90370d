# SPDX-License-Identifier: MIT
"""For programs that the daemon runs: speak the event listener protocol, call back, send text.

A whole listener:

    import sys
    from supervisor import childutils

    while True:
        headers, payload = childutils.listener.wait()
        if headers["eventname"] == "PROCESS_STATE_EXITED":
            print(payload, file=sys.stderr)      # stdout belongs to the protocol
        childutils.listener.ok()
"""

import sys
import time
import xmlrpc.client

from supervisor.xmlrpc import SupervisorTransport

__all__ = [
    "EventListenerProtocol", "ProcessCommunicationsProtocol", "eventdata", "getRPCInterface",
    "getRPCTransport", "get_asctime", "get_headers", "listener", "pcomm",
]


def getRPCTransport(env):
    """A transport from the environment that the daemon gives its children."""
    return SupervisorTransport(env.get("SUPERVISOR_USERNAME", ""),
                               env.get("SUPERVISOR_PASSWORD", ""),
                               env["SUPERVISOR_SERVER_URL"])


def getRPCInterface(env):
    """getRPCInterface(os.environ).supervisor.getAllProcessInfo() and so on."""
    # The address is never used: the transport knows its own.
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=getRPCTransport(env))


def get_headers(line):
    """{"ver": "3.0", ...} of a line of key:value words."""
    return dict(word.split(":") for word in line.split())


def eventdata(payload):
    """(headers, data) of a payload whose first line is a line of words."""
    line, data = payload.split("\n", 1)
    return get_headers(line), data


def get_asctime(now=None):
    """Local time as in the daemon's log: 2024-01-31 12:00:00,250."""
    if now is None:
        now = time.time()
    milliseconds = int(now * 1000) % 1000
    return "%s,%03d" % (time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)), milliseconds)


def _write(stream, text):
    """text to a text stream or, as UTF-8, to a binary one; and flushed, for a peer waits."""
    try:
        stream.write(text)
    except TypeError:
        stream.write(text.encode("utf-8"))
    stream.flush()


class ProcessCommunicationsProtocol:
    """Text for PROCESS_COMMUNICATION events, where capture is switched on for the channel."""

    BEGIN = "<!--XSUPERVISOR:BEGIN-->"
    END = "<!--XSUPERVISOR:END-->"

    def send(self, msg, fp=None):
        if isinstance(msg, bytes):
            msg = msg.decode("utf-8")
        _write(sys.stdout if fp is None else fp, self.BEGIN + msg + self.END)

    def stdout(self, msg):
        return self.send(msg, sys.stdout)

    def stderr(self, msg):
        return self.send(msg, sys.stderr)


pcomm = ProcessCommunicationsProtocol()


class EventListenerProtocol:
    """The listener's half of the conversation. Streams default to the real stdin and stdout."""

    def wait(self, stdin=None, stdout=None):
        """Say that we are ready and wait for an event: (headers, payload).

        A text stream is read by characters ("len"), a binary one by bytes ("bytelen", where
        the daemon sends it); the payload is of the stream's kind. EOFError when the daemon
        is gone.
        """
        self.ready(stdout)
        stream = sys.stdin if stdin is None else stdin
        line = stream.readline()
        if not line:
            raise EOFError("the daemon closed our stdin")
        if isinstance(line, bytes):
            headers = get_headers(line.decode("utf-8"))
            length = headers.get("bytelen", headers["len"])
        else:
            headers = get_headers(line)
            length = headers["len"]
        return headers, stream.read(int(length))

    def ready(self, stdout=None):
        _write(sys.stdout if stdout is None else stdout, "READY\n")

    def ok(self, stdout=None):
        """The event was processed; the next may come after ready()."""
        self.send("OK", stdout)

    def fail(self, stdout=None):
        """The event was not processed; the daemon will send it again."""
        self.send("FAIL", stdout)

    def send(self, data, stdout=None):
        _write(sys.stdout if stdout is None else stdout,
               "RESULT %d\n%s" % (len(data.encode("utf-8")), data))


listener = EventListenerProtocol()
