# Sourced by machine.sh: Debian's sendmail with a configuration of the lab's.
# shellcheck shell=bash disable=SC2154
mkdir -p "$root/mqueue" "$root/state" /etc/mail/tls
chmod 700 "$root/mqueue"
touch "$root/state/st"
sed -e "s,@ROOT@,$root,; s,@HOST@,$host," "$(dirname "$setup")/sendmail.cf" > /etc/mail/sendmail.cf
cp "$lab/pki/trusted-ca.pem" /etc/mail/tls/ca.pem
cp "$lab/pki/client-selfsigned.crt" /etc/mail/tls/client.crt
cp "$lab/pki/client-selfsigned.key" /etc/mail/tls/client.key
chmod 600 /etc/mail/tls/client.key
: > /etc/mail/local-host-names
: > /etc/mail/relay-domains
cp "$root/access" /etc/mail/access
for map in access mailertable; do
  touch "/etc/mail/$map"
  # shellcheck disable=SC2094
  "$programs/makemap" hash "/etc/mail/$map" < "/etc/mail/$map"
done
