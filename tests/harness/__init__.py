"""A temporary folder, apisecctl on a store of its own, and a real httpd on loopback.

    from harness import Folder, Store, Server, wait_for
"""

from .place import BUILD, IS_ROOT, SERVER_GROUP, SERVER_USER, TOP, Folder, wait_for
from .server import MPM, Response, Server, ServerFault
from .store import Result, Store

__all__ = ["BUILD", "IS_ROOT", "MPM", "SERVER_GROUP", "SERVER_USER", "TOP", "Folder", "Response", "Result",
           "Server", "ServerFault", "Store", "wait_for"]
