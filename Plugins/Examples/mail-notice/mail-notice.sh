#!/bin/sh
# Mails each file as an attachment. One request at a time.
set -u
exec 3>&1 1>&2 # what a program prints by accident is no message

say() { # say ID JQ-OBJECT [--arg NAME VALUE]...
    say_id=$1 say_what=$2
    shift 2
    jq -cn --argjson id "$say_id" "$@" "{id: \$id} + $say_what" >&3
}

failed() { say "$id" '{type: "failed", class: $class, code: $code, text: $text, hint: $hint}' --arg class "$1" --arg code "$2" --arg text "$3" --arg hint "$4"; }

# The fields of a message as variables: @sh quotes them, so that no value can be a command.
read_message() {
    IFS= read -r line || return 1
    eval "$(printf '%s' "$line" | jq -r '@sh "type=\(.type) id=\(.id) delivery=\(.delivery // "") key=\(.key // "") file=\(.file // "") agent=\(.agent // "") new_to=\(.settings.to // "") new_from=\(.settings.from // "") new_subject=\(.settings.subject // "") new_sendmail=\(.settings.sendmail // "")"')"
}

configure() {
    to=$new_to from=$new_from subject=$new_subject sendmail=$new_sendmail
    for address in "$to" "$from"; do
        case $address in
            -* | *[!@A-Za-z0-9._+,=-]* | "") say "$id" '{type: "invalid", field: "to", text: ("not an address: " + $a)}' --arg a "$address"; return ;;
        esac
    done
    say "$id" '{type: "configured"}'
}

check() {
    if [ ! -x "$sendmail" ]; then
        say "$id" '{type: "findings", findings: [{severity: "failure", text: ($s + " cannot be run"), hint: "install a mail transfer agent, or name its sendmail"}]}' --arg s "$sendmail"
    else
        say "$id" '{type: "findings", findings: [{severity: "good", text: ($s + " is there; what becomes of a mail after it was taken, it does not say")}]}' --arg s "$sendmail"
    fi
}

# Waits for `saved`. Anything but that ends the delivery.
may_become_visible() {
    say "$id" '{type: "checkpoint", checkpoint: "sending", ready: {size: ($size | tonumber), sha256: $sha256}}' --arg size "$1" --arg sha256 "$2"
    while IFS= read -r answer; do
        case $(printf '%s' "$answer" | jq -r '"\(.type) \(.id)"') in
            "saved $id") return 0 ;;
            "cancel $id") return 1 ;;
            ping*) say "$(printf '%s' "$answer" | jq .id)" '{type: "pong"}' ;;
        esac
    done
    exit 0
}

word() { printf '=?UTF-8?B?%s?=' "$(printf '%s' "$1" | base64 -w 0)"; }

headers() {
    name=${key##*/}
    cat <<MAIL
From: $from
To: $to
Subject: $(word "$subject: $name")
Message-ID: <$delivery@pouch.invalid>
Date: $(date -R)
X-Pouch-Agent: $agent
X-Pouch-Key: $(printf '%s' "$key" | base64 -w 0)
MIME-Version: 1.0
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename*=UTF-8''$(printf '%s' "$name" | jq -sRr @uri)

MAIL
}

deliver() {
    # The encoded file lies in a file without a name: nothing is left of it, however this ends.
    body=$(mktemp) && exec 4<>"$body" && rm -f -- "$body" && base64 <"$file" >/proc/self/fd/4 || {
        failed retry no-room "no room for the encoded file in ${TMPDIR:-/tmp}" "make some"
        return
    }
    # Of what is sent, not of what lies on the disk.
    sent=$(base64 -d </proc/self/fd/4 | wc -c) digest=$(base64 -d </proc/self/fd/4 | sha256sum) digest=${digest%% *}
    if ! may_become_visible "$sent" "$digest"; then
        exec 4>&-
        failed cancelled cancelled "stopped because the host asked for it" ""
        return
    fi
    { headers && cat /proc/self/fd/4; } | "$sendmail" -i -t
    code=$?
    exec 4>&-
    # sysexits.h: 65 is about this mail, 75 may pass, the others will not by themselves.
    case $code in
        0) say "$id" '{type: "done", key: $key, size: ($size | tonumber), sha256: $sha256, location: ("mailto://" + $to), facts: {messageID: ($d + "@pouch.invalid")}}' \
            --arg key "$key" --arg size "$sent" --arg sha256 "$digest" --arg to "$to" --arg d "$delivery" ;;
        65) failed quarantine "sendmail-$code" "sendmail cannot deliver this very mail" "change the name with the route's as:" ;;
        75) failed retry "sendmail-$code" "sendmail did not take the mail" "" ;;
        *) failed hold "sendmail-$code" "sendmail refused the mail" "look into the mail log, and at to: and from:" ;;
    esac
}

while read_message; do
    case $type in
        hello) say "$id" '{type: "hello", protocol: 1, name: "mail-notice", version: "1.0", parallel: 1}' ;;
        configure) configure ;;
        check) check ;;
        exists) say "$id" '{type: "presence", state: "unknown", text: "a mailbox cannot be asked"}' ;;
        deliver) deliver ;;
        abandon) say "$id" '{type: "abandoned"}' ;;
        ping) say "$id" '{type: "pong"}' ;;
        saved | cancel) ;; # about what is over
        shutdown) exit 0 ;;
        *) say "$id" '{type: "unsupported"}' ;;
    esac
done
