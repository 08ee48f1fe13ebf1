"""A receiver of mail that puts the texts in DIR/payloads wherever a receiver may put text.

Says on which ports (five digits each) it and its resolver listen, and ends after two minutes.
"""
import datetime, glob, signal, socket, ssl, struct, sys, threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

place = sys.argv[1]
texts = [open(n, encoding="utf-8", newline="").read() for n in sorted(glob.glob(place + "/payloads/*.text"))]
lines = [open(n, "rb").read().split(b"\n")[0].rstrip(b"\r")
         for n in sorted(glob.glob(place + "/payloads/*.bytes"))]


def certificate():
    """One of its own, of which the subject, the names and the addresses are the texts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "SUBJECT " + texts[0])]
        + [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, text) for text in texts]
    )
    plain = [text for text in texts if text.isascii()]
    names = [x509.DNSName._init_without_validation(text) for text in plain] + [
        x509.RFC822Name._init_without_validation(text) for text in plain
    ]
    now = datetime.datetime.utcnow()
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - datetime.timedelta(1))
        .not_valid_after(now + datetime.timedelta(9))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    with open(place + "/cert.pem", "wb") as file:
        file.write(made.public_bytes(serialization.Encoding.PEM))
        file.write(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))


def reply(code, what):
    return b"".join(b"%d-%s\r\n" % (code, line) for line in what[:-1]) + b"%d %s\r\n" % (code, what[-1])


def serve(peer):
    with peer:
        stream = peer
        stream.sendall(reply(220, [b"mx.example ESMTP"] + lines))
        rest = b""
        encrypted = False
        while True:
            while b"\n" not in rest:
                more = stream.recv(4096)
                if not more:
                    return
                rest += more
            line, rest = rest.split(b"\n", 1)
            verb = line[:4].upper()
            if verb == b"EHLO":
                offered = [b"mx.example"] + lines + [b"SIZE 9 " + line for line in lines]
                stream.sendall(reply(250, offered + ([] if encrypted else [b"STARTTLS"])))
            elif verb == b"STAR":
                stream.sendall(reply(220, lines))
                stream = context.wrap_socket(stream, server_side=True)
                encrypted = True
            elif verb == b"MAIL":
                stream.sendall(reply(250, lines))
            elif verb == b"RCPT":
                stream.sendall(reply(550, [b"5.7.1 " + line for line in lines]))
            elif verb == b"QUIT":
                stream.sendall(reply(221, lines))
                return
            else:
                stream.sendall(reply(502, lines))


def labels(name):
    return b"".join(bytes([len(one)]) + one for one in name) + b"\0"


def answers(name, kind):
    """What the DNS says: the receiver is everywhere, and the texts are in hosts' names and policies."""
    mx = [b"mx", b"b", b"example"]
    if kind == 1:
        return [b"\x7f\0\0\1"]
    if kind == 15 and len(name) == 2:
        evil = [[line[:63]] + mx[1:] for line in lines[:4] + [b"<script>alert(1)</script>"]]
        return [struct.pack(">H", 10 + n) + labels(host) for n, host in enumerate([mx] + evil)]
    if kind == 16:
        head = b"v=TLSRPTv1; rua=mailto:" if name[0] == b"_smtp" else b"v=STSv1; id="
        return [bytes([len(text)]) + text for text in [head + b" ".join(lines)[:200] + b";"]]
    return []


def resolve():
    while True:
        query, peer = names.recvfrom(4096)
        at, name = 12, []
        while query[at]:
            name.append(query[at + 1 : at + 1 + query[at]])
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
        data = answers(name, kind)
        reply = query[:2] + b"\x81\x80\0\1" + struct.pack(">HHH", len(data), 0, 0)
        reply += query[12 : at + 5]
        for one in data:
            reply += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(one)) + one
        names.sendto(reply, peer)


def guarded(peer):
    try:
        serve(peer)
    except (OSError, ssl.SSLError):
        pass


signal.alarm(120)
certificate()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(place + "/cert.pem")
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))
listener.listen(16)
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("127.0.0.1", 0))
threading.Thread(target=resolve, daemon=True).start()
sys.stdout.write("%05d%05d" % (listener.getsockname()[1], names.getsockname()[1]))
sys.stdout.flush()
while True:
    connection, _ = listener.accept()
    threading.Thread(target=guarded, args=(connection,), daemon=True).start()
