#!/usr/bin/env python3
"""SMTP receivers on loopback, one fault each, one port each.

Prints one JSON line, {"directory": ..., "ports": {name: port}}, where the port "dns" answers for the domains in MX, and serves until standard input ends. Needs the
cryptography package. Every name in FAULTS is a function that holds one conversation on a connected socket.
"""
import datetime as dt, ipaddress, json, os, random, shutil, socket, ssl, struct, sys, tempfile, threading, time
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "mx.receiver.example"
DIRECTORY = tempfile.mkdtemp(prefix="receivers-")
NOW = dt.datetime.now(dt.timezone.utc)
DAY = dt.timedelta(days=1)


# Certificates -------------------------------------------------------------------------------------
def key(): return ec.generate_private_key(ec.SECP256R1())
def name(text): return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
def path(file): return os.path.join(DIRECTORY, file)


def certificate(subject, public, issuer, signer, start=-30, end=300, ca=False, names=None, usage=None):
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(NOW + start * DAY).not_valid_after(NOW + end * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
    if names: made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    if usage: made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return made.sign(signer, hashes.SHA256())


def save(file, *parts):
    with open(path(file), "wb") as f:
        for part in parts:
            if isinstance(part, x509.Certificate): f.write(part.public_bytes(serialization.Encoding.PEM))
            else: f.write(part.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


ROOT_KEY = key(); ROOT = certificate(name("Root"), ROOT_KEY.public_key(), name("Root"), ROOT_KEY, ca=True)
MIDDLE_KEY = key(); MIDDLE = certificate(name("Middle"), MIDDLE_KEY.public_key(), name("Root"), ROOT_KEY, ca=True)
OLD_KEY = key(); OLD = certificate(name("Old middle"), OLD_KEY.public_key(), name("Root"), ROOT_KEY, start=-90, end=-2, ca=True)
save("ca.pem", ROOT)


def leaf(file, signer=(MIDDLE, MIDDLE_KEY), chain=None, cn=HOST, names=(HOST,), **more):
    k = key(); c = certificate(name(cn), k.public_key(), signer[0].subject, signer[1], names=names, **more)
    save(file, c, *([signer[0]] if chain is None else chain), k)


leaf("good.pem")
leaf("expired.pem", end=-3)
leaf("wrong-usage.pem", usage=ExtendedKeyUsageOID.CLIENT_AUTH)
leaf("old-middle.pem", signer=(OLD, OLD_KEY))
leaf("no-middle.pem", chain=[])
leaf("common-name.pem", names=None)
leaf("wildcard.pem", cn="receiver.example", names=["*.receiver.example"])
leaf("other-wildcard.pem", cn="other.example", names=["*.other.example"])
leaf("other-name.pem", cn="web.other.example", names=["web.other.example"])
k = key(); save("self-signed.pem", certificate(name(HOST), k.public_key(), name(HOST), k, names=[HOST]), k)
k = key(); save("client.pem", certificate(name("client"), k.public_key(), name("client"), k, names=["client.example"]), k)
# For servers that cannot use another kind of key.
k = rsa.generate_private_key(public_exponent=65537, key_size=2048)
save("good-rsa.pem", certificate(name(HOST), k.public_key(), MIDDLE.subject, MIDDLE_KEY, names=[HOST]), MIDDLE, k)
save("expired-rsa.pem", certificate(name(HOST), k.public_key(), MIDDLE.subject, MIDDLE_KEY, end=-3, names=[HOST]), MIDDLE, k)
save("self-signed-rsa.pem", certificate(name(HOST), k.public_key(), name(HOST), k, names=[HOST]), k)
# Faults of the chain that take other builders.
leaf("future-middle.pem", signer=(lambda k: (certificate(name("New middle"), k.public_key(), name("Root"), ROOT_KEY, start=3, ca=True), k))(key()))
leaf("leaf-signed.pem", signer=(lambda k: (certificate(name("No CA"), k.public_key(), name("Root"), ROOT_KEY), k))(key()))
k = key(); save("expired-self-signed.pem", certificate(name(HOST), k.public_key(), name(HOST), k, end=-3, names=[HOST]), k)
k = key()
CONSTRAINED = (x509.CertificateBuilder().subject_name(name("Constrained")).issuer_name(name("Root")).public_key(k.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(NOW - DAY).not_valid_after(NOW + 300 * DAY)
               .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
               .add_extension(x509.NameConstraints(permitted_subtrees=[x509.DNSName("other.example")], excluded_subtrees=None), critical=True)
               .sign(ROOT_KEY, hashes.SHA256()))
leaf("constrained.pem", signer=(CONSTRAINED, k))
k = rsa.generate_private_key(public_exponent=65537, key_size=1024)
save("rsa-1024.pem", certificate(name(HOST), k.public_key(), MIDDLE.subject, MIDDLE_KEY, names=[HOST]), MIDDLE, k)
CONTEXTS = {}


def context(file="good.pem", low=None, high=None, client=None, seclevel=None, ciphers=None):
    wanted = (file, low, high, client, seclevel, ciphers)
    if wanted not in CONTEXTS:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if file == "rsa-1024.pem": seclevel = 0
        if seclevel is not None: made.set_ciphers(f"ALL:@SECLEVEL={seclevel}")
        if ciphers: made.set_ciphers(ciphers)
        made.load_cert_chain(path(file))
        if low: made.minimum_version = low
        if high: made.maximum_version = high
        if client: made.verify_mode = client; made.load_verify_locations(path("ca.pem"))
        CONTEXTS[wanted] = made
    return CONTEXTS[wanted]


def by_name(file):
    """The good certificate for those who name the host; for others that of a file, or an alert."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); made.load_cert_chain(path(file or "good.pem"))
    def choose(sock, wanted, _):
        if wanted == HOST: sock.context = context()
        elif file is None: return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    made.sni_callback = choose
    return made


# Conversation -------------------------------------------------------------------------------------
class Gone(Exception): pass


class Talk:
    """One session; `replies` overrides the reply to a verb: text, or a function of the talk that gives one."""

    def __init__(self, sock, replies=None, tls=None, features=("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8")):
        self.sock, self.replies, self.tls, self.features = sock, replies or {}, tls or context(), features
        self.buffer, self.encrypted = b"", False

    def put(self, text): self.raw((text + "\r\n").encode())

    def raw(self, data):
        try: self.sock.sendall(data)
        except (OSError, ssl.SSLError) as x: raise Gone from x

    def line(self):
        while b"\n" not in self.buffer:
            try: data = self.sock.recv(4096)
            except (OSError, ssl.SSLError) as x: raise Gone from x
            if not data or len(self.buffer) > 100_000: raise Gone
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode("latin-1").strip()

    def secure(self):
        try: self.sock = self.tls.wrap_socket(self.sock, server_side=True)
        except (OSError, ssl.SSLError, ValueError) as x: raise Gone from x
        self.encrypted, self.buffer = True, b""

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close(); raise Gone

    def silence(self):
        self.sock.settimeout(20)
        try:
            while self.sock.recv(4096): pass
        except (OSError, ssl.SSLError): pass
        raise Gone

    def greet(self):
        reply = self.said("BANNER", f"220 {HOST} ESMTP")
        self.put(reply)
        if reply[0] != "2": raise Gone

    def said(self, verb, usual):
        reply = self.replies.get(verb, usual)
        if callable(reply): reply = reply(self) or usual
        if reply.startswith("421"): self.put(reply); raise Gone
        return reply

    def hold(self):
        self.greet()
        while True:
            words = self.line(); verb = words.split(" ")[0].upper()
            if verb == "EHLO":
                offered = [HOST] + [f for f in self.features] + ([] if self.encrypted or self.tls == "none" else ["STARTTLS"])
                lines = [("250-" if i + 1 < len(offered) else "250 ") + f for i, f in enumerate(offered)]
                self.put(self.said("EHLO2" if self.encrypted else "EHLO", "\r\n".join(lines)))
            elif verb == "HELO": self.put(self.said("HELO", f"250 {HOST}"))
            elif verb == "STARTTLS":
                reply = self.said("STARTTLS", "220 go ahead"); self.put(reply)
                if reply.startswith("220"): self.secure()
            elif verb == "MAIL": self.put(self.said("MAIL", "250 2.1.0 Ok"))
            elif verb == "RCPT": self.put(self.said("RCPT", "250 2.1.5 Ok"))
            elif verb == "DATA":
                reply = self.said("DATA", "354 go on"); self.put(reply)
                if reply.startswith("354"):
                    body = []
                    while (text := self.line()) != ".": body.append(text)
                    with open(path("taken.txt"), "a") as f: f.write("\n".join(body) + "\n----\n")
                    self.put(self.said("END", "250 2.0.0 taken"))
            elif verb == "QUIT": self.put("221 2.0.0 Bye"); return
            else: self.put("250 2.0.0 Ok")


def talk(tls=None, features=None, **replies):
    def serve(sock):
        more = {} if features is None else {"features": features}
        Talk(sock, replies, tls() if callable(tls) else tls, **more).hold()
    return serve


def after_hello(act):
    """Reads the ClientHello behind STARTTLS, then acts on the bare socket."""
    def secure(t):
        t.put("220 go ahead"); hello = t.sock.recv(4096); act(t, hello); raise Gone
    return talk(STARTTLS=secure)


def alert(number): return after_hello(lambda t, _: t.raw(bytes([21, 3, 3, 0, 2, 2, number])))


def half_handshake(t, hello):
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO(); inward.write(hello)
    half = context().wrap_bio(inward, outward, server_side=True)
    try: half.do_handshake()
    except ssl.SSLWantReadError: pass
    t.raw(outward.read()[:120])


def endless_certificate(t, _):
    """TLS 1.2: a ServerHello, then a Certificate that says to be of 16 MB, in records without end."""
    body = b"\x03\x03" + os.urandom(32) + b"\x00" + b"\xc0\x2f" + b"\x00" + b"\x00\x05\xff\x01\x00\x01\x00"
    hello = b"\x02" + len(body).to_bytes(3, "big") + body
    t.raw(b"\x16\x03\x03" + len(hello).to_bytes(2, "big") + hello)
    part = b"\x16\x03\x03\x40\x00"
    t.raw(part + (b"\x0b\xff\xff\xff\xff\xff\xfc" + bytes(16384))[:16384])
    for _ in range(8000): t.raw(part + bytes(16384))


def dribble(text):
    def act(t, *_):
        for byte in text * 30: t.raw(bytes([byte])); time.sleep(0.3)
    return act


def endless(text):
    def act(t):
        for _ in range(200_000): t.raw(text)
    return act


def new_protocol_breaks(sock):
    """Breaks off where a client offers TLS 1.3."""
    def secure(t):
        t.put("220 go ahead"); hello = t.sock.recv(4096, socket.MSG_PEEK)
        if b"\x00\x2b" in hello and b"\x03\x04" in hello[hello.index(b"\x00\x2b"):]: t.sock.recv(4096); raise Gone
        t.secure(); return "250 ignored"
    class Old(Talk):
        def put(self, text):
            if text != "250 ignored": super().put(text)
    Old(sock, {"STARTTLS": secure}, context(high=ssl.TLSVersion.TLSv1_2)).hold()


def in_tls(text): return lambda t: text if t.encrypted else None
def in_clear(text): return lambda t: None if t.encrypted else text
def gone(t): raise Gone
def gone_in_tls(t):
    if t.encrypted: raise Gone
def implicit(sock):
    t = Talk(sock); t.secure(); t.features = ("PIPELINING",); t.hold()


def injecting(t):
    t.raw(b"220 go ahead\r\n250 injected\r\n"); t.secure(); return "250 ignored"


def with_injection(sock):
    class Quiet(Talk):
        def put(self, text):
            if text != "250 ignored": super().put(text)
    Quiet(sock, {"STARTTLS": injecting}).hold()


def at_random(sock):
    """Faults that have nothing to do with TLS, at any command, in any session."""
    fault = random.choice(["none", "none", "reset", "421", "close", "450", "452", "slow"])
    verb = random.choice(["BANNER", "EHLO", "STARTTLS", "EHLO2", "MAIL", "RCPT"])
    def act(t):
        if fault == "reset": t.reset()
        if fault == "close": raise Gone
        if fault == "421": return "421 4.3.2 closing"
        if fault == "450" and verb in ("MAIL", "RCPT"): return "450 4.7.1 Greylisted, come back later"
        if fault == "452" and verb in ("MAIL", "RCPT"): return "452 4.2.2 Mailbox full"
        if fault == "slow": time.sleep(0.2)
    Talk(sock, {verb: act}).hold()


FAULTS = {
    "good": talk(), "plain": talk(tls="none"), "implicit": implicit, "random": at_random,
    "expired": talk(lambda: context("expired.pem")), "self-signed": talk(lambda: context("self-signed.pem")),
    "wrong-usage": talk(lambda: context("wrong-usage.pem")), "old-middle": talk(lambda: context("old-middle.pem")),
    "no-middle": talk(lambda: context("no-middle.pem")), "common-name": talk(lambda: context("common-name.pem")),
    "wildcard": talk(lambda: context("wildcard.pem")), "other-wildcard": talk(lambda: context("other-wildcard.pem")),
    "other-name": talk(lambda: context("other-name.pem")),
    "half-handshake": after_hello(half_handshake), "hello-close": after_hello(lambda t, _: None),
    "hello-reset": after_hello(lambda t, _: t.reset()), "hello-silence": after_hello(lambda t, _: t.silence()),
    "hello-text": after_hello(lambda t, _: t.put("500 5.5.1 what is that?")),
    "hello-noise": after_hello(lambda t, _: t.raw(bytes(range(128, 228)))),
    "hello-dribble": after_hello(dribble(b"\x16\x03\x03\x20\x00")),
    "endless-certificate": after_hello(endless_certificate),
    "alert-handshake-failure": alert(40), "alert-protocol-version": alert(70), "alert-internal-error": alert(80),
    "alert-insufficient-security": alert(71),
    **{f"alert-{n}": alert(n) for n in (10, 20, 22, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 86, 90, 109, 110, 112, 115, 116, 120)},
    "sni-demanded": talk(lambda: by_name(None)), "sni-certificate": talk(lambda: by_name("other-name.pem")),
    "rsa-1024": talk(lambda: context("rsa-1024.pem")), 
    "constrained": talk(lambda: context("constrained.pem")), "ca-as-leaf": talk(lambda: context("leaf-signed.pem")),
    "future-middle": talk(lambda: context("future-middle.pem")), "expired-self-signed": talk(lambda: context("expired-self-signed.pem")),
    "tls-1.1": talk(lambda: context(low=ssl.TLSVersion.TLSv1, high=ssl.TLSVersion.TLSv1_1, seclevel=0)),
    "tls-1.3": talk(lambda: context(low=ssl.TLSVersion.TLSv1_3)),
    "old-cipher": talk(lambda: context(high=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")),
    "anonymous": talk(lambda: context(high=ssl.TLSVersion.TLSv1_2, ciphers="aNULL:@SECLEVEL=0")),
    "starttls-530": talk(STARTTLS="530 5.7.0 Authentication required"), "starttls-502": talk(STARTTLS="502 5.5.2 Error: command not recognized"),
    "starttls-multiline-454": talk(STARTTLS="454-4.7.0 TLS not available\r\n454 4.7.0 due to local problem"),
    "helo-only-tls-later": talk(EHLO="502 5.5.1 not implemented", MAIL=in_clear("530 5.7.0 Must issue a STARTTLS command first")),
    "ehlo2-421": talk(EHLO2="421 4.3.2 closing"), "ehlo2-554": talk(EHLO2="554 5.5.1 no"),
    "mail-421-tls": talk(MAIL=in_tls("421 4.7.0 try again later, closing")),
    "rcpt-421": talk(RCPT="421 4.7.0 Too many errors"), "rcpt-550-policy": talk(RCPT="550 5.7.1 Service unavailable; client blocked using Spamhaus"),
    "rcpt-554-relay": talk(RCPT="554 5.7.1 <postmaster@receiver.example>: Relay access denied"),
    "greylist-tls-words": talk(RCPT="451 4.7.1 Greylisted: please try again in 5 minutes (TLS or not)"),
    "tls-words-only": talk(RCPT="450 4.2.0 mailbox busy, see https://tls.example/ssl-required.html"),
    "new-protocol-breaks": new_protocol_breaks,
    "client-required-12": talk(lambda: context(high=ssl.TLSVersion.TLSv1_2, client=ssl.CERT_REQUIRED)),
    "client-required-13": talk(lambda: context(low=ssl.TLSVersion.TLSv1_3, client=ssl.CERT_REQUIRED)),
    "client-untrusted": talk(lambda: context(client=ssl.CERT_OPTIONAL)),
    "client-untrusted-expired": talk(lambda: context("expired.pem", client=ssl.CERT_OPTIONAL)),
    "banner-554": talk(BANNER="554 5.7.1 no service for you"), "banner-421": talk(BANNER="421 4.3.2 too busy"),
    "banner-close": gone, "banner-dribble": lambda sock: dribble(b"220 hello ")(Talk(sock)),
    "banner-endless": lambda sock: endless(b"220-more of it\r\n")(Talk(sock)),
    "banner-no-end": lambda sock: endless(b"220 more of it")(Talk(sock)),
    "banner-http": lambda sock: Talk(sock).put("HTTP/1.1 400 Bad Request"),
    "banner-fixup": talk(tls="none", BANNER="220 ***********************0*0******", EHLO="500 5.5.1 what?"),
    "ehlo-close": talk(EHLO=gone), "ehlo-500": talk(EHLO="502 5.5.1 not implemented"),
    "ehlo-endless": talk(EHLO=endless(b"250-FEATURE\r\n")), "ehlo-mangled": talk(tls="none", features=("PIPELINING", "XXXXXXXA")),
    "starttls-421": talk(STARTTLS="421 4.3.2 closing"), "starttls-454": talk(STARTTLS="454 4.7.0 no TLS now"),
    "starttls-500": talk(STARTTLS="500 5.5.1 Command unrecognized: \"XXXXXXXX\""),
    "starttls-two-lines": talk(STARTTLS="220-ready\r\n220 go ahead"), "starttls-injection": with_injection,
    "tls-close-ehlo": talk(EHLO2=gone), "tls-close-mail": talk(MAIL=gone_in_tls),
    "tls-550": talk(RCPT=in_tls("550 5.7.1 not like this")), "tls-451": talk(RCPT=in_tls("451 4.3.0 try later")),
    "clear-550": talk(RCPT=in_clear("550 5.7.1 not like this")),
    "clear-needs-tls": talk(MAIL=in_clear("550 5.7.10 Encryption needed")),
    "clear-needs-tls-expired": talk(lambda: context("expired.pem"), MAIL=in_clear("530 5.7.0 Must issue a STARTTLS command first")),
    "stripped-needs-tls": talk(tls="none", features=("XXXXXXXA",), MAIL="530 5.7.0 Must issue a STARTTLS command first"),
    "close-and-full": talk(STARTTLS=gone, RCPT="452 4.2.2 Mailbox full"),
    "mail-reset": talk(MAIL=lambda t: t.reset()), "rcpt-reset": talk(RCPT=lambda t: t.reset()),
    "rcpt-greylist": talk(RCPT="450 4.2.0 Greylisted for 300 seconds"), "rcpt-full": talk(RCPT="552 5.2.2 over quota"),
    "rcpt-unknown": talk(RCPT="550 5.1.1 no such user"), "old-words": talk(features=("SIZE 1000",)),
    "data-554": talk(END="554 5.6.0 no"), "data-silence": talk(END=lambda t: t.silence()),
}


def serve(listener, fault):
    def one(sock):
        sock.settimeout(30)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try: fault(sock)
        except (Gone, OSError, ssl.SSLError): pass
        finally:
            try: sock.close()
            except OSError: pass
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=one, args=(sock,), daemon=True).start()


# Names --------------------------------------------------------------------------------------------
def dns_name(text): return b"".join(bytes([len(x)]) + x.encode() for x in text.split(".") if x) + b"\0"
def mx(preference, host): return struct.pack("!H", preference) + dns_name(host)
A, CNAME, MX, AAAA, TLSA = 1, 5, 15, 28, 52
HERE = socket.inet_aton("127.0.0.1")
ZONE = {
    ("receiver.example", MX): [mx(10, HOST)], (HOST, A): [HERE],
    ("dane.example", MX): [mx(10, "mx.dane.example")], ("mx.dane.example", A): [HERE],
    ("_25._tcp.mx.dane.example", TLSA): [b"\3\1\1" + bytes(32)],
    ("elsewhere.example", MX): [mx(10, "mx.elsewhere.example")], ("mx.elsewhere.example", A): [socket.inet_aton("192.0.2.1")],
    ("several.example", MX): [mx(20, "b.several.example"), mx(10, "a.several.example")],
    ("a.several.example", A): [HERE], ("b.several.example", A): [HERE], ("b.several.example", AAAA): [socket.inet_pton(socket.AF_INET6, "::1")],
    ("own.example", A): [HERE],
    ("null.example", MX): [mx(0, "")],
    ("gone.example", MX): [mx(10, "mx.nowhere.example")],
    ("literal.example", MX): [mx(10, "127.0.0.1")],
    ("alias.example", MX): [mx(10, "mx.alias.example")],
    ("mx.alias.example", A): ("real.alias.example", [HERE]), ("real.alias.example", A): [HERE],
    ("_25._tcp.real.alias.example", TLSA): [b"\3\1\1" + bytes(32)],
    ("unsigned.example", MX): [mx(10, "mx.unsigned.example")], ("mx.unsigned.example", A): [HERE],
    ("_25._tcp.mx.unsigned.example", TLSA): [b"\3\1\1" + bytes(32)],
    ("xn--mller-kva.example", MX): [mx(10, HOST)],
    ("half.example", MX): [mx(10, "mx.broken.example")],
}


def answer(query):
    """As a validating resolver has it: each answer with the AD bit but below "unsigned", SERVFAIL below "broken", and NXDOMAIN
    where there is no such name. A value with a name before it is found through an alias."""
    at, labels = 12, []
    while query[at]: labels.append(query[at + 1:at + 1 + query[at]]); at += query[at] + 1
    kind = struct.unpack("!H", query[at + 1:at + 3])[0]; end = at + 5; asked = b".".join(labels).decode("latin-1").lower()
    values = ZONE.get((asked, kind), [])
    code = 2 if "broken" in asked else 0 if any(name == asked for name, _ in ZONE) else 3
    records = b""
    if isinstance(values, tuple):
        target, values = values
        records += b"\xc0\x0c" + struct.pack("!HHIH", CNAME, 1, 60, len(dns_name(target))) + dns_name(target)
        records += b"".join(dns_name(target) + struct.pack("!HHIH", kind, 1, 60, len(v)) + v for v in values)
        count = 1 + len(values)
    else:
        records += b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(v)) + v for v in values)
        count = len(values)
    flags = 0x8000 | 0x0100 | 0x0080 | (0 if "unsigned" in asked else 0x0020) | code
    return query[:2] + struct.pack("!HHHHH", flags, 1, 0 if code else count, 0, 0) + query[12:end] + (b"" if code else records)


def serve_names(sock):
    while True:
        query, peer = sock.recvfrom(4096)
        try: sock.sendto(answer(query), peer)
        except (IndexError, struct.error): pass


names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); names.bind(("127.0.0.1", 0))
threading.Thread(target=serve_names, args=(names,), daemon=True).start()
ports = {"dns": names.getsockname()[1]}
for label, fault in list(FAULTS.items()) + [("six", talk())]:
    listener = socket.socket(socket.AF_INET6 if label == "six" else socket.AF_INET)
    try: listener.bind(("::1" if label == "six" else "127.0.0.1", 0))
    except OSError: continue
    listener.listen(128); ports[label] = listener.getsockname()[1]
    threading.Thread(target=serve, args=(listener, fault), daemon=True).start()
print(json.dumps({"directory": DIRECTORY, "ports": ports}), flush=True)
sys.stdin.read()
shutil.rmtree(DIRECTORY, ignore_errors=True)
