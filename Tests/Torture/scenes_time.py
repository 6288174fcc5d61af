"""Time (F61 to F63): the wall clock may say anything; the order is the journal's, and pauses are those of the monotonic clock."""

import signal
import time

from stage import expect


def f61_the_clock_jumps(stage):
    """Runs in 1970, in ten years, yesterday, in 2038 and now, one after the other on one state: everything once, the manifest in order."""
    stand = stage.local()
    year = 31_557_600
    for number, when in enumerate((time.time() + 10 * year, 10, time.time() - 86_400, (1 << 31) - 1, time.time() + 86_400, time.time())):
        stand.ledger.feed(f"file-{number}.bin", 1_000)
        stand.expect_everything(f"a run at {when:.0f}", stand.run("run", "--once", shift=when - time.time()))
    expect([line["sequence"] for line in stand.manifest()] == list(range(1, 7)), "the manifest is out of order")


def f61_a_retry_that_was_planned_by_a_clock_of_the_future(stage):
    """What failed ten years ahead is tried again soon after the clock was put right, not in ten years."""
    stand = stage.inbox()
    stand.tools.sandbox.ask("POST", "faults", {
        "match": {"action": "PutObject", "keyPrefix": f"acme/{stand.prefix}/", "times": 3}, "do": {"kind": "slow-down"}})
    stand.feed(1)
    ended = stand.run("run", "--once", "--patience", "1", shift=86_400)
    expect(ended.code == 1, f"the run that was to fail ended with {ended.code}: {ended.said[-300:]}")
    stand.expect_everything("with the clock put right", stand.deliver(patience=40))


def f62_the_nights_of_summer_time(stage):
    """Around the hours that are missing or come twice: the date of a key is UTC's, and each file arrives once."""
    stand = stage.local()
    # 2026-03-29 00:59:58, 2026-10-25 00:59:58 and 01:59:58, all in UTC: the changes of Europe.
    for number, when in enumerate((1_774_745_998, 1_792_889_998, 1_792_893_598)):
        stand.ledger.feed(f"file-{number}.bin", 1_000)
        stand.expect_everything(f"a run at {when}", stand.run("run", "--once", shift=when - time.time()))


def f63_suspended_in_the_middle(stage):
    """The machine sleeps while a file is sent (the process is stopped): afterwards it goes on or begins again, and arrives once."""
    stand = stage.inbox(limits="at-once: 2, bandwidth: 400 KB/s")
    stand.ledger.feed("big.bin", 900_000)
    agent = stage.serving(stand)
    agent.until_status(lambda status: status["running"] and status["running"][0]["sent"] > 0, "it is being sent")
    agent.signal(signal.SIGSTOP)
    time.sleep(3)
    agent.signal(signal.SIGCONT)
    agent.until_delivered("after it woke up")
    agent.stop_and_expect_everything("after it woke up")
