"""Schemas by chance: the vector driver and a plain validator agree (POS-05, POS-08)."""

import os
import subprocess
import sys

from harness import BUILD

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schema_model.py")


def test_a_plain_validator_agrees():
    done = subprocess.run([sys.executable, "-B", MODEL, "2000", "7"], env=dict(os.environ, APISEC_BUILD=BUILD),
                          stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(" 0 differ\n")
