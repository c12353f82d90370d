# SPDX-License-Identifier: MIT
"""Hundreds of small configuration files, read by the reference and by ours.

Compared: accepted or refused, the sentence of the refusal, and every value of what was accepted.
Deliberate differences stand in DIFFERENT with their reasons, and must really differ.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE_PYTHON = "/usr/bin/python3"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "N": "5",
               "QUOTED": 'a"b', "PERCENT": "50%", "NO": "3"}

CASES = {}       # name -> {file name: content}; "main.conf" is read
DIFFERENT = {}   # name -> reason


def case(name, text, why=None, **files):
    assert name not in CASES, name
    CASES[name] = dict({"main.conf": text}, **{k.replace("__", "/"): v for k, v in files.items()})
    if why:
        DIFFERENT[name] = why


def program(name, lines, why=None, head="[supervisord]\n"):
    case(name, head + "[program:x]\ncommand=/bin/cat\n" + lines + "\n", why)


def several(prefix, option, values, differ=(), why=None):
    """One file for each value of a program's option."""
    for i, value in enumerate(values):
        program("%s %d %r" % (prefix, i, value), "%s=%s" % (option, value),
                why if value in differ else None)


def supervisord(prefix, option, values, differ=(), why=None):
    for i, value in enumerate(values):
        case("%s %d %r" % (prefix, i, value), "[supervisord]\n%s=%s\n" % (option, value),
             why if value in differ else None)


INTEGERS = ["5", "+5", "-5", "1_000", "010", "", "0x10", "1.5", "abc", "--1", "1__0", "_1", "1_",
            "5 5", "\u00a05", "it's", 'a"b', "a\\b", "5;6", "5 ;6"]
for option in ("startsecs", "stopwaitsecs", "priority", "stdout_logfile_backups",
               "numprocs_start"):
    several("integer " + option, option, INTEGERS)
several("numprocs", "numprocs", ["1", "0", "-1", "x", "", "2"])
several("startretries", "startretries", ["3", "0", "-1", "x"])
several("infinite", "startretries", ["infinite"], ["infinite"], "ours: try for ever")

for option in ("autostart", "stdout_syslog", "redirect_stderr", "stopasgroup", "killasgroup"):
    several("boolean " + option, option,
            ["true", "TRUE", "yes", "on", "1", "false", "No", "off", "0", "", "maybe", "2", "t",
             "y", "none"])
several("autorestart", "autorestart", ["true", "false", "unexpected", "UNEXPECTED", "1", "0", "",
                                       "FOO", "always", "Unexpected "])
BYTES = ["0", "1", "100", "50MB", "50mb", "50 MB", "1KB", "1gb", "1GB", "", "1.5MB", "1k", "1b",
         "1tb", "MB", "kb", "x", "0x10"]
for option in ("stdout_logfile_maxbytes", "stderr_capture_maxbytes"):
    several("bytes " + option, option, BYTES)
several("negative bytes", "stdout_logfile_maxbytes", ["-1", "-5MB"], ["-1", "-5MB"],
        "the reference loses all output; ours takes a negative size for 0")
OCTAL = ["022", "22", "0o22", "0O22", "0o_22", "9", "8", "", "abc", "7777", "1_0", "-1", "+7",
         "0x10", "0o", "o22"]
several("umask", "umask", [o for o in OCTAL if o != "-1"])
several("signal", "stopsignal",
        "TERM term SIGTERM sigterm HUP INT QUIT KILL USR1 USR2 15 +15 0015 1 31 34 64 0 32 33 35 "
        "63 65 -1 99999 RTMIN RTMAX RTMIN+1 IOT CLD POLL IO STKFLT PWR SYS FOO SIG SIGFOO SIGSIGTERM "
        "SIG_DFL SIG_IGN SIG_BLOCK SIG_UNBLOCK SIG_SETMASK 1.5 T".split() + ["", "TERM INT"])
several("exitcodes", "exitcodes", ["0", "0,2", " 0 , 2 ", "255", "256", "-1", "", "0,", ",0", "a",
                                   "0;2", "0 2", "1_0", "+1"])
several("user", "user", ["root", "0", "nobody", "nosuchuser", "65599", "", "-1", "root ",
                         "99999999999"])
several("user and group", "user", ["root:root"], ["root:root"], "ours: a user and a group")
several("directory", "directory", ["/", "/nosuch", "~", "relative", "", "%(here)s", "a b"])
several("serverurl", "serverurl", ["AUTO", "auto", " auto ", "", "http://x", "unix:///x"])
for channel in ("stdout", "stderr"):
    several(channel + "_logfile", channel + "_logfile",
            ["AUTO", "auto", "NONE", "none", "OFF", "off", "syslog", "SYSLOG", "", "/tmp/x",
             "relative", "/nosuch/dir/x", "~/x", "%(here)s/x", "/tmp/%(program_name)s",
             "%%(program_name)s", "%%%%x", "100%", "/tmp/%(ENV_PERCENT)s", "%(ENV_N)s"])
    program(channel + " syslog twice", "%s_logfile=syslog\n%s_syslog=false" % (channel, channel))
program("redirect with file", "redirect_stderr=true\nstderr_logfile=/tmp/x")
program("redirect auto", "redirect_stderr=true\nstderr_logfile=AUTO")
program("redirect syslog", "redirect_stderr=true\nstderr_logfile=syslog\nstderr_syslog=true")
program("stop without kill", "stopasgroup=true\nkillasgroup=false")
program("stop implies kill", "stopasgroup=true")
several("process_name", "process_name",
        ["a", "a:b", "a b", "a/b", "%(program_name)s", "%(process_num)d", "%(nope)s", "a,b", "*",
         "\u00e9", "%(group_name)s_%(process_num)03d", "a\"b"])
several("process_name smuggled", "process_name", ["%(ENV_HOME)s"], ["%(ENV_HOME)s"],
        "names are checked after their expansion, too")
several("process_name empty", "process_name", [""], [""], "an empty name cannot be addressed")

# Expansion
for i, value in enumerate(["100%", "a %", "%(here)", "%(here)5", "%-", "%l", "%.2", "%(here", "%z",
                           "%(here)z", "%Y", "%d", "%i", "%u", "%x", "%X", "%o", "%f", "%e", "%E",
                           "%g", "%c", "%.log", "%(ENV_HOME)d", "%(ENV_N)d", "%(ENV_N)x",
                           "%(ENV_N)f", "%(ENV_N)c", "%(ENV_HOME)c", "%*d", "%(process_num)*d",
                           "%(process_num).*d", "%%", "%%%%", "%(here)s%%", "%(process_num)02d",
                           "%(process_num)03X", "%(process_num).3d|", "%(process_num)-5d|",
                           "%(process_num) d", "%(process_num)+d", "%(process_num)e",
                           "%(process_num)s", "%(process_num)r", "%(process_num)c",
                           "%(numprocs)#x", "%(numprocs)#o", "%(numprocs)05.2f",
                           "%(ENV_HOME).3s", "%(ENV_HOME)20s|", "%(ENV_HOME)-20s|",
                           "%(ENV_QUOTED)r", "%(ENV_QUOTED)a", "%(nope)s", "%(NOPE)z",
                           "%(ENV_NOPE)s", "%()s", "%((a))s", "%(HERE)s", "%(process_num)ld",
                           "%(process_num)hd", "%(process_num)lld", "%5%", "%(here)%", "\u00e9%z",
                           "%\u00e9", "%(program_name)s %(group_name)s %(host_node_name)s",
                           "%(ENV_K)s", "%(ENV_HOME)s", "%(process_num)F", "%(process_num)G",
                           "%(process_num)08.3f", "%(process_num)#.0f"]):
    program("expand %d %r" % (i, value), "environment=K=\"own\",HOME=\"mine\"\ncommand=/bin/x " +
            value)
for value in ("%s", "%r %(here)s", "% s", "%a"):
    program("bare %r" % value, "command=/bin/x " + value,
            "the reference inserts its whole name table, environment and all")
program("expand huge", "command=/bin/x %(process_num)99999999999d")
program("expand numprocs", "numprocs=12\nprocess_name=%(program_name)s_%(process_num)d\n"
        "command=/bin/x %(process_num)02d of %(numprocs)d\nnumprocs_start=3")
program("numprocs without number", "numprocs=2\nprocess_name=x")
program("numprocs same name", "numprocs=2\nprocess_name=%(program_name)s%(process_num).0s",
        "of two processes of one name the last one lives; ours drops the other at once")
for option in ("autostart", "startsecs", "stopsignal", "umask", "exitcodes", "priority"):
    several("expanded " + option, option, ["%(ENV_NO)s", "%(process_num)s", "%(nope)s", "%%",
                                           "%(program_name)s"])

# Environment lists: 4.4 reads them as a POSIX shell, the installed 4.2 has a lexer of its own.
for i, value in enumerate(["", "A=1,B=2", "A = 1 , B = 2", "A=\"1\",\n B=\"2\"", "A=\"1,2\"",
                           "A=\"a=b\"", "A=\"a#b\"", "A=\"\"", "A=''", "A=1,", "A=\"a\",B=\"b\",",
                           "A=a b", "A=1 B=2", "A=1,,B=2", ",A=1", "A", "A=", "A=,B=1", "A:1",
                           "A=\"x\",B", "A=/usr/bin:/bin", "A=http://x", "A=a.b+c-d(e):f",
                           "A=$HOME", "A=a@b", "A=a*b", "A=a=b", "A=a;b", "A=http://x?y=z&w",
                           "A=[x]", "A=<x>", "A=a#b", "A=\"1\"# c,B=2", "A=\"1\";B=\"2\"",
                           "A=1|B=2", "A=1\n B=2", "A=\"a\\nb\"", "A=\"x", "A=\"it's\"", "A==b",
                           "1A=1", "A.B=1", "A-B=1", "A=1,A=2", "A=%(here)s", "A=%(ENV_HOME)s",
                           "A=%(ENV_A)s", "A=\"%(process_num)d\"", "A=\"%%\"", "A=\"%\"",
                           "A=\"%(nope)s\"", "A=\"%(ENV_N)s\",B=\"%(ENV_A)s\""]):
    program("environment %d %r" % (i, value), "environment=" + value)
POSIX = "POSIX quoting, as in 4.4"
for value in ("A=\"x\\\"y\"", "A=\"a\\\\b\"", "A=a\\ b", "A=a\\,b", "A='x\\'y'", "A=x\"y z\"w",
              "A=\"x\"\"y\"", "A=\"\"x\"\"", "A='say \"hi\"'", "\"A\"=1", "A=\"\\\"", "A=\\"):
    program("posix %r" % value, "environment=" + value, POSIX)
program("environment merged", "environment=B=\"own\",D=\"4\"",
        head="[supervisord]\nenvironment=A=\"1\",B=\"2\",C=\"%(ENV_HOME)s\"\n")
program("daemon environment expands", "command=/bin/x %(ENV_FRESH)s",
        head="[supervisord]\nenvironment=FRESH=\"f\"\n")
program("daemon environment bad", "", head="[supervisord]\nenvironment=A\n")

# [supervisord]
for option in ("minfds", "minprocs", "logfile_backups"):
    supervisord("daemon " + option, option, ["10", "x", "", "1.5", "%(nope)s", "%(here)s"])
supervisord("daemon umask", "umask", [o for o in OCTAL if o != "-1"])
supervisord("daemon loglevel", "loglevel",
            ["critical", "CRITICAL", "error", "warn", "info", "debug", "trace", "blather",
             "warning", "crit", "10", "", "Info "])
supervisord("daemon nodaemon", "nodaemon", ["true", "off", "maybe", ""])
supervisord("daemon silent", "silent", ["true", "maybe"])
supervisord("daemon strip_ansi", "strip_ansi", ["true", "maybe"])
supervisord("daemon nocleanup", "nocleanup", ["true", "maybe"])
supervisord("daemon directory", "directory", ["/", "/nosuch", "%(here)s", "/etc/passwd"])
supervisord("daemon childlogdir", "childlogdir", ["/tmp", "/nosuch", "%(here)s"])
supervisord("daemon logfile", "logfile", ["/tmp/x.log", "/nosuch/x.log", "syslog", "%(here)s/l"])
supervisord("daemon pidfile", "pidfile", ["/tmp/x.pid", "/nosuch/x.pid"])
supervisord("daemon identifier", "identifier", ["a", "a b", "%(here)s", "%(program_name)s", "%%"])
supervisord("daemon maxbytes", "logfile_maxbytes", ["1MB", "x", "0"])
supervisord("daemon user", "user", ["root", "nosuchuser", "0", "65599", "%(nope)s"])
case("first problem wins", "[supervisord]\nminfds=x\numask=9\n[program:x]\nstartsecs=y\n")
case("programs before user", "[supervisord]\nuser=nosuch\n[program:x]\ncommand=x\nstartsecs=y\n")
case("groups before programs", "[supervisord]\n[program:x]\nstartsecs=y\n[group:g]\nprograms=z\n")
case("programs before servers",
     "[unix_http_server]\n[supervisord]\n[program:x]\ncommand=x\nstartsecs=y\n")
case("listeners after programs", "[supervisord]\n[eventlistener:l]\ncommand=x\n[program:x]\n")

# Servers
for i, value in enumerate(["9001", ":9001", "*:9001", "127.0.0.1:9001", "LOCALHOST:9001",
                           "0.0.0.0:9001", "9001 ; comment", "abc", "127.0.0.1", "0", "70000", "",
                           "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:0", "127.0.0.1:x", "::1:9001",
                           "%(ENV_N)s", "%(here)s", "h:%(ENV_N)s"]):
    case("inet port %d %r" % (i, value), "[supervisord]\n[inet_http_server]\nport=%s\n" % value)
case("inet ipv6", "[supervisord]\n[inet_http_server]\nport=[::1]:9001\n",
     "ours: IPv6, without its brackets inside")
case("inet no port", "[supervisord]\n[inet_http_server]\n")
for kind, place in (("inet", "port=9001"), ("unix", "file=/tmp/x.sock")):
    head = "[supervisord]\n[%s_http_server]\n%s\n" % (kind, place)
    case(kind + " user only", head + "username=a\n")
    case(kind + " password only", head + "password=a\n")
    case(kind + " both", head + "username=a\npassword=b\n")
    case(kind + " sha", head + "username=a\npassword={SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d\n")
    case(kind + " empty user", head + "username=\npassword=b\n",
         "an empty user would switch authentication off")
    case(kind + " unknown key", head + "bogus=1\n")
    case(kind + " two", head + "[%s_http_server:two]\n%s2\n[%s_http_serverfoo]\n%s3\n"
         % (kind, place, kind, place))
case("unix no file", "[supervisord]\n[unix_http_server]\n")
for i, lines in enumerate(["file=~/x", "file=relative", "file=%(here)s/x", "file= /tmp/../x/./y ",
                           "file=/x\nchmod=0777", "file=/x\nchmod=999", "file=/x\nchmod=",
                           "file=/x\nchown=root", "file=/x\nchown=root:root", "file=/x\nchown=0:0",
                           "file=/x\nchown=nosuch:nosuch", "file=/x\nchown=root:nosuch",
                           "file=/x\nchown=nosuch", "file=/x\nchmod=%(here)s", "file=%(nope)s",
                           "file=/x\nchown=:root", "file=/x\nusername=a\nchmod=9",
                           "file=/x\nusername=a\nchown=nosuch", "file=/x\nchown=nosuch\nchmod=9"]):
    case("unix %d %r" % (i, lines), "[supervisord]\n[unix_http_server]\n" + lines + "\n")
case("servers in order", "[supervisord]\n[unix_http_server]\nfile=/a\n[inet_http_server]\nport=1\n"
     "[unix_http_server:b]\nfile=/b\n[inet_http_server:b]\nport=2\n")

# rpcinterface
case("rpc good", "[supervisord]\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = "
     "supervisor.rpcinterface:make_main_rpcinterface\n")
case("rpc none", "[supervisord]\n[rpcinterface:x]\n")
case("rpc unknown", "[supervisord]\n[rpcinterface:x]\nsupervisor.rpcinterface_factory=nosuch:f\n",
     "4.4 adds a detail; ours says that Python code cannot be loaded")

# Groups
TWO = "[supervisord]\n[program:a]\ncommand=a\n[program:b]\ncommand=b\n"
for i, value in enumerate(["a", "a,b", "b,a", " a , b ", "a\n b", "a,\n b", "nope", "a,", "",
                           "a,a,b", "A", "a b"]):
    case("group %d %r" % (i, value), TWO + "[group:g]\nprograms=%s\n" % value,
         {"a,": "the section in the sentence is right", "a,a,b": "one copy at once"}.get(value))
case("group without programs", TWO + "[group:g]\npriority=5\n")
case("group priority", TWO + "[group:g]\nprograms=a\npriority=x\n")
case("group name", TWO + "[group:g g]\nprograms=a\n")
case("group no name", TWO + "[group:]\nprograms=a\n", "an empty name cannot be addressed")
case("group empty item", TWO + "[group:g]\nprograms=,a\n")
case("two groups share", TWO + "[group:g]\nprograms=a\n[group:h]\nprograms=a,b\n")
case("group ambiguous", TWO + "[fcgi-program:a]\ncommand=x\nsocket=tcp://h:1\n"
     "[group:g]\nprograms=a\n")
case("group member expands", "[supervisord]\n[program:a]\ncommand=x %(group_name)s %(program_name)s\n"
     "[group:g]\nprograms=a\n")
case("group order of numbers", "[supervisord]\n[program:a]\ncommand=x\nnumprocs=12\n"
     "process_name=%(program_name)s_%(process_num)d\n[program:b]\ncommand=y\npriority=1\n"
     "[group:g]\nprograms=a,b\n")
case("group member priority bad", "[supervisord]\n[program:a]\ncommand=x\npriority=y\n"
     "[group:g]\nprograms=a\n")
case("group like a program", TWO + "[group:a]\nprograms=b\n",
     "two groups of one name: the reference ignores one in silence")
case("twin kinds", TWO + "[eventlistener:a]\ncommand=x\nevents=TICK\n",
     "two groups of one name: the reference ignores one in silence")
case("groups sorted", "[supervisord]\n[program:c]\ncommand=c\npriority=5\n[program:b]\ncommand=b\n"
     "priority=5\n[program:a]\ncommand=a\n[program:z]\ncommand=z\npriority=-3\n")
for i, name in enumerate(["x", " x", "a:b", "a/b", "a b", "\u00e9", "*", "a,b", "'q'", "x]y"]):
    case("program name %d %r" % (i, name), "[supervisord]\n[program:%s]\ncommand=x\n" % name)
case("program no name", "[supervisord]\n[program:]\ncommand=x\n",
     "an empty name cannot be addressed")
case("program no command", "[supervisord]\n[program:x]\n")
case("program empty command", "[supervisord]\n[program:x]\ncommand=\n")

# Listeners
LISTENER = "[supervisord]\n[eventlistener:l]\ncommand=/bin/x\n"
for i, value in enumerate(["TICK", "tick_5", "TICK_5,TICK_60", "NOPE", "", "EVENT", " EVENT , TICK ",
                           "PROCESS_STATE", "PROCESS_STATE_RUNNING,PROCESS_STATE_RUNNING",
                           "PROCESS_GROUP_ADDED", "PROCESS_LOG_STDERR", "REMOTE_COMMUNICATION",
                           "SUPERVISOR_STATE_CHANGE_STOPPING", "PROCESS_COMMUNICATION_STDOUT"]):
    case("events %d %r" % (i, value), LISTENER + "events=%s\n" % value)
case("no events", LISTENER)
for i, lines in enumerate(["buffer_size=0", "buffer_size=-1", "buffer_size=x", "buffer_size=1024",
                           "redirect_stderr=true", "redirect_stderr=false", "priority=x",
                           "priority=5", "numprocs=2", "numprocs=2\nprocess_name=%(process_num)s",
                           "result_handler=supervisor.dispatchers:default_handler",
                           "buffer_size=0\nredirect_stderr=true", "stdout_events_enabled=true",
                           "priority=%(program_name)s", "buffer_size=%(here)s"]):
    case("listener %d %r" % (i, lines), LISTENER + "events=TICK\n" + lines + "\n")
case("listener result handler", LISTENER + "events=TICK\nresult_handler=foo:bar\n",
     "4.4 adds a detail; ours says that Python code cannot be loaded")
case("listener blank name", "[supervisord]\n[eventlistener: l]\ncommand=x\nevents=TICK\n")

# FastCGI
FCGI = "[supervisord]\n[fcgi-program:f]\ncommand=/bin/x\n"
for i, lines in enumerate(["", "socket=", "socket=tcp://localhost:9002", "socket=tcp://HOST:9002",
                           "socket=unix:///tmp/f.sock", "socket=unix:///tmp/../tmp/./f.sock",
                           "socket=unix:///tmp/%(program_name)s.sock",
                           "socket=tcp://h:1\nsocket_backlog=0",
                           "socket=tcp://h:1\nsocket_backlog=65536",
                           "socket=tcp://h:1\nsocket_backlog=x",
                           "socket=tcp://h:1\nsocket_backlog=100",
                           "socket=tcp://h:1\nsocket_owner=root",
                           "socket=tcp://h:1\nsocket_mode=0700",
                           "socket=unix:///x\nsocket_owner=root:root\nsocket_mode=0770",
                           "socket=unix:///x\nsocket_owner=nosuch",
                           "socket=unix:///x\nsocket_mode=9", "socket=unix:///x\nuser=nosuch",
                           "socket=unix:///x\nuser=nobody", "socket=tcp://h:1\nsocket_owner=nosuch",
                           "socket=unix:///%(nope)s", "socket=unix:///%(process_num)s",
                           "socket=foo\nsocket_owner=root"]):
    case("fcgi %d %r" % (i, lines), FCGI + lines + "\n")
TUPLE = "the reference shows a tuple instead of a sentence"
for value in ("foo", "TCP://h:1", "unix://rel.sock", "unix://~/x", "tcp://h", "tcp://h:",
              "tcp://h:x", "tcp://:1", "tcp://h:1x"):
    case("fcgi tuple %r" % value, FCGI + "socket=%s\n" % value, TUPLE)
case("fcgi port 0", FCGI + "socket=tcp://h:0\n")
case("fcgi port 70000", FCGI + "socket=tcp://h:70000\n")
case("fcgi in a group", FCGI + "socket=unix:///x\n[group:g]\nprograms=f\n")
case("fcgi in a group, bad socket", FCGI + "socket=nonsense\n[group:g]\nprograms=f\n",
     "the reference loses the socket of a grouped fcgi-program; ours keeps and checks it")

# The dialect; what a line means shows in the program's directory
HEAD = "[supervisord]\n[program:x]\ncommand=c\n"
for i, text in enumerate(["directory=b", "directory:b", "directory  =  b", "directory:b=c",
                          "directory=b:c", "directory==b", "DiReCtOrY=b", "directory=",
                          "directory", "=v", ":", "directory=b ; c", "directory=b # c",
                          "directory=b\t;c", "directory=b\u00a0;c", "directory=b;c", "directory=b#c",
                          "directory=http://x/#frag", "directory=;b", "directory=#b",
                          "directory= ;b", "directory= #b", "directory=b;c ;d", "directory=b;c;d ;e",
                          "directory=b ;c #d", "directory=b #c ;d", "directory=bash -c 'foo ; bar'",
                          "directory ;b=c", "directory ;=c", "directory;b=c", "rem foo",
                          "directory=b\n c\n  d", "directory=b\n\n c", "directory=b\n   \n c",
                          "directory=b\n\n\n", "directory=b\n; x\n c", "directory=b\n ; x\n c",
                          "directory=b ; x\n c ; y", "directory=b\n#c\n\n   d", "directory=\n b\n c",
                          "directory=b\n [t]\nuser=root", "directory=b\n c=d", "  directory=b\n  umask=1",
                          "    directory=b\n  umask=1", "  directory=b\n    umask=1",
                          " directory=b\n\tumask=1", "directory=b\\\numask=1",
                          "[supervisord] foo\nminfds=7", "[supervisord];foo\nminfds=7",
                          "[supervisord] ; foo\nminfds=7", "  [supervisord]\nminfds=7",
                          "[program:y]z]\ncommand=d", "[ supervisord ]\nminfds=x", "[foo=bar",
                          "[program:a ;b]", "[program:x]\ndirectory=2\numask=7", "directory=1\n 2\ndirectory=3",
                          "[]", "[supervisord", "[foo]\nbar=1\nbaz", "[Program:q]\nx=1", "[program]\nx=1",
                          "bogus=1", "directory=a\r\numask=1\r\n", "directory=a\rumask=1\r",
                          "directory=\u3000a\u2003", "directory=a\x0cb", "directory=a\x1c;b", "; c",
                          "a;b=c", "\"directory\"=x", "directory = \u00e9", "directory=a\n\tb\n \tc",
                          "foo\nbar\nbaz", "it's\na\"b", "foo\\bar", "\u00e9t\u00e9", "foo\tbar",
                          "directory=x\n foo\nbar", "= x\n y", "directory=a\n\x0b\n b"]):
    case("dialect %d %r" % (i, text), HEAD + text + "\n")
ROUNDS = "a comment begins at the earliest place where one may"
case("rounds 1", HEAD + "directory=b#c #d ;e\n", ROUNDS)
case("rounds 2", HEAD + "directory=b;c ;d #e\n", ROUNDS)
case("rounds 3", HEAD + "directory=p#q;r #s ;t\n")
for i, text in enumerate(["", "\n\n", "; only\n", "a=b\n", "[]\n", "[s\n", "junk\n[supervisord]\n", "[foo]\n",
                          "[supervisord]", "  \n ; x\n[supervisord]\n", "[SUPERVISORD]\n",
                          "[supervisord]\n[DEFAULT]\npriority=7\n[program:x]\ncommand=y\n[program:z]\n"
                          "command=y\npriority=3\n",
                          "[DEFAULT]\ncommand=all\n[supervisord]\n[program:x]\n",
                          "[default]\ncommand=all\n[supervisord]\n[program:x]\n",
                          "[supervisord]\n[program:x]\ncommand=%(a)s\n[DEFAULT]\ncommand=q\n",
                          "[supervisord]\n[supervisorctl]\nserverurl=%(x\n", "[supervisord]\n[foo]\na=%z\n"]):
    case("file %d %r" % (i, text), text)
case("byte order mark", "\ufeff[supervisord]\n", "a byte order mark is skipped")
CASES["bad utf-8"] = {"main.conf": b"[supervisord]\nidentifier=\xff\n"}
CASES["bad utf-8 2"] = {"main.conf": b"[supervisord]\nidentifier=\xc3(\n"}
CASES["bad utf-8 3"] = {"main.conf": b"[supervisord]\nidentifier=\xe2\x82(\n"}
CASES["bad utf-8 4"] = {"main.conf": b"[supervisord]\nidentifier=\xe2\x82"}
CASES["bad utf-8 5"] = {"main.conf": b"[supervisord]\nidentifier=\xed\xa0\x80\n"}
CASES["bad utf-8 6"] = {"main.conf": b"[supervisord]\nidentifier=\xf5\x80\n"}
CASES["NUL"] = {"main.conf": b"[supervisord]\nidentifier=a\0b\n"}
DIFFERENT["NUL"] = "no value may hold a NUL byte"
CASES["a directory"] = {"main.conf": None}
CASES["no file"] = {}

# Includes
INCLUDE = "[supervisord]\n[include]\nfiles=%s\n"
ONE = "[program:x]\ncommand=x %(here)s\n"
case("include one", INCLUDE % "a.conf", a__conf="")
CASES["include one"]["a.conf"] = ONE
for i, (files, others) in enumerate([
        ("*.inc", {"a.inc": ONE, "b.inc": "[program:y]\ncommand=y\n"}),
        ("a.inc b.inc", {"a.inc": ONE, "b.inc": "[program:x]\numask=7\n"}),
        ("a.inc\n b.inc", {"a.inc": ONE, "b.inc": "[program:x]\numask=7\n"}),
        ("d/*.inc", {"d/a.inc": ONE}), ("d/?.inc", {"d/a.inc": ONE, "d/ab.inc": "[program:q]\n"}),
        ("d/[ab].inc", {"d/a.inc": ONE}), ("d/[!b].inc", {"d/a.inc": ONE, "d/b.inc": "x"}),
        ("*", {"a.inc": ONE, ".hidden": "junk"}), (".*", {".hidden": ONE}),
        ("**/*.inc", {"d/a.inc": ONE, "d/e/b.inc": "junk"}), ("nope*", {}), ("nope", {}), ("", {}),
        ("%(here)s/a.inc", {"a.inc": ONE}), ("%(ENV_N)s.inc", {"5.inc": ONE}),
        ("%(nope)s", {}), ("100%", {}), ("%(host_node_name)s.inc", {}),
        ("a.inc", {"a.inc": "[supervisord]\nminfds=7\n"}),
        ("a.inc", {"a.inc": "[include]\nfiles=b.inc\n", "b.inc": ONE}),
        ("a.inc", {"a.inc": "junk\n"}), ("a.inc", {"a.inc": "[program:x]\njunk\n"}),
        ("a.inc", {"a.inc": "[program:x]\ncommand=y\nstartsecs=z\n"}),
        ("a.inc", {"a.inc": "[DEFAULT]\ncommand=y\n[program:x]\n"}),
        ("a.inc a.inc", {"a.inc": ONE}), ("d", {"d/a.inc": ONE}), ("d/*", {"d/e/f": ONE}),
        ("a.inc,b.inc", {"a.inc": ONE}), ("~/x", {}), ("{a,b}.inc", {"a.inc": ONE}),
        ("a.inc ; b", {"a.inc": ONE}), ("d/*.inc", {"d/a.inc": "[group:g]\nprograms=x\n", "d/b.inc": ONE})]):
    name = "include %d %r" % (i, files)
    CASES[name] = dict({"main.conf": INCLUDE % files}, **others)
case("include no files", "[supervisord]\n[include]\n")
case("include other case", "[supervisord]\n[Include]\nfiles=nope\n")
case("include damages percent", "[supervisord]\n[program:x]\ncommand=a %%(here)s\n[include]\nfiles=\n")
case("here without include", "[supervisord]\n[program:x]\ncommand=a %%(here)s %(here)s\n")
case("include brings supervisord", "[include]\nfiles=a.inc\n")
CASES["include brings supervisord"]["a.inc"] = "[supervisord]\n" + ONE
CASES["include and default here"] = {
    "main.conf": "[DEFAULT]\ndirectory=%(here)s\n" + INCLUDE % "d/*.inc" + "[program:m]\ncommand=m\n",
    "d/a.inc": "[program:x]\ncommand=x\n"}
CASES["first file of a section"] = {
    "main.conf": INCLUDE % "a.inc b.inc", "a.inc": ONE, "b.inc": "[program:x]\nstartsecs=q\n"}

DIFFERENT["integer stdout_logfile_backups 2 '-5'"] = "fewer than none is none"
for channel in ("stdout", "stderr"):
    DIFFERENT["%s_logfile 8 ''" % channel] = "an empty name is told as NONE, which it is"
DIFFERENT["expand 44 '%(process_num)c'"] = "no value may hold a NUL byte"
DIFFERENT["expand huge"] = "the reference runs out of memory and has no words for it"
DIFFERENT["bad utf-8 4"] = "the reference counts from the last piece it read, not from the start"

# What only ours knows must not disturb the reference, nor change a value it has
program("our keys", "restartpause=5\nrlimit_nofile=100:200\nstdout_logfile_format=%(asctime)s %z\n"
        "stdout_logfile_rotate=daily\nexit_on=fatal\nnice=5\ncpu_affinity=0-3\nmax_age=7d\n"
        "killmode=tree\nbackoff_factor=1.5\nrestart_limit=5/60\nenvironment_file=-/nosuch,x.env")


def write(directory, files):
    for name, content in files.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if content is None:
            os.makedirs(path)
            continue
        with open(path, "wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode())
    return os.path.join(directory, "main.conf")


def find_dump():
    daemon = os.environ.get("SUPERVISORD")
    places = [os.path.join(os.path.dirname(daemon), "..", "test", "foreign", "config_dump")] if daemon else []
    builds = glob.glob(os.path.join(HERE, "..", "..", "build", "*", "test", "foreign", "config_dump"))
    places += sorted(builds, key=os.path.getmtime, reverse=True)
    places.insert(0, os.environ.get("CONFIG_DUMP", ""))
    return next((place for place in places if place and os.path.exists(place)), None)


def ask(command, paths):
    """The answers of one reader, started for all paths."""
    done = subprocess.run(command, input="".join(path + "\n" for path in paths), env=ENVIRONMENT,
                          capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError("%s: %s" % (command, done.stderr))
    return [json.loads(line) for line in done.stdout.splitlines()]


def comparable(answer):
    """What must be equal: the sentence, or all values."""
    if "error" in answer:
        return {"error": answer["error"]}
    return {key: value for key, value in answer.items() if key not in ("warnings", "problems")}


def first_difference(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            if a.get(key) != b.get(key):
                return first_difference(a.get(key), b.get(key), "%s.%s" % (path, key))
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (left, right) in enumerate(zip(a, b)):
            if left != right:
                return first_difference(left, right, "%s[%d]" % (path, i))
    return "%s\n    reference: %r\n    ours:      %r" % (path, a, b)


@unittest.skipUnless(os.path.exists("/usr/lib/python3/dist-packages/supervisor/options.py"),
                     "the reference is not installed")
class ConfigDiff(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        dump = find_dump()
        if not dump:
            raise unittest.SkipTest("config_dump is not built")
        cls.top = tempfile.TemporaryDirectory(prefix="config-diff-")
        names = list(CASES)
        paths = [write(os.path.join(cls.top.name, str(i)), CASES[name])
                 for i, name in enumerate(names)]
        half = len(paths) // 2
        readers = [[REFERENCE_PYTHON, os.path.join(HERE, "reference_config.py")], [dump]]
        answers = [ask(reader, paths[:half]) + ask(reader, paths[half:]) for reader in readers]
        cls.answers = dict(zip(names, zip(*answers)))
        if not len(answers[0]) == len(answers[1]) == len(names):
            raise RuntimeError("%d and %d answers to %d files"
                               % (len(answers[0]), len(answers[1]), len(names)))

    @classmethod
    def tearDownClass(cls):
        cls.top.cleanup()

    def test_same_files_same_meaning(self):
        for name, (reference, ours) in self.answers.items():
            if name not in DIFFERENT:
                with self.subTest(name):
                    if comparable(reference) != comparable(ours):
                        self.fail(first_difference(comparable(reference), comparable(ours)))

    def test_listed_differences_are_real(self):
        for name, why in DIFFERENT.items():
            with self.subTest(name, why=why):
                reference, ours = self.answers[name]
                self.assertNotEqual(comparable(reference), comparable(ours))

    def run_daemon(self, arguments):
        return subprocess.run([os.environ["SUPERVISORD"]] + arguments, env=ENVIRONMENT, timeout=120,
                              capture_output=True, text=True, cwd=self.top.name)

    def test_the_daemon_says_so_and_exits_with_2(self):
        daemon = os.environ.get("SUPERVISORD")
        if not daemon:
            self.skipTest("SUPERVISORD is not set")
        refused = [(name, os.path.join(self.top.name, str(i), "main.conf"))
                   for i, name in enumerate(CASES) if "error" in self.answers[name][1]]
        with ThreadPoolExecutor(4) as pool:
            starts = pool.map(self.run_daemon, [["-n", "-c", path] for _, path in refused])
            checks = pool.map(self.run_daemon, [["--check", "-c", path] for _, path in refused])
            for (name, _), start, check in zip(refused, starts, checks):
                _, ours = self.answers[name]
                with self.subTest(name):
                    self.assertEqual((start.returncode, check.returncode), (2, 2))
                    self.assertIn("Error: %s\nFor help, use %s -h\n" % (ours["error"], daemon),
                                  start.stderr)
                    self.assertEqual(start.stdout, "")
                    for problem in ours["problems"]:
                        self.assertIn(problem, check.stdout)

    def test_the_printed_sample_is_read_by_both(self):
        program = os.path.join(os.path.dirname(os.environ.get("SUPERVISORD", "")),
                               "echo_supervisord_conf")
        if not os.path.exists(program):
            self.skipTest("echo_supervisord_conf is not built")
        sample = subprocess.run([program], capture_output=True, text=True, check=True).stdout
        path = os.path.join(self.top.name, "sample.conf")
        with open(path, "w") as stream:
            stream.write(sample)
        reference, = ask([REFERENCE_PYTHON, os.path.join(HERE, "reference_config.py")], [path])
        ours, = ask([find_dump()], [path])
        self.assertNotIn("error", ours)
        self.assertEqual(comparable(reference), comparable(ours))
        self.assertEqual(ours["warnings"], [])

        # With the commented program uncommented, every option must still be what it says.
        lines = sample.splitlines()
        start = lines.index(next(line for line in lines if line.startswith(";[program:")))
        for i in range(start, len(lines)):
            if not lines[i]:
                break
            value = lines[i].split(" ;")[0].rstrip()
            if not value.endswith("="):
                lines[i] = lines[i].lstrip(";")
        with open(path, "w") as stream:
            stream.write("\n".join(lines) + "\n")
        reference, = ask([REFERENCE_PYTHON, os.path.join(HERE, "reference_config.py")], [path])
        ours, = ask([find_dump()], [path])
        self.assertNotIn("error", ours)
        self.assertEqual(comparable(reference), comparable(ours))
        self.assertEqual(len(ours["groups"]), 1)

    def test_the_reference_exits_with_2(self):
        for name in ("program no command", "file 0 ''", "bad utf-8", "daemon user 1 'nosuchuser'"):
            path = os.path.join(self.top.name, str(list(CASES).index(name)), "main.conf")
            with self.subTest(name):
                done = subprocess.run([REFERENCE_PYTHON, "/usr/bin/supervisord", "-n", "-c", path],
                                      env=ENVIRONMENT, timeout=60, capture_output=True, text=True)
                reference, _ = self.answers[name]
                self.assertEqual(done.returncode, 2)
                self.assertIn("Error: " + reference["error"], done.stderr)

    def test_every_problem_has_its_place(self):
        for name, (_, ours) in self.answers.items():
            with self.subTest(name):
                if "error" in ours:
                    self.assertTrue(ours["problems"])
                    for problem in ours["problems"]:
                        self.assertTrue(problem.startswith(self.top.name), problem)

    def test_enough_of_both_kinds(self):
        refused = sum("error" in ours for _, ours in self.answers.values())
        self.assertGreater(refused, 150)
        self.assertGreater(len(self.answers) - refused, 150)


if __name__ == "__main__":
    unittest.main()
