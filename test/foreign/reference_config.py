# SPDX-License-Identifier: MIT
"""Says, for each file named on stdin, what the reference makes of it: one JSON object a line.

Runs under the reference's own Python. Each file is read in a child of its own, because a reading
leaves traces in the reference's process.
"""

import io
import json
import os
import sys

from supervisor import options as reference
from supervisor.datatypes import Automatic, RestartUnconditionally, RestartWhenExitUnexpected


class Refused(Exception):
    pass


def plain(value):
    if value is Automatic:
        return "AUTO"
    if value is RestartUnconditionally:
        return "always"
    if value is RestartWhenExitUnexpected:
        return "unexpected"
    return value


PROCESS = ("name command directory umask priority autostart startsecs startretries uid "
           "stdout_logfile stdout_capture_maxbytes stdout_events_enabled stdout_syslog "
           "stdout_logfile_backups stdout_logfile_maxbytes "
           "stderr_logfile stderr_capture_maxbytes stderr_events_enabled stderr_syslog "
           "stderr_logfile_backups stderr_logfile_maxbytes "
           "stopsignal stopwaitsecs stopasgroup killasgroup exitcodes redirect_stderr "
           "environment serverurl").split()
DAEMON = "minfds minprocs directory umask loglevel identifier nodaemon silent strip_ansi".split()


def process_facts(config):
    facts = {name: plain(getattr(config, name)) for name in PROCESS}
    facts["exitcodes"] = sorted(set(facts["exitcodes"]))
    facts["autorestart"] = plain(config.autorestart) or "never"
    return facts


def group_facts(group):
    facts = {"name": group.name, "priority": group.priority,
             "processes": [process_facts(p) for p in group.process_configs]}
    if hasattr(group, "pool_events"):
        facts["buffer_size"] = group.buffer_size
        facts["events"] = len(set(group.pool_events))
    if hasattr(group, "socket_config"):
        facts["socket"] = group.socket_config.url
    return facts


def server_facts(config):
    facts = {"username": config["username"], "password": config["password"]}
    if "file" in config:
        facts.update(file=config["file"], chmod=config["chmod"], chown=list(config["chown"]))
    else:
        facts.update(host=config["host"], port=config["port"])
    return facts


def read(path):
    options = reference.ServerOptions()
    options.stderr = options.stdout = io.StringIO()

    def refuse(status):
        raise Refused(options.stderr.getvalue())
    options.exit = refuse
    saved, sys.stderr = sys.stderr, options.stderr
    try:
        options.realize(["-c", path])
    except Refused as refused:
        text = str(refused)
        return {"error": text[len("Error: "):text.rindex("\nFor help, use ")]}
    finally:
        sys.stderr = saved
    section = options.configroot.supervisord
    return {"daemon": {name: plain(getattr(section, name)) for name in DAEMON},
            "groups": [group_facts(g) for g in sorted(options.process_group_configs)],
            "servers": [server_facts(s) for s in section.server_configs]}


def answer(path):
    try:
        return read(path)
    except Exception as error:  # the reference's own traceback is an answer too
        return {"crash": "%s: %s" % (type(error).__name__, error)}


for line in sys.stdin:
    path = line.rstrip("\n")
    pid = os.fork()
    if pid == 0:
        print(json.dumps(answer(path)), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
