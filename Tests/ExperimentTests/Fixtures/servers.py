#!/usr/bin/env python3
"""A real mail server as receiver on loopback, on five ports: with a good, a self-signed and an expired certificate, with TLS
demanded, and with a client certificate demanded.

  servers.py postfix|exim|sendmail|opensmtpd SERVERS PKI

SERVERS is where Debian's packages of the last three are unpacked, PKI holds good.pem, self-signed.pem, expired.pem, the same with
-rsa, and ca.pem.
Prints one JSON line, {kind: port}, and serves until standard input ends. Needs root; runs itself in mount and host name
namespaces of its own, in which the users that the servers want exist and their directories are empty ones.
"""
import atexit, json, os, shutil, signal, socket, subprocess, sys, tempfile, time

SERVER, SERVERS, PKI = sys.argv[1:4]
KINDS = ["good", "self-signed", "expired", "tls-demanded", "client-demanded"]
if os.environ.get("RECEIVER_NAMESPACE") != "1":
    os.execvpe("unshare", ["unshare", "-m", "-u", "--propagation", "private", sys.executable] + sys.argv, {**os.environ, "RECEIVER_NAMESPACE": "1"})

# Sendmail takes no key from below a directory that everybody may write to.
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/srv"], check=True); os.chmod("/srv", 0o755)
PLACE = tempfile.mkdtemp(prefix="rx", dir="/srv"); os.chmod(PLACE, 0o755)
children = []


def end():
    for child in children:
        try: os.killpg(child.pid, signal.SIGKILL)
        except OSError: pass
    if SERVER == "postfix": subprocess.run(["postfix", "-c", PLACE, "abort"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    shutil.rmtree(PLACE, ignore_errors=True)


atexit.register(end)


def sh(*words): subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
def path(name): return os.path.join(PLACE, name)


def write(name, text, mode=0o644):
    with open(path(name), "w") as f: f.write(text)
    os.chmod(path(name), mode); return path(name)


def start(*words, **more):
    children.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=open(path("out"), "a"), stderr=subprocess.STDOUT, start_new_session=True, **more))


def free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0)); return s.getsockname()[1]


def users(*names):
    """Users that exist in this namespace alone."""
    passwd, group = open("/etc/passwd").read(), open("/etc/group").read()
    for i, name in enumerate(names):
        if name + ":" not in passwd: passwd += f"{name}:x:{970 + i}:{970 + i}::/nonexistent:/usr/sbin/nologin\n"
        if name + ":" not in group: group += f"{name}:x:{970 + i}:\n"
    for file, text in (("/etc/passwd", passwd), ("/etc/group", group)): sh("mount", "--bind", write(file[5:], text), file)


socket.sethostname("mx.receiver.example")
sh("mount", "--bind", write("hosts", "127.0.0.1 localhost mx.receiver.example\n"), "/etc/hosts")
ports = {kind: free() for kind in KINDS}
for kind in KINDS:
    name = kind if kind in ("good", "self-signed", "expired") else "good"
    if SERVER == "opensmtpd": name += "-rsa"
    text = open(os.path.join(PKI, name + ".pem")).read(); cut = text.index("-----BEGIN PRIVATE")
    write(kind + ".crt", text[:cut]); write(kind + ".key", text[cut:], 0o600); write(kind + ".both", text[cut:] + text[:cut], 0o600)
authority = write("ca.pem", open(os.path.join(PKI, "ca.pem")).read())
# Sendmail sends its own certificate from one file and looks for the others of the chain here.
write("chain.pem", open(authority).read() + open(path("good.crt")).read())

if SERVER == "postfix":
    for name in ("spool", "data"): os.mkdir(path(name))
    shutil.chown(path("data"), "postfix")
    write("main.cf", f"""compatibility_level = 3.6
queue_directory = {path('spool')}
data_directory = {path('data')}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
shlib_directory = /usr/lib/postfix
maillog_file = {path('log')}
maillog_file_prefixes = /srv
myhostname = mx.receiver.example
mydestination = receiver.example
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_security_level = may
""")
    services = ""
    for kind in KINDS:
        services += f"127.0.0.1:{ports[kind]} inet n - n - - smtpd\n  -o smtpd_tls_chain_files={path(kind + '.both')}\n"
        if kind == "tls-demanded": services += "  -o smtpd_tls_security_level=encrypt\n"
        if kind == "client-demanded": services += f"  -o smtpd_tls_security_level=encrypt -o smtpd_tls_req_ccert=yes -o smtpd_tls_CAfile={path('ca.pem')}\n"
    services += """postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
local unix - n n - - local
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""
    write("master.cf", services)
    sh("postfix", "-c", PLACE, "start")

elif SERVER == "exim":
    users("Debian-exim")
    for name in ("spool", "logs"): os.mkdir(path(name)); shutil.chown(path(name), "Debian-exim", "Debian-exim")
    for kind in KINDS:
        shutil.chown(path(kind + ".key"), "Debian-exim")
        demand = "deny !encrypted = *\n    message = 550 5.7.0 TLS encryption required\n  " if kind in ("tls-demanded", "client-demanded") else ""
        verify = f"tls_verify_hosts = *\ntls_verify_certificates = {path('ca.pem')}\n" if kind == "client-demanded" else "tls_verify_certificates =\n"
        write(kind + ".conf", f"""primary_hostname = mx.receiver.example
spool_directory = {path('spool')}
log_file_path = {path('logs')}/%slog
pid_file_path = {path(kind + '.pid')}
domainlist local_domains = receiver.example
acl_smtp_rcpt = rcpt
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = *
tls_certificate = {path(kind + '.crt')}
tls_privatekey = {path(kind + '.key')}
{verify}queue_only
begin acl
rcpt:
  {demand}accept domains = +local_domains
  deny message = relay not permitted
begin routers
begin transports
begin retry
* * F,1h,10m
""")
        start(os.path.join(SERVERS, "exim/usr/sbin/exim4"), "-C", path(kind + ".conf"), "-bdf", "-oX", f"127.0.0.1.{ports[kind]}")

elif SERVER == "opensmtpd":
    users("opensmtpd", "opensmtpq")
    for place in ("/var/spool", "/run", "/var/lib"):
        if os.path.isdir(place): sh("mount", "-t", "tmpfs", "tmpfs", place)
    os.makedirs("/var/lib/opensmtpd/empty", exist_ok=True); os.makedirs("/var/spool/smtpd", mode=0o711, exist_ok=True); os.makedirs("/run/opensmtpd", exist_ok=True)
    os.chmod("/var/lib/opensmtpd", 0o755); os.chmod("/var/lib/opensmtpd/empty", 0o755)
    libexec = os.path.join(SERVERS, "opensmtpd/usr/libexec/opensmtpd")
    text = f'ca "clients" cert "{path("ca.pem")}"\n'
    for kind in KINDS: text += f'pki {kind} cert "{path(kind + ".crt")}"\npki {kind} key "{path(kind + ".key")}"\n'
    for kind in KINDS:
        tls = {"tls-demanded": "tls-require", "client-demanded": 'tls-require verify'}.get(kind, "tls")
        ca = ' ca "clients"' if kind == "client-demanded" else ""
        text += f'listen on 127.0.0.1 port {ports[kind]} {tls} pki {kind}{ca} hostname mx.receiver.example\n'
    text += 'action "keep" relay host smtp://127.0.0.1:1\nmatch from any for domain "receiver.example" action "keep"\n'
    conf = write("smtpd.conf", text)
    start(os.path.join(SERVERS, "opensmtpd/usr/sbin/smtpd"), "-d", "-f", conf)

elif SERVER == "sendmail":
    os.makedirs(path("mqueue"), mode=0o700)
    binary = os.path.join(SERVERS, "sendmail/usr/libexec/sendmail/sendmail")
    for kind in KINDS:
        demand = 'R$*\t$: $(trust $&{tls_version} $)\nR$*\t$: < $&{tls_version} >\nR< >\t$#error $@ 5.7.0 $: "530 Must issue a STARTTLS command first"\n' if kind == "tls-demanded" else ""
        if kind == "client-demanded": demand = 'R$*\t$: < $&{verify} >\nR< OK >\t$@ OK\nR< $* >\t$#error $@ 5.7.0 $: "550 TLS client certificate verification failed: $1"\n'
        write(kind + ".cf", f"""V10/Berkeley
Cwreceiver.example
Djmx.receiver.example
Ktrust macro
O QueueDirectory={path('mqueue')}
O DaemonPortOptions=Port={ports[kind]}, Addr=127.0.0.1, Name=MTA
O PidFile={path(kind + '.pid')}
O DefaultUser=nobody
O RunAsUser=root
O DontBlameSendmail=GroupReadableKeyFile,GroupWritableDirPathSafe
O SmtpGreetingMessage=$j Sendmail
O Timeout.ident=0
O ControlSocketName=
O DeliveryMode=queueonly
O AliasFile=
O TrustedUser=root
O ServerCertFile={path(kind + '.crt')}
O ServerKeyFile={path(kind + '.key')}
O CACertFile={path('chain.pem')}
O CACertPath={PLACE}
Mlocal, P=/bin/false, F=lsDFMAw5:/|@q, S=0, R=0, A=false
Mprog, P=/bin/false, F=lsDFMoqeu9, S=0, R=0, A=false
Msmtp, P=[IPC], F=mDFMuX, S=0, R=0, E=\\r\\n, A=TCP $h
Troot
S3
R$* <>\t$@ < @ >
R$* < $* > $*\t$2
R$+ @ $+\t$@ $1 < @ $2 >
S0
R< @ >\t$#local $: < @ >
R$+ < @ receiver.example >\t$#local $: $1
R$+ < @ $* >\t$#smtp $@ $2 $: $1
R$+\t$#local $: $1
S4
R$* < @ >\t$@
R$+ < @ $+ >\t$1 @ $2
Scheck_mail
{demand}R$*\t$@ OK
Scheck_rcpt
R$*\t$@ OK
""")
        start(binary, "-C", path(kind + ".cf"), "-bD")

deadline = time.time() + 30
for kind in KINDS:
    while True:
        try: socket.create_connection(("127.0.0.1", ports[kind]), 1).close(); break
        except OSError:
            if time.time() > deadline:
                sys.stderr.write(open(path("out")).read() if os.path.exists(path("out")) else "no answer\n"); sys.exit(1)
            time.sleep(0.1)
print(json.dumps(ports), flush=True)
sys.stdin.read()
