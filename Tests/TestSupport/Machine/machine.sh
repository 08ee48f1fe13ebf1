#!/bin/bash
# machine.sh ROOT LAB HOST RECEIVERS SCENARIOS PROGRAMS SETUP
# Run in `unshare -n -m -u`: a machine of its own, with a loopback network, an /etc, a system log and a
# resolver that the fault-injecting receivers answer. SETUP is sourced: it puts one mail server there.
# Ends with its standard input.
set -eu
# shellcheck disable=SC2034 # SETUP reads some of them.
root=$1 lab=$2 host=$3 receivers=$4 scenarios=$5 programs=$6 setup=$7
here=$(dirname "$0")
mount --make-rprivate /
ip link set lo up
# Receivers in loopback's own range are no hosts to a server that ignores such.
ip address add 198.18.0.0/15 dev lo
hostname "$host"

cp -a /etc "$root/etc"
rm -f "$root/etc/resolv.conf" "$root/etc/hosts"
echo "nameserver 127.0.0.1" > "$root/etc/resolv.conf"
echo "127.0.0.1 $host localhost" > "$root/etc/hosts"
mount --bind "$root/etc" /etc

mkdir "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
  # shellcheck disable=SC2086
  set -- $node
  mknod -m 666 "$root/dev/$1" c "$2" "$3"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm"
mount --move "$root/dev" /dev

# shellcheck source=/dev/null
. "$setup"

/usr/bin/python3 "$here/syslog.py" /dev/log "$root/mail.log" "${host%%.*}" &
/usr/bin/python3 "$receivers" run --dir "$lab" --dns 127.0.0.1:53 --max-s 600 --only "$scenarios" \
  > /dev/null 2>&1 &
for _ in $(seq 100); do
  [ -S /dev/log ] && [ -e "$lab/sink.jsonl" ] && break
  sleep 0.1
done
touch "$root/ready"
trap : TERM
cat > /dev/null <&0 &
wait "$!" || true
# Daemons that were started here, too; they may have inherited that other signals are blocked.
here=$(readlink /proc/self/ns/net)
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  if [ "$pid" != "$$" ] && [ "$(readlink "$process/ns/net" || true)" = "$here" ]; then
    kill -KILL "$pid" 2> /dev/null || true
  fi
done
