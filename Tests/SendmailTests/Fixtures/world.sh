#!/bin/bash
# world.sh ROOT LAB SENDMAIL HOST SINKS SCENARIOS
# Run in `unshare -n -m -u`: a machine of its own, with a loopback network, a system log, an /etc/mail
# and a resolver that the fault-injecting receivers answer. Ends with its standard input.
set -eu
root=$1 lab=$2 sendmail=$3 host=$4 sinks=$5 scenarios=$6
mount --make-rprivate /
ip link set lo up
hostname "$host"
mkdir -p "$root/mqueue" "$root/state" "$root/dev"
chmod 700 "$root/mqueue"
touch "$root/state/st"

cp -a /etc "$root/etc"
mkdir -p "$root/etc/mail/tls"
rm -f "$root/etc/resolv.conf" "$root/etc/hosts"
echo "nameserver 127.0.0.1" > "$root/etc/resolv.conf"
echo "127.0.0.1 $host localhost" > "$root/etc/hosts"
sed -e "s,@ROOT@,$root,; s,@HOST@,$host," "$root/sendmail.cf" > "$root/etc/mail/sendmail.cf"
cp "$lab/pki/trusted-ca.pem" "$root/etc/mail/tls/ca.pem"
cp "$lab/pki/client-selfsigned.crt" "$root/etc/mail/tls/client.crt"
cp "$lab/pki/client-selfsigned.key" "$root/etc/mail/tls/client.key"
chmod 600 "$root/etc/mail/tls/client.key"
: > "$root/etc/mail/local-host-names"
: > "$root/etc/mail/relay-domains"
cp "$root/access" "$root/etc/mail/access"
mount --bind "$root/etc" /etc
for map in access mailertable; do
  touch "/etc/mail/$map"
  # shellcheck disable=SC2094
  "$sendmail/makemap" hash "/etc/mail/$map" < "/etc/mail/$map"
done

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
  # shellcheck disable=SC2086
  set -- $node
  mknod -m 666 "$root/dev/$1" c "$2" "$3"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm"
mount --move "$root/dev" /dev
/usr/bin/python3 "$root/syslog.py" /dev/log "$root/mail.log" "${host%%.*}" &
log=$!
/usr/bin/python3 "$sinks" run --dir "$lab" --dns 127.0.0.1:53 --max-s 600 --only "$scenarios" \
  > /dev/null 2>&1 &
receivers=$!
for _ in $(seq 100); do
  [ -S /dev/log ] && [ -e "$lab/sink.jsonl" ] && break
  sleep 0.1
done
touch "$root/ready"
cat > /dev/null
# They may have inherited that other signals are blocked.
kill -KILL "$log" "$receivers"
