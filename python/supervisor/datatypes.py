# SPDX-License-Identifier: MIT
"""From the text of a configuration to values, for scripts with options in the same style."""

import os
import signal

TRUTHY_STRINGS = ("yes", "true", "on", "1")
FALSY_STRINGS = ("no", "false", "off", "0")


class Automatic:
    """Stands for AUTO where a log file's name may stand."""


class Syslog:
    """Stands for syslog where a log file's name may stand."""



class SuffixMultiplier:
    """A number with a unit behind it: SuffixMultiplier({"k": 1000})("3k") is 3000.

    units are suffixes of one length; a number without a suffix is multiplied by default.
    """

    def __init__(self, d, default=1):
        lengths = {len(suffix) for suffix in d}
        if len(lengths) != 1:
            raise ValueError("suffixes must have one length: %s" % sorted(d))
        self._d = d
        self._default = default
        self._keysz = lengths.pop()

    def __call__(self, v):
        text = v.lower()
        factor = self._d.get(text[-self._keysz:])
        if factor is None:
            return int(text) * self._default
        return int(text[:-self._keysz]) * factor


byte_size = SuffixMultiplier({"kb": 1024, "mb": 1024 ** 2, "gb": 1024 ** 3})


def boolean(s):
    """True for yes, true, on, 1; False for no, false, off, 0; in any case."""
    text = str(s).lower()
    if text in TRUTHY_STRINGS:
        return True
    if text in FALSY_STRINGS:
        return False
    raise ValueError("not a valid boolean value: " + repr(s))


def integer(value):
    return int(value)


def octal_type(arg):
    try:
        return int(arg, 8)
    except (TypeError, ValueError):
        raise ValueError("%s can not be converted to an octal type" % arg) from None


def list_of_strings(arg):
    """Comma separated; blanks around the items do not count."""
    if not arg:
        return []
    return [item.strip() for item in arg.split(",")]


def list_of_ints(arg):
    return [int(item) for item in list_of_strings(arg)]


def list_of_exitcodes(arg):
    codes = list_of_ints(arg)
    for code in codes:
        if not 0 <= code <= 255:
            raise ValueError("Invalid exit code %r" % code)
    return codes


def dict_of_key_value_pairs(arg):
    """"A=1,B='x,y'" as a dictionary. Quoted values may hold commas."""
    import shlex
    lexer = shlex.shlex(str(arg), posix=True)
    lexer.wordchars += "/.+-():"
    tokens = list(lexer)
    pairs = {}
    at = 0
    while at < len(tokens):
        key = tokens[at:at + 3]
        if len(key) != 3 or key[1] != "=":
            raise ValueError("Unexpected end of key/value pairs in value %r" % arg)
        pairs[key[0]] = key[2]
        at += 3
        if at < len(tokens) and tokens[at] != ",":
            raise ValueError("Unexpected end of key/value pairs in value %r" % arg)
        at += 1
    return pairs


def process_or_group_name(name):
    """name without blanks around it, if a process may be called so."""
    text = str(name).strip()
    if not text or " " in text or ":" in text or "/" in text:
        raise ValueError("Invalid name: " + repr(name))
    return text


def existing_directory(v):
    path = v % {"here": here} if here is not None and "%(here)s" in v else v
    path = os.path.expanduser(path)
    if os.path.isdir(path):
        return path
    raise ValueError("%s is not an existing directory" % v)


def existing_dirpath(v):
    """A path whose directory exists; the file itself need not."""
    path = v % {"here": here} if here is not None and "%(here)s" in v else v
    path = os.path.expanduser(path)
    parent = os.path.dirname(path)
    if not parent or os.path.isdir(parent):
        return path
    raise ValueError("The directory named as part of the path %s does not exist" % v)


# The directory that %(here)s stands for, where a script sets it.
here = None


def signal_number(value):
    """15 of "15", "TERM" and "SIGTERM"."""
    text = str(value).strip().upper()
    try:
        number = int(text)
    except ValueError:
        name = text if text.startswith("SIG") else "SIG" + text
        found = getattr(signal, name, None)
        if found is None or name.startswith("SIG_"):
            raise ValueError("value %r is not a valid signal name" % value) from None
        return int(found)
    if number not in {int(known) for known in signal.Signals}:
        raise ValueError("value %r is not a valid signal number" % value)
    return number


def name_to_uid(name):
    """The number of a user, given by name or number."""
    import pwd
    text = str(name)
    try:
        return pwd.getpwuid(int(text)).pw_uid if text.isdigit() else pwd.getpwnam(text).pw_uid
    except KeyError:
        what = "user id" if text.isdigit() else "user name"
        raise ValueError("Invalid %s %s" % (what, text)) from None


def name_to_gid(name):
    """The number of a group, given by name or number."""
    import grp
    text = str(name)
    try:
        return grp.getgrgid(int(text)).gr_gid if text.isdigit() else grp.getgrnam(text).gr_gid
    except KeyError:
        what = "group id" if text.isdigit() else "group name"
        raise ValueError("Invalid %s %s" % (what, text)) from None


def gid_for_uid(uid):
    import pwd
    return pwd.getpwuid(uid).pw_gid


class RangeCheckedConversion:
    """A conversion whose result must be in min..max, both included."""

    def __init__(self, conversion, min=None, max=None):
        self._conversion = conversion
        self._min = min
        self._max = max

    def __call__(self, value):
        result = self._conversion(value)
        if self._min is not None and result < self._min:
            raise ValueError("%r is below lower bound (%r)" % (result, self._min))
        if self._max is not None and result > self._max:
            raise ValueError("%r is above upper bound (%r)" % (result, self._max))
        return result


port_number = RangeCheckedConversion(integer, min=1, max=0xFFFF)
