#!/usr/bin/env python3
"""Mail receivers that each have one TLS fault, and the DNS that leads to them.

    unshare -n -m python3 receivers.py DIRECTORY

Brings up loopback in its own network namespace, puts DIRECTORY/etc over /etc/postfix and a resolver of
its own over /etc/resolv.conf, makes keys and certificates in DIRECTORY/pki, and listens until it is
ended. DIRECTORY/ready appears when all listen; DIRECTORY/accepted.jsonl gets a line per mail taken.
"""
import fcntl, json, os, socket, ssl, struct, subprocess, sys, threading, warnings

warnings.simplefilter("ignore", DeprecationWarning)

ROOT = sys.argv[1]
PKI = ROOT + "/pki"

# domain: how its mail host behaves. `certificate` names a file of PKI.
RECEIVERS = {
    "kept.example": {"certificate": "self"},
    "pin.example": {"certificate": "self"},
    "digest.example": {"certificate": "self"},
    "bare.example": {"certificate": "self"},
    "authority.example": {"certificate": "private"},
    "name.example": {"certificate": "hoster"},
    "client.example": {"certificate": "public", "refuses_certificates": True},
    "old.example": {"certificate": "public", "newest": ssl.TLSVersion.TLSv1_1},
    "cipher.example": {"certificate": "public", "newest": ssl.TLSVersion.TLSv1_2,
                       "ciphers": "AES128-SHA256:@SECLEVEL=0"},
    "middlebox.example": {"certificate": "public", "breaks_at_13": True},
    "garbage.example": {"certificate": "public", "garbage": True},
    "bald.example": {"starttls": None},
    "refusing.example": {"starttls": "454 4.7.0 TLS not available due to temporary reason"},
    "demanding.example": {"certificate": "self", "demands": True},
    "smart.example": {"certificate": "self"},
}
ADDRESSES = {domain: "127.0.1.%d" % (n + 1) for n, domain in enumerate(RECEIVERS)}
accepted = open(ROOT + "/accepted.jsonl", "a")
lock = threading.Lock()


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def namespace():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        flags = struct.pack("16sH22x", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(s, 0x8914, flags)  # SIOCSIFFLAGS
    with open(ROOT + "/resolv.conf", "w") as f:
        f.write("nameserver 127.0.0.1\n")
    run("mount", "--make-rprivate", "/")
    run("mount", "--bind", ROOT + "/resolv.conf", "/etc/resolv.conf")
    run("mount", "--bind", ROOT + "/etc", "/etc/postfix")


def certificates():
    os.makedirs(PKI, exist_ok=True)

    def make(name, subject, *more):
        run("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "30",
            "-keyout", f"{PKI}/{name}.key", "-out", f"{PKI}/{name}.crt",
            "-subj", f"/CN={subject}", *more)

    authorities = [threading.Thread(target=make, args=(n, s)) for n, s in
                   [("ca", "Known Authority"), ("private-ca", "Private Authority"),
                    ("client", "mx1.sender.example"), ("self", "localhost")]]
    for t in authorities: t.start()
    for t in authorities: t.join()
    public = ",".join("DNS:mx." + d for d in RECEIVERS)

    def sign(name, ca, names):
        make(name, name, "-CA", f"{PKI}/{ca}.crt", "-CAkey", f"{PKI}/{ca}.key",
             "-addext", "subjectAltName=" + names, "-addext", "basicConstraints=critical,CA:FALSE")
        with open(f"{PKI}/{name}.crt", "a") as out:
            out.write(open(f"{PKI}/{ca}.crt").read())

    leaves = [threading.Thread(target=sign, args=a) for a in
              [("public", "ca", public), ("private", "private-ca", "DNS:mx.authority.example"),
               ("hoster", "ca", "DNS:mail.hoster.example")]]
    for t in leaves: t.start()
    for t in leaves: t.join()


def context(how):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.set_ciphers(how.get("ciphers", "ALL:@SECLEVEL=0"))
    c.minimum_version = ssl.TLSVersion.TLSv1
    c.maximum_version = how.get("newest", ssl.TLSVersion.MAXIMUM_SUPPORTED)
    c.load_cert_chain(f"{PKI}/{how['certificate']}.crt", f"{PKI}/{how['certificate']}.key")
    if how.get("refuses_certificates"):
        # One that no authority of ours signed is refused; none is fine.
        c.verify_mode = ssl.CERT_OPTIONAL
        c.load_verify_locations(f"{PKI}/private-ca.crt")
    return c


def offers_13(hello):
    at = hello.find(b"\x00\x2b")  # supported_versions
    while at >= 0:
        size = hello[at + 4] if at + 4 < len(hello) else 0
        if b"\x03\x04" in hello[at + 5:at + 5 + size]: return True
        at = hello.find(b"\x00\x2b", at + 1)
    return False


def talk(plain, domain, how, tls):
    stream, reader = plain, plain.makefile("rb")
    secured = sender = None
    def say(text): stream.sendall((text + "\r\n").encode())
    say("220 mx.%s ESMTP" % domain)
    while True:
        line = reader.readline(2000).decode("ascii", "replace").strip()
        if not line: return
        verb = line.upper()
        if verb.startswith("EHLO"):
            offers = tls is not None and secured is None or how.get("starttls")
            say(("250-mx.%s\r\n250-STARTTLS\r\n250 8BITMIME" if offers else "250-mx.%s\r\n250 8BITMIME")
                % domain)
        elif verb == "STARTTLS":
            if how.get("starttls"): say(how["starttls"]); continue
            say("220 2.0.0 Ready to start TLS")
            if how.get("garbage"): stream.sendall(b"550 what is that\r\n" * 4); return
            if how.get("breaks_at_13") and offers_13(plain.recv(4096, socket.MSG_PEEK)): return
            stream = tls.wrap_socket(plain, server_side=True)
            reader, secured = stream.makefile("rb"), stream.version()
        elif verb.startswith("MAIL"):
            if how.get("demands") and not secured: say("451 4.7.1 Must issue a STARTTLS command first")
            else: sender = line; say("250 2.1.0 Ok")
        elif verb.startswith("RCPT"):
            rcpt = line; say("250 2.1.5 Ok")
        elif verb == "DATA":
            say("354 go on")
            while reader.readline(4000) not in (b".\r\n", b""): pass
            with lock:
                accepted.write(json.dumps({"domain": rcpt.partition("@")[2].strip("> "), "tls": secured}) + "\n")
                accepted.flush()
            say("250 2.0.0 Ok: taken")
        elif verb == "QUIT": say("221 2.0.0 Bye"); return
        else: say("250 2.0.0 Ok")


def serve(domain, how, listener):
    tls = context(how) if "certificate" in how else None
    def one(plain):
        try: talk(plain, domain, how, tls)
        except OSError: pass
        finally: plain.close()
    while True:
        plain, _ = listener.accept()
        plain.settimeout(30)
        threading.Thread(target=one, args=(plain,), daemon=True).start()


def answer(question):
    """MX of a domain, A of its mail host; what is not there is NXDOMAIN, or has no such record."""
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode().lower()); at += question[at] + 1
    kind = struct.unpack("!H", question[at + 1:at + 3])[0]
    name, body = ".".join(labels), question[12:at + 5]
    host = name[3:] if name.startswith("mx.") else None
    record = b""
    if kind == 15 and name in RECEIVERS: record = struct.pack("!H", 10) + b"\x02mx\xc0\x0c"
    if kind == 1 and host in RECEIVERS: record = socket.inet_aton(ADDRESSES[host])
    known = name in RECEIVERS or host in RECEIVERS
    head = question[:2] + struct.pack("!HHHHH", 0x8580 | (0 if known else 3), 1, 1 if record else 0, 0, 0)
    if not record: return head + body
    return head + body + b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(record)) + record


def resolve(s):
    while True:
        question, peer = s.recvfrom(1500)
        try: s.sendto(answer(question), peer)
        except (IndexError, OSError, struct.error): pass


namespace()
certificates()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 53))
threading.Thread(target=resolve, args=(udp,), daemon=True).start()
for domain, how in RECEIVERS.items():
    listener = socket.create_server((ADDRESSES[domain], 25))
    threading.Thread(target=serve, args=(domain, how, listener), daemon=True).start()
open(ROOT + "/ready", "w").close()
threading.Event().wait()
