# SPDX-License-Identifier: MIT
"""Names that scripts of the Python 2 days import from here."""

import configparser as ConfigParser  # noqa: N812 (the name is the interface)
import xmlrpc.client as xmlrpclib
from http import client as httplib
from io import StringIO
from sys import maxsize as maxint
from urllib import parse as urlparse

__all__ = [
    "ConfigParser", "StringIO", "PY2", "as_bytes", "as_string", "basestring", "httplib", "long",
    "maxint", "raw_input", "unicode", "urlparse", "xmlrpclib",
]

PY2 = False
long = int
basestring = unicode = str
raw_input = input


def as_bytes(text, encoding="utf-8"):
    """text as bytes; bytes stay as they are."""
    return text if isinstance(text, bytes) else text.encode(encoding)


def as_string(data, encoding="utf-8"):
    """data as text; text stays as it is."""
    return data if isinstance(data, str) else data.decode(encoding)
