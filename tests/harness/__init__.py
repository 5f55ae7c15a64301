"""A temporary folder, apisecctl on a store of its own, and a real httpd on loopback.

    from harness import Folder, Store, Server, wait_for
"""

from .backend import Backend, body_of, fields_of
from .fields import parse_list
from .keytext import key_text, split_key
from .other import OtherServer
from .place import BUILD, IS_ROOT, SERVER_GROUP, SERVER_USER, TOP, Folder, wait_for, wait_seconds
from .server import MPM, Response, Server, ServerFault
from .site import Site
from .statefile import StateFile
from .store import Result, Store
from .terminal import Terminal

__all__ = ["BUILD", "IS_ROOT", "MPM", "SERVER_GROUP", "SERVER_USER", "TOP", "Backend", "Folder", "OtherServer",
           "Response", "Result", "Server", "ServerFault", "Site", "StateFile", "Store", "Terminal", "body_of", "fields_of",
           "key_text", "parse_list", "split_key", "wait_for", "wait_seconds"]
