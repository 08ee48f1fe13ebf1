# Sourced by machine.sh: Debian's Exim with Debian's configuration from single files, its spool and logs in
# the machine's directory. It demands TLS with an authenticated peer, and shows a certificate that nobody
# knows.
# shellcheck shell=bash disable=SC2154
echo "Debian-exim:x:970:970::/nonexistent:/usr/sbin/nologin" >> /etc/passwd
echo "Debian-exim:x:970:" >> /etc/group
echo sender.example > /etc/mailname
rm -rf /etc/exim4
cp -r "$programs/../../etc/exim4" /etc/exim4
: > /etc/email-addresses

# The programs are where the server and its scripts look for them; as files of their own, since Exim runs
# itself anew as its own user, who may not enter the folder that they come from.
mkdir "$root/sbin"
mount --bind /usr/sbin "$root/sbin"
mount -t tmpfs -o mode=755 tmpfs /usr/sbin
ln -s "$root"/sbin/* /usr/sbin/
cp -a --remove-destination "$programs"/* /usr/sbin/
cat > "$root/systemctl" << 'END'
#!/bin/sh
[ "$1 $2" = "reload exim4" ] && exec kill -HUP "$(cat /run/exim4/exim.pid)"
END
chmod 755 "$root/systemctl"
ln -sf "$root/systemctl" /usr/sbin/systemctl

for place in /var/lib /var/spool /var/log /run; do mount -t tmpfs -o mode=755 tmpfs "$place"; done
mkdir /var/lib/exim4 /var/spool/exim4 /var/log/exim4 /run/exim4 "$root/spool" "$root/log"
chown Debian-exim:Debian-exim "$root/spool" "$root/log" /run/exim4
mount --bind "$root/spool" /var/spool/exim4
mount --bind "$root/log" /var/log/exim4

cp "$lab/pki/trusted-ca.pem" /etc/exim4/ca.pem
cp "$lab/pki/client-selfsigned.crt" /etc/exim4/client.crt
cp "$lab/pki/client-selfsigned.key" /etc/exim4/client.key
chown root:Debian-exim /etc/exim4/client.key /etc/exim4/passwd.client
chmod 640 /etc/exim4/client.key
cat > /etc/exim4/update-exim4.conf.conf << 'END'
dc_eximconfig_configtype='internet'
dc_other_hostnames='sender.example'
dc_local_interfaces='127.0.0.1'
dc_use_split_config='true'
dc_localdelivery='mail_spool'
CFILEMODE='644'
END
cp "$root/local" /etc/exim4/conf.d/main/05_local
sed -i "/^remote_smtp:/,/driver = smtp/{/driver = smtp/r $root/transport
}" /etc/exim4/exim4.conf.template \
  /etc/exim4/conf.d/transport/30_exim4-config_remote_smtp
[ -s "$root/retry" ] && cp "$root/retry" /etc/exim4/conf.d/retry/30_exim4-config
update-exim4.conf
