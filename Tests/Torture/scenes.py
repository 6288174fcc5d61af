"""Every scene of the catalogue of faults that is not a sweep: played some at once, one line each."""

import inspect
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

import scenes_disk
import scenes_files
import scenes_network
import scenes_operations
import scenes_process
import scenes_time
import scenes_watching
from stage import Skipped, Stage
from stands import Trouble

#: Scenes wait for the agent more than they compute.
AT_ONCE = 10

SECTIONS = [
    scenes_process, scenes_disk, scenes_watching, scenes_files, scenes_network, scenes_time, scenes_operations]


def all_scenes():
    """Pairs of a title (`F16 the drop folder is unmounted`) and a function, in the order of the catalogue."""
    found = []
    for section in SECTIONS:
        for name, scene in inspect.getmembers(section, inspect.isfunction):
            if match := re.fullmatch(r"f(\d\d)_(\w+)", name):
                found.append((int(match[1]), f"F{int(match[1])} {match[2].replace('_', ' ')}", scene))
    return [(title, scene) for _, title, scene in sorted(found, key=lambda each: each[:2])]


def play(tools, folder, seed, asked=""):
    """Plays what the words ask for; yields a title, an outcome (`ok`, `FAILED`, `skipped`), its reason, and the seconds that it took."""

    def one(numbered):
        number, (title, scene) = numbered
        began = time.monotonic()
        try:
            with Stage(tools, os.path.join(folder, f"scene-{number}"), seed + number) as stage:
                scene(stage)
            outcome, reason = "ok", ""
        except Skipped as skipped:
            outcome, reason = "skipped", str(skipped)
        except Trouble as trouble:
            outcome, reason = "FAILED", str(trouble)
        except Exception as error:  # A scene that breaks must not hide the others.
            outcome, reason = "FAILED", f"the scene itself broke: {type(error).__name__}: {error}"
        return title, outcome, reason, time.monotonic() - began

    chosen = [each for each in all_scenes() if asked in each[0]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(one, enumerate(chosen))
