"""syslog.py SOCKET FILE HOST: takes what programs log and writes it as rsyslog does."""
import os
import socket
import sys

path, log, host = sys.argv[1:4]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(path)
os.chmod(path, 0o666)
with open(log, "ab", buffering=0) as out:
    while True:
        line = listener.recv(65536).rstrip(b"\0\n").replace(b"\n", b" ")
        line = line[line.index(b">") + 1 :] if line.startswith(b"<") else line
        out.write(line[:16] + host.encode() + b" " + line[16:] + b"\n")
