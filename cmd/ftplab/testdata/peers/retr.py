"""Python's ftplib fetches a file: retr.py HOST FILE MODE SECONDS [tls].

ftplib speaks PASV and PORT over IPv4 and EPSV and EPRT over IPv6; here the mode can be
chosen. It believes the address of a 227, as older versions did, so that what the server
announces is what happens.
"""

import ftplib
import sys


host, file, mode, seconds, *tls = sys.argv[1:]
size = 0


class Client(ftplib.FTP_TLS if tls else ftplib.FTP):
    trust_server_pasv_ipv4_address = True
    mode = "pasv"

    def makepasv(self):
        if self.mode == "epsv":
            return ftplib.parse229(self.sendcmd("EPSV"), self.sock.getpeername())
        return super().makepasv()

    def sendport(self, host, port):
        if self.mode == "eprt":
            return self.sendcmd(f"EPRT |1|{host}|{port}|")
        return super().sendport(host, port)


def count(block):
    global size
    size += len(block)


try:
    with Client(host, timeout=float(seconds)) as client:
        client.mode = mode
        client.set_pasv(mode in ("pasv", "epsv"))
        client.login()
        if tls:
            client.prot_p()
        client.retrbinary("RETR " + file, count)
except (OSError, ftplib.Error) as problem:
    sys.exit(f"ftplib: {problem}")
print(size)
