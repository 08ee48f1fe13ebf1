# Sourced by machine.sh: the machine's own Postfix, with its configuration at /etc/postfix, so that commands
# run there as they are printed.
# shellcheck shell=bash disable=SC2154
mkdir "$root/spool" "$root/data" "$root/log"
chown postfix "$root/data"
for file in main.cf master.cf tls_policy transport; do
  sed "s,@ROOT@,$root,g" "$root/$file" > "/etc/postfix/$file"
done
rm -rf /etc/postfix/main.cf.proto /etc/postfix/master.cf.proto
