"""apisecctl from outside, on a store of its own."""

import collections
import json
import os
import subprocess

from .place import BUILD, SERVER_GROUP

Result = collections.namedtuple("Result", "rc out err")


def _no_twins(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), "an object names a member twice: %r" % names
    return dict(pairs)


class Store:
    """The store in folder `path`; nothing is made before init()."""

    program = os.path.join(BUILD, "apisecctl", "apisecctl")

    def __init__(self, path, state):
        self.path, self.state = path, state

    def file(self, *names):
        return os.path.join(self.path, *names)

    def run(self, *args, input=None, env=None, timeout=60, **popen):
        """apisecctl --store PATH --state STATE ARGS -> Result(rc, out, err), text."""
        return self.call("--store", self.path, "--state", self.state, *args, input=input, env=env,
                         timeout=timeout, **popen)

    @classmethod
    def call(cls, *args, input=None, env=None, timeout=60, **popen):
        """apisecctl with these arguments only; stdin is `input` or empty, never a terminal."""
        full = {k: v for k, v in os.environ.items() if not k.startswith("APISEC_")}
        full.update(env or {}, LC_ALL="C.UTF-8")
        done = subprocess.run([cls.program, *args], input=(input or "").encode(), env=full, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen)
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert done.returncode >= 0 and "Sanitizer" not in result.err, "apisecctl died: %r" % (result,)
        return result

    def json(self, *args, input=None, rc=0):
        """The one document that --json prints; asserts the exit code."""
        result = self.run("--json", *args, input=input)
        assert result.rc == rc, "%s: %r" % (" ".join(args), result)
        return json.loads(result.out, object_pairs_hook=_no_twins)

    def ok(self, *args, input=None):
        """Runs what must succeed; returns its output."""
        result = self.run(*args, input=input)
        assert result.rc == 0, "%s: %r" % (" ".join(args), result)
        return result.out

    def init(self, *options):
        group = [] if "--group" in options else ["--group", SERVER_GROUP]
        return self.json("init", *group, *options)

    def role_create(self, name, grants=(), denies=(), inherit=()):
        args = ["role", "create", name]
        for option, values in (("--grant", grants), ("--deny", denies), ("--inherit", inherit)):
            for value in [values] if isinstance(values, str) else values:
                args += [option, value]
        return self.json(*args)

    def key_create(self, name, *options, role=(), **named):
        """key_create("ci", role="reader", limit="10/m") -> {"id", "name", "key", ...}."""
        args = ["key", "create", name]
        for value in [role] if isinstance(role, str) else role:
            args += ["--role", value]
        for option, values in named.items():
            for value in [values] if isinstance(values, str) else values:
                args += ["--" + option.replace("_", "-"), value]
        return self.json(*args, *options)
