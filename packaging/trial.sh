#!/bin/sh
# Runs inside a booted Debian with the package installed (scripts/test-package): the unit as systemd really starts it.
set -eu

step() { echo "trial: $*"; }
# Looks again until it is true, for a minute at most.
eventually() {
    count=0
    until "$@" >/dev/null 2>&1; do
        count=$((count + 1))
        if [ "$count" -ge 600 ]; then
            echo "trial: never came: $*"
            systemctl status --no-pager -n 40 pouch || true
            exit 1
        fi
        sleep 0.1
    done
}
main_pid() { systemctl show -P MainPID pouch; }
spool=/var/spool/pouch

useradd --system --groups pouch-drop producer
as_producer() { setpriv --reuid producer --regid producer --init-groups sh -c "umask 027; $1"; }

step "starts, with a secret of root's"
printf 'tell nobody\n' | install -m 0600 /dev/stdin /etc/pouch/secrets/trial
systemctl start pouch
[ "$(cat /run/credentials/pouch.service/secret_trial)" = "tell nobody" ]
[ "$(stat -c %U:%a /var/lib/pouch)" = pouch:700 ]
[ "$(stat -c %U /proc/"$(main_pid)")" = pouch ]

step "takes what another user drops, and keeps it as its own"
as_producer "echo hello >$spool/drop/hello.txt"
eventually test -e $spool/back-office/hello.txt
eventually test -e $spool/archive/hello.txt
eventually sh -c 'systemctl show -P StatusText pouch | grep "^1 delivered, 0 waiting, 0 held$"'

step "sees who still writes to a file of another user (CAP_LEASE)"
as_producer "exec 3>$spool/drop/slow.txt; printf one >&3; sleep 6; printf two >&3" &
writer=$!
sleep 4
test ! -e $spool/back-office/slow.txt
wait $writer
eventually test -e $spool/back-office/slow.txt
[ "$(cat $spool/back-office/slow.txt)" = onetwo ]

step "reloads; a bad file changes nothing"
cp /etc/pouch/agent.yaml /tmp/good.yaml
systemctl reload pouch
echo "nonsense: true" >>/etc/pouch/agent.yaml
if systemctl reload pouch; then
    echo "trial: a bad file was taken"
    exit 1
fi
cp /tmp/good.yaml /etc/pouch/agent.yaml
as_producer "echo again >$spool/drop/again.txt"
eventually test -e $spool/back-office/again.txt

step "starts a plugin inside its walls"
pouch plugin new trial --language python --in /usr/local/lib >/dev/null
sed -i "s|^partners:|partners:\n  beyond: { deliver: { with: process, plugin: /usr/local/lib/trial, settings: { folder: $spool/beyond } } }|; s|to: \[back-office\]|to: [back-office, beyond]|" /etc/pouch/agent.yaml
install -d -o pouch $spool/beyond
systemctl reload pouch
as_producer "echo beyond >$spool/drop/beyond.txt"
eventually test -e $spool/beyond/beyond.txt

step "is saved while it runs, and goes on after kill -9"
/usr/share/pouch/backup save /var/lib/pouch /root/backup
before=$(main_pid)
systemctl kill -s KILL --kill-who=main pouch
eventually sh -c "systemctl is-active pouch && test \"\$(systemctl show -P MainPID pouch)\" != $before"
as_producer "echo after >$spool/drop/after.txt"
eventually test -e $spool/back-office/after.txt

step "stands still: the watchdog starts it again"
mkdir -p /run/systemd/system/pouch.service.d
printf '[Service]\nWatchdogSec=4s\nRestartSec=100ms\n' >/run/systemd/system/pouch.service.d/trial.conf
systemctl daemon-reload
systemctl restart pouch
# It lives for some of the watchdog's times first.
sleep 14
[ "$(systemctl show -P NRestarts pouch)" = 0 ]
before=$(main_pid)
kill -STOP "$before"
eventually sh -c "systemctl is-active pouch && test \"\$(systemctl show -P MainPID pouch)\" != $before"
as_producer "echo woken >$spool/drop/woken.txt"
eventually test -e $spool/back-office/woken.txt

step "stops within its time; the restored state goes on"
systemctl stop pouch
mv /var/lib/pouch /var/lib/pouch-dead
/usr/share/pouch/backup restore /root/backup /var/lib/pouch
systemctl start pouch
pouch manifest verify -c /etc/pouch/agent.yaml
pouch status -c /etc/pouch/agent.yaml --json | grep -q '"unaccounted" *: *0'
systemctl stop pouch
[ "$(systemctl show -P Result pouch)" = success ]
for name in hello slow again beyond after woken; do test "$(find $spool/back-office -name "$name*" | wc -l)" = 1; done

step "another agent beside it, by the template"
sed 's|edge-01|edge-02|; s|/var/lib/pouch|/var/lib/pouch-second|; s|/var/spool/pouch/|/var/spool/pouch/second-|' /tmp/good.yaml >/etc/pouch/second.yaml
for name in drop archive back-office; do install -d -o pouch -g pouch-drop -m 2770 $spool/second-$name; done
systemctl start pouch@second
as_producer "echo two >$spool/second-drop/two.txt"
eventually test -e $spool/second-back-office/two.txt
systemctl stop pouch@second
step "all good"
