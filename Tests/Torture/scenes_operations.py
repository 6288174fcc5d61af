"""Configuration and operations (F64 to F72): hostile configurations, secrets, abuse of the control socket, a long queue."""

import json
import os
import signal
import socket
import subprocess

from stage import alerts, expect, put
from stands import Trouble

#: For a hostile configuration; the processor's time, since the machine may be busy.
MOST_SECONDS, MOST_MEBIBYTES = 2.0, 96


def f64_hostile_configurations(stage):
    """Bombs of aliases, depth, size, NULs, tabs, doubled keys: refused with 78 and a place, in little time and memory."""
    stand = stage.local()
    sound = open(stand.path("agent.yaml"), encoding="utf-8").read()
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12))
    hostile = {
        "aliases": bomb, "depth": "a: " + "[" * 100_000, "indents": "".join(" " * n + "a:\n" for n in range(3_000)),
        "nul": sound + "\0", "tabs": sound.replace("  ", "\t"), "twice": sound + "\nagent: { name: other, state: ./other }\n",
        "bom and nothing": "\ufeff", "binary": "\x01\x02" * 100}
    for name, text in hostile.items():
        stand.write("agent.yaml", text, 0o600)
        expect_refusal(stand, name)
    with open(stand.path("agent.yaml"), "r+b") as file:
        file.truncate(1 << 30)
    expect_refusal(stand, "a gigabyte")
    stand.write("agent.yaml", sound, 0o600)
    os.chmod(stand.path("agent.yaml"), 0o666)
    expect_refusal(stand, "writable by all")


def expect_refusal(stand, name):
    process = subprocess.Popen(
        [stand.tools.pouch, "run", "--once"], cwd=stand.folder, env=stand.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read().decode("utf-8", "replace")
    process.stderr.close()
    _, ended, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    seconds, mebibytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    expect(process.returncode == 78, f"{name}: it ended with {process.returncode}: {said[-300:]}")
    expect("agent.yaml" in said, f"{name}: the message does not name the file: {said[-300:]}")
    expect(seconds < MOST_SECONDS and mebibytes < MOST_MEBIBYTES, f"{name}: {seconds:.1f} s and {mebibytes:.0f} MiB")


def f65_a_bad_configuration_under_a_running_agent(stage):
    """The file is broken while the agent runs: it goes on with what it has, and who asks it, or has it read the file, is told what is wrong."""
    stand = stage.local()
    agent = stage.serving(stand)
    stand.feed()
    agent.until_delivered("before")
    sound = open(stand.path("agent.yaml"), encoding="utf-8").read()
    stand.write("agent.yaml", sound + "nonsense: [", 0o600)
    stand.ledger.feed("after.bin", 1_000)
    agent.until_delivered("with a broken file beside it")
    checked = stand.run("check")
    expect(checked.code == 78 and "agent.yaml:" in checked.said, f"check: {checked.code} {checked.said[-200:]}")
    agent.signal(signal.SIGHUP)
    stand.ledger.feed("after-sighup.bin", 1_000)
    agent.until_delivered("after it was made to read the broken file")
    stand.write("agent.yaml", sound.replace("folders:\n", "folders:\n  - { watch: ./second, then: delete }\n"), 0o600)
    reloaded = stand.run("reload")
    expect(reloaded.code == 0 and "second is watched" in reloaded.said, f"reload: {reloaded.code} {reloaded.said[-300:]}")
    os.rename(stand.ledger.prepare("in-the-second.bin", 2_000), stand.path("second", "in-the-second.bin"))
    agent.until_delivered("in a folder that the agent was told of while it ran")
    stand.write("agent.yaml", sound, 0o600)
    agent.stop_and_expect_everything("with the file mended")


def f66_no_route_takes_it(stage):
    """It stays where it was dropped, is counted and told, and the run does not end with 0."""
    stand = stage.local()
    text = open(stand.path("agent.yaml"), encoding="utf-8").read()
    stand.write("agent.yaml", text.replace('path: "**"', 'path: "**/*.bin"'), 0o600)
    stand.feed()
    put(stand.path("drop", "stranger.dat"), b"stranger")
    ended = stand.deliver()
    expect(ended.code == 1, f"the run ended with {ended.code}")
    expect(os.path.exists(stand.path("drop", "stranger.dat")), "the unmatched file is gone")
    expect("unmatched" in {alert["kind"] for alert in alerts(stand)}, "nobody was told")
    stand.expect_delivered("beside an unmatched file")


def f68_secrets_show_nowhere(stage):
    """Every secret of the sandbox's credentials is looked for in every output: logs at their most talkative, state, status, story,
    manifest, alerts, the environment of children, and what a refusal says."""
    stand = stage.inbox()
    stand.write("page-me", '#!/bin/sh\n{ cat; echo; env; echo "$@"; } >>"$(dirname "$0")/alerts.jsonl"\n', 0o700)
    with open(os.path.join(stand.tools.sandbox.folder, "credentials"), encoding="ascii") as file:
        secrets = [line.split("=", 1)[1].strip() for line in file if "secret" in line or "token" in line]
    secrets = [secret for secret in secrets if len(secret) > 8]
    expect(secrets, "no secret was found to look for")
    stand.feed(3)
    agent = stage.serving(stand, level="debug")
    agent.until_delivered()
    stand.tools.sandbox.ask("POST", "faults", {
        "match": {"action": "CopyObject", "keyPrefix": f"from-orga/{stand.prefix}/"},
        "do": {"kind": "error", "code": "AccessDenied", "status": 403, "message": "no"}})
    stand.ledger.feed("refused.bin", 100)
    agent.until(lambda: alerts_text(stand), "the operator is called")
    said = [stand.run(*words).said for words in (
        ("status",), ("status", "--json"), ("trace", "refused.bin"), ("manifest", "show"), ("doctor",), ("check",), ("explain", "drop/x"))]
    with open(f"/proc/{agent.process.pid}/environ", "rb") as file:
        said.append(file.read().decode("utf-8", "replace"))
    with open(f"/proc/{agent.process.pid}/cmdline", "rb") as file:
        said.append(file.read().decode("utf-8", "replace"))
    agent.stop()
    said.append(agent.said())
    for place, _, names in os.walk(stand.folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                said.append(file.read().decode("utf-8", "replace"))
    for secret in secrets:
        for text in said:
            if secret in text:
                at = text.index(secret)
                raise Trouble(f"a secret shows: …{text[max(0, at - 120):at]}<here>")


def alerts_text(stand):
    path = stand.path("alerts.jsonl")
    return os.path.exists(path) and open(path, encoding="utf-8").read()


def f69_a_name_cannot_forge_a_record(stage):
    """A file is called like a line of the log, of the manifest and of an alert: one line stays one record everywhere."""
    stand = stage.local()
    name = 'x"}\n{"level":"error","message":"forged","outcome":"delivered","kind":"held"}\n{"'
    put(stand.path("drop", name), b"a key has no line break: it is quarantined")
    put(stand.path("drop", name.replace("x", "\udcffx", 1)), b"not UTF-8: an alert tells of it")
    agent = stage.serving(stand, level="debug")
    agent.until(lambda: len(stand.manifest()) == 2 and alerts(stand), "both are quarantined, and told")
    agent.stop()
    for line in agent.said().splitlines():
        expect(json.loads(line)["message"] != "forged", f"a forged line: {line[:200]}")
    expect(all(alert["kind"] == "quarantined" for alert in alerts(stand)), "a forged alert")
    expect(len(stand.manifest()) == 2 and all("agent" in line for line in stand.manifest()), "a forged line of the manifest")


def f70_abuse_of_the_control_socket(stage):
    """Callers that say nothing, that drip, that send a megabyte in one line, by the hundred: the next caller gets an answer, files go
    on; somebody else's user gets nowhere."""
    stand = stage.local()
    agent = stage.serving(stand)
    agent.until_status(lambda _: True, "it answers")
    place = stand.path("state", "control.sock")
    callers = []
    for number in range(200):
        caller = socket.socket(socket.AF_UNIX)
        caller.setblocking(False)
        here = os.open(os.path.dirname(place), os.O_PATH)
        try:
            caller.connect(f"/proc/self/fd/{here}/{os.path.basename(place)}")
            if number % 2:
                caller.send(b"{" if number % 3 else b"x" * 200_000)
        except OSError:
            pass
        finally:
            os.close(here)
        callers.append(caller)
    stand.feed(6)
    agent.until_delivered("beside abusers")
    agent.until_status(lambda _: True, "the next caller gets an answer")
    for caller in callers:
        caller.close()
    agent.until_status(lambda _: True, "after they hung up")
    if os.geteuid() == 0:
        other = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c",
             "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])", place],
            capture_output=True, text=True, check=False)
        expect(other.returncode != 0 and "ermission" in other.stderr, f"another user got through: {other.stderr[-200:]}")
    agent.stop_and_expect_everything("after abuse")


def f71_a_long_queue_and_a_slow_partner(stage):
    """One of four partners takes hardly anything, and 600 files wait: the others get theirs at once, and memory stays."""
    others = {name: f"{{ deliver: {{ with: local, path: ./{name} }} }}" for name in ("second", "third")}
    stand = stage.local(
        partners={**others, "slow": "{ deliver: { with: local, path: ./slow }, limits: { at-once: 1, bandwidth: 2 KB/s } }"})
    for number in range(600):
        stand.ledger.feed(f"file-{number}.bin", 4_000)
    agent = stage.serving(stand)
    agent.until_status(lambda _: True, "it answers")
    before = agent.memory()
    agent.until_delivered("the partners that are not slow", limit=70)
    for name in others:
        agent.until(lambda: len(os.listdir(stand.path(name))) >= 600, f"all is at {name}")
    expect(agent.memory() < before + 80, f"memory grew from {before:.0f} to {agent.memory():.0f} MiB")
    waiting = agent.until_status(lambda status: status["journal"]["total"]["waiting"], "the slow partner's wait")
    expect(waiting["journal"]["total"]["delivered"] >= 1_800, f"the counts: {waiting['journal']['total']}")
    expect(waiting["unaccounted"] == 0, "unaccounted")
    expect(agent.stop().code == 0, "the end")
