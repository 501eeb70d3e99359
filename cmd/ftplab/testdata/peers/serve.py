"""pyftpdlib serves a folder to anonymous: serve.py FOLDER.

Its passive port and how long it tries to reach a client are those of the lessons' server.
"""

import logging
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import ActiveDTP, FTPHandler
from pyftpdlib.servers import FTPServer

logging.disable()
authorizer = DummyAuthorizer()
authorizer.add_anonymous(sys.argv[1])
ActiveDTP.timeout = 4
FTPHandler.authorizer = authorizer
FTPHandler.passive_ports = [2024]
FTPServer(("", 21), FTPHandler).serve_forever()
