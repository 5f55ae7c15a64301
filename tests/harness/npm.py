"""Packages of npm that a test compares with: installed once by a package-lock.json below tests/npm, or the test is skipped."""

import fcntl
import json
import os
import shutil
import subprocess

import pytest

from .place import BUILD, TOP

FILES = {"npm": ("package.json", "package-lock.json", "sign.mjs", "mint.mjs"),
         "npm/oidc": ("package.json", "package-lock.json", "serve.mjs")}


def _read(*names):
    path = os.path.join(*names)
    if not os.path.exists(path):
        return None
    with open(path) as seen:
        return seen.read()


def folder(name="npm"):
    """Where those of tests/`name` are; skips the test where there is no node, no npm or no registry."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip("there is no %s here" % program)
    place = os.path.join(BUILD, name)
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(place, name)
    return place


def _install(place, name):
    """Anew when the list has changed; no script of a package is run."""
    ours = os.path.join(TOP, "tests", name)
    wanted = _read(ours, "package-lock.json")
    for file in FILES[name]:
        shutil.copy(os.path.join(ours, file), place)
    if _read(place, "installed") == wanted:
        return
    try:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=20000"],
                              cwd=place, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not come to an end with tests/%s: is its registry reached?" % name)
    if done.returncode:
        pytest.skip("npm could not install tests/%s: %s" % (name, done.stdout[-200:]))
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
