"""Libraries of npm that a test compares with: installed once by tests/npm/package-lock.json, or the test is skipped."""

import fcntl
import json
import os
import shutil
import subprocess

import pytest

from .place import BUILD, TOP

FILES = ("package.json", "package-lock.json", "sign.mjs", "mint.mjs")


def _read(*names):
    path = os.path.join(*names)
    if not os.path.exists(path):
        return None
    with open(path) as seen:
        return seen.read()


def folder():
    """Where they are; skips the test where there is no node, no npm or no registry."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip("there is no %s here" % program)
    place = os.path.join(BUILD, "npm")
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(place)
    return place


def _install(place):
    """Anew when the list has changed; no script of a package is run."""
    wanted = _read(TOP, "tests/npm/package-lock.json")
    for name in FILES:
        shutil.copy(os.path.join(TOP, "tests/npm", name), place)
    if _read(place, "installed") == wanted:
        return
    try:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=20000"],
                              cwd=place, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not come to an end with tests/npm: is its registry reached?")
    if done.returncode:
        pytest.skip("npm could not install tests/npm: " + done.stdout[-200:])
    with open(os.path.join(place, "installed"), "w") as out:
        out.write(wanted)


def _run(script, asked):
    done = subprocess.run(["node", os.path.join(folder(), script)], input=json.dumps(asked), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sign(*asked):
    """What sign.mjs answers to each: lists of fields."""
    return [list(fields.items()) for fields in _run("sign.mjs", asked)]


def mint(*asked):
    """What mint.mjs answers to each: {"jwk", "token"}, and "proof" where it is bound."""
    return _run("mint.mjs", asked)
