"""conf/master-key: programs for exec:, against the tool itself (PKCS#11) or one in its place that notes how it is called."""

import base64
import glob
import os
import re
import stat
import subprocess

import pytest

from harness import TOP

HELPERS = sorted(glob.glob(os.path.join(TOP, "conf/master-key/*")))
TOKEN = "hvs.token-of-the-agent"
SOFTHSM = ["/usr/bin/softhsm2-util", "/usr/bin/pkcs11-tool", "/usr/lib/softhsm/libsofthsm2.so"]


def text_of(path):
    with open(path) as seen:
        return seen.read()


def place(folder, path, **values):
    """The program with these values of its variables, as somebody installs it."""
    text = text_of(path)
    for name, value in values.items():
        text, n = re.subn(r"^%s=.*$" % name, "%s=%s" % (name, value), text, flags=re.M)
        assert n == 1, name
    return folder.write("bin/" + os.path.basename(path), text, 0o700)


@pytest.mark.parametrize("path", HELPERS, ids=os.path.basename)
def test_each_is_a_short_program_that_stops_at_the_first_fault(path):
    text = text_of(path)
    assert subprocess.run(["sh", "-n", path]).returncode == 0
    assert text.startswith("#!/bin/sh\n#") and "\nset -eu\n" in text and len(text.splitlines()) < 32
    assert stat.S_IMODE(os.stat(path).st_mode) & 0o022 == 0 and os.access(path, os.X_OK)
    assert "ApiSecMasterKey exec:/usr/local/sbin/%s;" % os.path.basename(path) in text
    assert not re.search(r"\b(eval|curl -k|--insecure|--no-verify)\b", text)


# SEC-08, SEC-15: the key is what comes out; nothing secret is among the tool's arguments
@pytest.mark.parametrize("name", ["aws-kms", "azure-key-vault", "gcp-kms", "tpm2", "vault"])
def test_each_gives_the_key_of_its_tool(store, folder, name):
    key = text_of(store.file("master.key"))
    os.unlink(store.file("master.key"))
    answer = base64.b64encode(key.encode()).decode() if name == "aws-kms" else key.strip()
    tool = folder.write("bin/tool", '#!/bin/sh\necho "$*" > %s\nenv > %s\n[ ! -e %s ] || exit 7\necho %s\n' % (
        folder.path("called"), folder.path("environment"), folder.path("broken"), answer), 0o700)
    values = {"tool": tool}
    if name == "vault":
        values["token"] = folder.write("token", TOKEN + "\n", 0o600)
    source = "--master-key=exec:" + place(folder, os.path.join(TOP, "conf/master-key", name), **values)
    assert store.json(source, "status")["keys"] == 0
    called = text_of(folder.path("called"))
    assert called.strip() and key.strip() not in called and TOKEN not in called
    if name == "vault":
        assert "VAULT_TOKEN=" + TOKEN in text_of(folder.path("environment"))
    folder.write("broken", "")
    broken = store.run(source, "status")
    assert broken.rc == 1 and "exit code 7" in broken.err and "run it by hand" in broken.err


# SEC-08: with a real token
def test_pkcs11_decrypts_in_the_token(new_store, folder, monkeypatch):
    for path in SOFTHSM:
        if not os.path.exists(path):
            pytest.skip("%s is not here: apt-get install softhsm2 opensc" % path)
    os.mkdir(folder.path("tokens"), 0o700)
    conf = folder.write("softhsm2.conf", "directories.tokendir = %s\nlog.level = ERROR\n" % folder.path("tokens"))
    monkeypatch.setenv("SOFTHSM2_CONF", conf)

    def run(*argv, **options):
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)

    tool, module = SOFTHSM[1], SOFTHSM[2]
    run(SOFTHSM[0], "--init-token", "--free", "--label", "apisec", "--pin", "123456", "--so-pin", "654321")
    run(tool, "--module", module, "--login", "--pin", "123456", "--keypairgen", "--key-type", "rsa:2048", "--label", "apisec", "--id", "01")
    run(tool, "--module", module, "--read-object", "--type", "pubkey", "--id", "01", "-o", folder.path("apisec.der"))
    run("openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", folder.path("apisec.der"), "-pkeyopt",
        "rsa_padding_mode:oaep", "-out", folder.path("wrapped"), input=("c0" * 32 + "\n").encode())
    helper = place(folder, os.path.join(TOP, "conf/master-key/pkcs11"), wrapped=folder.path("wrapped"),
                   pin=folder.write("pin", "123456\n", 0o600))
    # A program of exec: has an empty environment, and SoftHSM's tokens lie where its configuration says.
    text = text_of(helper)
    folder.write("bin/pkcs11", text.replace("export PIN\n", "export PIN SOFTHSM2_CONF=%s\n" % conf), 0o700)
    source = "--master-key=exec:" + helper
    new_store.init(source)
    assert not os.path.exists(new_store.file("master.key"))
    assert new_store.json(source, "status")["keys"] == 0
    folder.write("pin", "000000\n", 0o600)
    assert new_store.run(source, "status").rc == 1
