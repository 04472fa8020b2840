# SPDX-License-Identifier: MIT
"""Sessions with an FTP server at the port of the first argument, as many as the second says."""

import ftplib
import hashlib
import sys
import time


def connect(port):
    for _ in range(100):
        try:
            server = ftplib.FTP(timeout=20)
            server.connect("127.0.0.1", port)
            return server
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise SystemExit("no server")


def session(port):
    server = connect(port)
    server.login()
    names = server.nlst()
    content = bytearray()
    server.retrbinary("RETR file", content.extend)
    server.quit()
    print(names, len(content), hashlib.sha256(content).hexdigest()[:16])


for _ in range(int(sys.argv[2])):
    session(int(sys.argv[1]))
