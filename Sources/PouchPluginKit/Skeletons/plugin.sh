#!/bin/sh
# Delivers into a folder of this machine. Replace what it does by what your far end needs; the order of the steps is what matters.
# Needs jq and, for the notes on files, setfattr (Debian: jq, attr). Takes one request at a time.
set -u
export LC_ALL=C # messages are looked into
exec 3>&1 1>&2 # what a program prints by accident is no message

say() { # say ID JQ-OBJECT [--arg NAME VALUE]...
    say_id=$1 say_what=$2
    shift 2
    jq -cn --argjson id "$say_id" "$@" "{id: \$id} + $say_what" >&3
}

failed() { say "$id" '{type: "failed", class: $class, code: $code, text: $text, hint: $hint}' --arg class "$1" --arg code "$2" --arg text "$3" --arg hint "$4"; }

# Who must act? A person at the far end: hold. Nobody can deliver this one file: quarantine. Nobody: retry.
remedy_of() {
    case $1 in
        *'Permission denied'* | *'Operation not permitted'* | *'Read-only file system'* | *'Not a directory'* | *'File exists'*) echo hold ;;
        *'File name too long'* | *'Invalid argument'* | *'Is a directory'*) echo quarantine ;;
        *) echo retry ;;
    esac
}

# The fields of a message as variables: @sh quotes them, so that no value can be a command.
read_message() {
    IFS= read -r line || return 1
    eval "$(printf '%s' "$line" | jq -r '@sh "type=\(.type) id=\(.id) delivery=\(.delivery // "") key=\(.key // "") suffixed=\(.suffixedKey // "") when_taken=\(.whenTaken // "suffix") file=\(.file // "") size=\(.size // 0) sha256=\(.sha256 // "") folder_setting=\(.settings.folder // "")"')"
}

note() { setfattr -n user.pouch.delivery -v "$1" -- "$2"; }
noted() { getfattr --absolute-names --only-values -n user.pouch.delivery -- "$1" 2>/dev/null; }
folder_of() { case $1 in */*) printf '%s/%s' "$folder" "${1%/*}" ;; *) printf '%s' "$folder" ;; esac; }

check() {
    if [ ! -d "$folder" ]; then
        say "$id" '{type: "findings", findings: [{severity: "failure", text: ($f + " is no folder"), hint: "make it"}]}' --arg f "$folder"
    elif ! command -v setfattr >/dev/null; then
        say "$id" '{type: "findings", findings: [{severity: "failure", text: "setfattr is missing", hint: "apt install attr"}]}'
    else
        say "$id" '{type: "findings", findings: [{severity: "good", text: ($f + " is there")}]}' --arg f "$folder"
    fi
}

exists() { # an answer may have been lost: is this very delivery there?
    for name in "$key" "$suffixed"; do
        if [ "$(noted "$folder/$name")" = "$delivery" ]; then
            rm -f -- "$folder/.$delivery.part" # cut off between the two steps of `place`
            say "$id" '{type: "presence", state: "present", key: $key}' --arg key "$name"
            return
        fi
    done
    say "$id" '{type: "presence", state: "absent"}'
}

# Waits for `saved`. Anything but that ends the delivery.
may_become_visible() {
    say "$1" '{type: "checkpoint", checkpoint: $key, ready: {size: ($size | tonumber), sha256: $sha256}}' \
        --arg key "$2" --arg size "$3" --arg sha256 "$4"
    while IFS= read -r answer; do
        case $(printf '%s' "$answer" | jq -r '"\(.type) \(.id)"') in
            "saved $1") return 0 ;;
            "cancel $1") return 1 ;;
            ping*) say "$(printf '%s' "$answer" | jq .id)" '{type: "pong"}' ;;
        esac
    done
    exit 0
}

deliver() {
    # 1. Everything goes to a place that the partner does not look at. Its name is made of the delivery's id: an attempt that was cut off
    #    left it there, and this one writes over it.
    part=$folder/.$delivery.part
    if ! problem=$(cp -- "$file" "$part" 2>&1 && note "$delivery" "$part" 2>&1 && sync -- "$part" 2>&1); then
        rm -f -- "$part"
        failed hold cannot-write "$problem" "look at the folder's permissions and its disk"
        return
    fi
    arrived=$(stat -c %s -- "$part") digest=$(sha256sum <"$part") digest=${digest%% *}
    say "$id" '{type: "progress", bytes: ($size | tonumber)}' --arg size "$arrived"
    for name in "$key" "$suffixed"; do
        into=$(folder_of "$name")
        # 2. Say that it is about to become visible, and wait until the host has that on its disk.
        if ! may_become_visible "$id" "$name" "$arrived" "$digest"; then
            rm -f -- "$part"
            failed cancelled cancelled "stopped because the host asked for it" ""
            return
        fi
        # 3. Make it visible in one step that never overwrites, unless the operator wants that.
        if problem=$(mkdir -p -- "$into" 2>&1 && place 2>&1); then
            sync_up "$into"
            # 4. Only now is it done.
            say "$id" '{type: "done", key: $key, size: ($size | tonumber), sha256: $sha256, location: ("file://" + $folder + "/" + $key), facts: {}}' \
                --arg key "$name" --arg size "$arrived" --arg sha256 "$digest" --arg folder "$folder"
            return
        elif [ ! -e "$folder/$name" ]; then
            rm -f -- "$part"
            failed "$(remedy_of "$problem")" cannot-place "$problem" \
                "look at the folder's permissions and its disk, or change the name with the route's as:"
            return
        fi
        [ "$when_taken" = suffix ] || break
    done
    rm -f -- "$part"
    failed quarantine key-taken "$key is taken by a file that is not of this delivery" ""
}

# The folder, and those above it: each may be new, and is durable when the one above it is.
sync_up() {
    into=$1
    while sync -- "$into" && [ "$into" != "$folder" ]; do into=${into%/*}; done
}

place() {
    if [ "$when_taken" = replace ]; then
        mv -fT -- "$part" "$folder/$name"
    else
        ln -T -- "$part" "$folder/$name" && rm -f -- "$part"
    fi
}

while read_message; do
    case $type in
        hello) say "$id" '{type: "hello", protocol: 1, name: "@NAME@", version: "1.0", parallel: 1}' ;;
        configure)
            folder=$folder_setting
            say "$id" '{type: "configured"}'
            ;;
        check) check ;;
        exists) exists ;;
        deliver) deliver ;;
        abandon)
            rm -f -- "$folder/.$delivery.part"
            say "$id" '{type: "abandoned"}'
            ;;
        ping) say "$id" '{type: "pong"}' ;;
        saved | cancel) ;; # about what is over
        shutdown) exit 0 ;;
        *) say "$id" '{type: "unsupported"}' ;;
    esac
done
