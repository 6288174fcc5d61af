"""One system call after the other goes wrong: killed there, or failing with an error number."""

import errno
import random
from concurrent.futures import ThreadPoolExecutor

from stands import Trouble

#: Runs wait for the disk and for pauses of the agent's schedule more than for a processor.
AT_ONCE = 4

FAILURES = [
    ("fail", errno.ENOSPC), ("fail", errno.EIO), ("fail", errno.EDQUOT), ("fail", errno.EROFS), ("fail", errno.EMFILE),
    ("fail", errno.EINTR), ("short", 0), ("always", errno.ENOSPC), ("always", errno.EROFS), ("always", errno.EIO)]
#: One call that fails says little: what cleans up after it needs a descriptor too.
SHORTAGE = [("few", errno.EMFILE)]


class Outcome:
    """What a harness did, and which promises were broken."""

    def __init__(self, name):
        self.name, self.runs, self.struck, self.troubles, self.notes = name, 0, 0, [], []

    def line(self):
        rest = f"; {'; '.join(self.notes)}" if self.notes else ""
        return f"{self.name}: {self.runs} runs, {self.struck} struck, {len(self.troubles)} broken promises{rest}"


def each(outcome, work, items):
    """Runs the work for all items, some at once; a broken promise is noted and the rest goes on."""

    def one(item):
        try:
            return work(item), None
        except Trouble as trouble:
            return 0, f"{item}: {trouble}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for struck, trouble in pool.map(one, items):
            outcome.runs += 1
            outcome.struck += struck
            if trouble:
                outcome.troubles.append(trouble)
    return outcome


def chosen(total, most, seed):
    """All of 1...total, or as many of them as there is time for, spread evenly from a random start."""
    if most is None or total <= most:
        return list(range(1, total + 1))
    step = total / most
    start = random.Random(seed).random() * step
    return sorted({1 + int(start + step * index) for index in range(most)} & set(range(1, total + 1)))


def kill_everywhere(tools, stand_type, folder, seed, most=None):
    """Killed instead of each effect; every other time killed again while it recovers; then left in peace."""
    outcome = Outcome(f"kill at every effect, {stand_type.kind}")
    counting = stand_type(tools, f"{folder}/{stand_type.kind}-count", seed)
    total = counting.count_effects()
    counting.expect_delivered("the run that only counts")
    counting.remove()
    outcome.notes.append(f"{total} effects")

    def one(number):
        stand = stand_type(tools, f"{folder}/{stand_type.kind}-kill-{number}", seed + number)
        stand.feed()
        first = stand.deliver(f"kill:{number}")
        # Threads do not run the same way twice, and commits that meet become one: the last effects of the count may not come to pass.
        if not first.was_killed and first.code != 0:
            raise Trouble(f"the run to be killed ended with {first.code}: {first.said[-600:]}")
        if not first.was_killed and number < total * 0.6:
            raise Trouble("it was to be killed, and was not")
        struck = int(first.was_killed)
        stand.expect_nothing_wrong(f"killed at {number}")
        if number % 2:
            again = random.Random(seed + number).randint(1, total)
            second = stand.deliver(f"kill:{again}")
            struck += int(second.was_killed)
            stand.expect_nothing_wrong(f"killed at {number} and again at {again}")
        stand.expect_everything(f"killed at {number}", stand.deliver())
        stand.remove()
        return struck

    return each(outcome, one, chosen(total, most, seed))


def fail_everywhere(tools, stand_type, folder, seed, most=None, failures=None):
    """Each effect fails with each error, once, or with some or all that come after it; the run may report it or get over it, and a
    later run makes all good."""
    failures = failures or FAILURES
    outcome = Outcome(f"every effect fails ({', '.join(sorted({mode for mode, _ in failures}))}), {stand_type.kind}")
    totals = {}
    for number in {number for _, number in failures}:
        counting = stand_type(tools, f"{folder}/{stand_type.kind}-count-{number}", seed)
        totals[number] = counting.count_effects(number)
        counting.remove()
    each_most = None if most is None else max(1, most // len(failures))
    cases = [
        (mode, number, effect)
        for index, (mode, number) in enumerate(failures)
        for effect in chosen(totals[number], each_most, seed + index)]

    def one(case):
        mode, number, effect = case
        stand = stand_type(tools, f"{folder}/{stand_type.kind}-{mode}-{number}-{effect}", seed + effect)
        stand.feed()
        log = stand.path("effects.log")
        disturbed = stand.deliver(f"{mode}:{effect}:{number}", log, patience=4 if mode == "always" else 20)
        if disturbed.code < 0:
            raise Trouble(f"it died of signal {-disturbed.code}: {disturbed.said[-800:]}")
        stand.expect_nothing_wrong(f"{mode} {errno.errorcode.get(number, '')} at {effect}")
        # Nothing silent: who says that all is done must have done it.
        if disturbed.code == 0:
            stand.expect_delivered(f"{mode} {errno.errorcode.get(number, '')} at {effect}, and reported as done")
        # What is read-only, or cannot be written for good, may hold the partner: that is for a person to mend.
        if mode == "always" or number == errno.EROFS:
            stand.run("release", "desk")
        stand.expect_everything(f"after {mode} {errno.errorcode.get(number, '')} at {effect}", stand.deliver(patience=60))
        with open(log, encoding="ascii") as lines:
            struck = sum(1 for _ in lines) >= effect
        stand.remove()
        return int(struck)

    return each(outcome, one, cases)
