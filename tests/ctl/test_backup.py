"""backup and restore: all of a store in one encrypted file, and back; what was revoked stays revoked
(CLI-14)."""

import os
import shutil
import stat
import subprocess

import pytest

from harness import Store, split_key, wait_for

PASSPHRASE = "correct horse battery staple"


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder.root, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def pair(folder, name):
    """Paths of a recipient's private and public key, as an operator makes them."""
    openssl(folder, "genpkey", "-algorithm", "X25519", "-out", name + ".key")
    openssl(folder, "pkey", "-in", name + ".key", "-pubout", "-out", name + ".pub")
    os.chmod(folder.path(name + ".key"), 0o600)
    return folder.path(name + ".key"), folder.path(name + ".pub")


@pytest.fixture
def keys(folder):
    return pair(folder, "backup")


@pytest.fixture
def shop(store):
    store.role_create("r", "GET /a")
    store.made = {name: store.key_create(name, role="r") for name in ("bob", "eve", "mia")}
    return store


def backup(store, folder, keys, name="b", *options):
    return store.json("backup", folder.path(name), "--to", keys[1], *options), folder.path(name)


def restored(store, folder, path, keys, where="other", *options):
    """The backup on another machine, which has nothing but the private key."""
    new = Store(folder.path(where), folder.path(where + ".state"))
    return new, new.json("restore", path, "--identity", keys[0], "--yes", *options)


def allows(store, made):
    return store.run("explain", "--key-id", split_key(made["key"])[1], "GET /a").rc == 0


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_a_backup_is_a_whole_store_on_another_machine(shop, folder, keys):  # CLI-14, CLI-06
    made, path = backup(shop, folder, keys)
    assert made["master_key"] == "inside" and made["recipients"] == 1 and mode(path) == 0o600
    new, told = restored(shop, folder, path, keys)
    assert told["master_key_written"] and told["keys"] == 3 and told["generation"] > made["generation"]
    assert [mode(new.file(name)) for name in (".", "pub", "store.db", "pub/store.db", "master.key")] == [
        0o710, 0o750, 0o600, 0o640, 0o600]
    assert sorted(os.listdir(new.path)) == ["master.key", "pub", "store.db"]
    assert new.json("key", "list") == shop.json("key", "list") and new.json("role", "list") == shop.json("role", "list")
    assert allows(new, shop.made["bob"])
    log = new.json("changes")
    assert log[:-1] == shop.json("changes") and log[-1]["command"] == "restore"
    assert new.json("status")["published_generation"] == told["generation"]
    # It goes on as a store of its own.
    new.ok("key", "revoke", "bob")
    assert not allows(new, shop.made["bob"])


def test_nothing_of_the_store_is_in_the_file(shop, folder, keys):  # CLI-14, SEC-14
    with open(shop.file("master.key"), "rb") as file:
        master = bytes.fromhex(file.read().decode())
    _, path = backup(shop, folder, keys)
    with open(path, "rb") as file:
        content = file.read()
    for secret in (master, master.hex().encode(), shop.made["bob"]["id"].encode(), b"SQLite format 3", b"GET /a"):
        assert secret not in content
    again = backup(shop, folder, keys, "b2")[1]
    with open(again, "rb") as file:
        other = file.read()
    assert len(other) == len(content) and other[-4096:] != content[-4096:] and other[200:4096] != content[200:4096]


def test_a_passphrase_opens_it_and_another_does_not(shop, folder):  # CLI-14, SEC-10, SEC-11
    secret = folder.write("pass", PASSPHRASE + "\n", 0o600)
    wrong = folder.write("wrong", PASSPHRASE + "r", 0o600)
    shop.ok("backup", folder.path("b"), "--passphrase", secret)
    assert shop.json("restore", folder.path("b"), "--passphrase", "-", "--verify", input=PASSPHRASE)["keys"] == 3
    no = shop.run("restore", folder.path("b"), "--passphrase", wrong, "--verify")
    assert no.rc == 1 and no.err == ("apisecctl: the passphrase does not open the backup: it is another one, or the backup's head was "
                                     "changed\n")
    short = shop.run("backup", folder.path("b3"), "--passphrase", "-", input="only fifteen by")
    assert short.rc == 2 and "want 16 at least" in short.err and not os.path.exists(folder.path("b3"))
    none = shop.run("backup", folder.path("b3"))
    assert none.rc == 2 and "--to FILE" in none.err and "--passphrase" in none.err
    os.chmod(secret, 0o644)
    assert "0644" in shop.run("restore", folder.path("b"), "--passphrase", secret, "--verify").err


def test_another_recipient_is_refused(shop, folder, keys):  # CLI-14
    other, third = pair(folder, "other"), pair(folder, "third")
    _, path = backup(shop, folder, keys, "b", "--to", third[1])
    assert shop.run("restore", path, "--identity", third[0], "--verify").rc == 0
    no = shop.run("restore", path, "--identity", other[0], "--verify")
    assert no.rc == 1 and "does not open the backup: it is for 2 recipients" in no.err and no.err.count("\n") == 1
    public = shop.run("restore", path, "--identity", keys[1], "--verify")
    assert public.rc in (1, 2) and public.err.count("\n") == 1
    assert shop.run("restore", path, "--verify").rc == 1
    assert shop.run("backup", folder.path("x"), "--to", keys[0]).rc == 2  # the wrong half
    both = shop.run("backup", folder.path("x"), "--to", keys[1], "--passphrase", keys[0])
    assert both.rc == 2 and "make two" in both.err
    assert not os.path.exists(folder.path("x"))


def test_damage_is_told_and_changes_nothing(shop, folder, keys):  # CLI-14, CLI-03
    """By each class of place; every bit is tried by unit/test_stream."""
    _, path = backup(shop, folder, keys)
    before = shop.json("changes")
    with open(path, "rb") as file:
        good = file.read()
    chunk, head = 65536 + 16, 42 + 113
    cases = {"bit in the head": (20, None), "bit in a lock": (head - 1, None), "bit in the first chunk": (head + 9, None),
             "bit in a tag": (head + chunk - 1, None), "bit in the last": (len(good) - 1, None)}
    texts = {name: good[:at] + bytes([good[at] ^ 4]) + good[at + 1:] for name, (at, _) in cases.items()}
    texts.update({"empty": b"", "no backup": b"hello\n" * 100, "cut in the head": good[:50], "only a head": good[:head],
                  "cut in a chunk": good[:head + 1000], "cut between chunks": good[:head + chunk], "cut at its end": good[:-1],
                  "more behind": good + b"\0", "twice": good + good,
                  "swapped": good[:head] + good[head + chunk:head + 2 * chunk] + good[head:head + chunk] + good[head + 2 * chunk:]})
    for name, text in texts.items():
        bad = folder.write("bad", text)
        for options in (["--verify"], ["--yes", "--over", "newer"]):
            no = shop.run("restore", bad, "--identity", keys[0], *options)
            assert no.rc in (1, 2) and no.out == "" and no.err.count("\n") == 1 and "backup" in no.err, (name, no)
    assert shop.json("changes") == before and sorted(os.listdir(shop.path)) == ["master.key", "pub", "store.db"]


def test_restoring_raises_no_key_from_the_dead(shop, folder, keys):  # CLI-14
    """Revoked, deleted, rotated, taken back in any way since the backup: it stays so, and all that was done stays on record."""
    shop.ok("key", "certificate", "add", "mia", "--san-dns", "shop.example")
    shop.json("key", "signer", "add", "mia", "--keyid", "k", "--alg", "hmac-sha256", "--generate")
    shop.json("issuer", "add", "acme", "--issuer", "https://login.example", "--audience", "https://api.example")
    shop.json("webhook", "add", "pay", "--scheme", "github", "--generate")
    _, path = backup(shop, folder, keys)
    shop.ok("key", "revoke", "bob", "--reason", "leaked")
    shop.ok("key", "revoke", "eve")
    shop.ok("key", "delete", "eve", "--yes")
    fresh = shop.json("key", "rotate", "mia", "--overlap", "0")
    shop.ok("key", "certificate", "delete", "san:dns:shop.example", "--yes")
    shop.ok("key", "signer", "delete", "k", "--yes")
    shop.ok("token", "revoke", "--jti", "7", "--issuer", "acme")
    shop.ok("issuer", "delete", "acme", "--yes")
    secret = shop.json("webhook", "rotate", "pay", "--generate", "--overlap", "0")
    assert secret["name"] == "pay"
    shop.role_create("late", "GET /b")
    late = shop.key_create("late", role="late")
    log = shop.json("changes")

    no = shop.run("restore", path, "--identity", keys[0], "--yes")
    assert no.rc == 4 and "--over newer" in no.err and shop.json("changes") == log
    dry = shop.json("restore", path, "--identity", keys[0], "--over", "newer", "--dry-run")
    assert shop.json("changes") == log and dry["kept_revoked"] == 2
    told = shop.json("restore", path, "--identity", keys[0], "--over", "newer", "--yes", "--reason", "disk gone")
    assert told == dict(dry, generation=told["generation"])
    assert [told["kept_" + name] for name in ("revoked", "rotated", "deleted", "secrets", "tokens")] == [2, 1, 3, 1, 1]

    status = {row["name"]: row["status"] for row in shop.json("key", "list")}
    assert status == {"bob": "revoked", "eve": "revoked", "mia": "active"}
    assert shop.json("key", "show", "bob")["revoke_reason"] == "leaked"
    assert not allows(shop, shop.made["bob"]) and not allows(shop, shop.made["eve"])
    old, new = (shop.json("key", "leaked", input=made["key"], rc=rc)[0] for made, rc in ((shop.made["mia"], 0), (fresh, 5)))
    assert (old["works"], new["works"], new["kv"]) == (False, True, 2)
    assert shop.json("key", "certificate", "list") == [] and shop.json("key", "signer", "list") == []
    assert shop.json("issuer", "list") == [] and len(shop.json("token", "gone")) == 1
    # What was made since is gone, but the record of it is not.
    assert "late" not in status and not allows(shop, late)
    now = shop.json("changes")
    assert now[:-1] == log and now[-1]["command"] == "restore" and now[-1]["new"]["reason"] == "disk gone"
    assert now[-1]["old"]["generation"] < told["generation"] == shop.json("status")["published_generation"]
    assert now[-1]["n"] == log[-1]["n"] + 1


def test_a_store_that_is_lost_is_known_by_what_it_published(shop, folder, keys):  # CLI-14
    _, path = backup(shop, folder, keys)
    shop.ok("key", "revoke", "bob")
    shop.ok("key", "revoke", "eve")
    shop.ok("key", "delete", "eve", "--yes")
    generation = shop.json("status")["generation"]
    shutil.copytree(shop.path, folder.path("whole"))
    os.remove(shop.file("store.db"))
    assert "--over newer" in shop.run("restore", path, "--identity", keys[0], "--yes").err
    told = shop.json("restore", path, "--identity", keys[0], "--yes", "--over", "newer")
    assert told["kept_revoked"] == 2 and told["generation"] == generation + 1
    assert not allows(shop, shop.made["bob"]) and not allows(shop, shop.made["eve"]) and allows(shop, shop.made["mia"])
    # Damaged instead, and then the copy too.
    shutil.rmtree(shop.path)
    shutil.copytree(folder.path("whole"), shop.path)
    for name in ("store.db", "pub/store.db"):
        with open(shop.file(name), "r+b") as file:
            file.write(b"\0" * 4096)
        no = shop.run("restore", path, "--identity", keys[0], "--yes", "--over", "newer")
        assert no.rc == 4 and "--over damaged" in no.err and no.err.count("\n") == 1
    told = shop.json("restore", path, "--identity", keys[0], "--yes", "--over", "damaged")
    assert told["kept_revoked"] == 0 and shop.json("status")["published_fault"] is None


def test_another_store_is_not_taken_for_this_one(shop, folder, keys):  # CLI-14
    _, path = backup(shop, folder, keys)
    other = Store(folder.path("other"), folder.path("other.state"))
    other.init()
    no = other.run("restore", path, "--identity", keys[0], "--yes")
    assert no.rc == 4 and "--over other" in no.err
    no = other.run("restore", path, "--identity", keys[0], "--yes", "--over", "other")
    assert no.rc == 1 and "holds another master key" in no.err
    assert other.json("status")["keys"] == 0
    os.rename(other.file("master.key"), folder.path("old.key"))
    assert other.json("restore", path, "--identity", keys[0], "--yes", "--over", "other")["keys"] == 3
    assert allows(other, shop.made["bob"])
    wrong = other.run("restore", path, "--identity", keys[0], "--yes", "--over", "everything")
    assert wrong.rc == 2 and "newer, other or damaged" in wrong.err


def test_the_master_key_may_be_kept_apart(shop, folder, keys):  # CLI-14
    made, path = backup(shop, folder, keys, "b", "--without-master-key")
    assert made["master_key"] == "apart"
    new = Store(folder.path("other"), folder.path("other.state"))
    no = new.run("restore", path, "--identity", keys[0], "--yes")
    assert no.rc == 1 and "--master-key" in no.err and not os.path.exists(new.path)
    wrong = folder.write("wrong.key", "0" * 63 + "1\n", 0o600)
    no = new.run("--master-key", "file:" + wrong, "restore", path, "--identity", keys[0], "--yes")
    assert no.rc == 1 and "is not the one of the backup" in no.err and not os.path.exists(new.path)
    shutil.copy(shop.file("master.key"), folder.path("kept.key"))
    source = "file:" + folder.path("kept.key")
    told = new.json("--master-key", source, "restore", path, "--identity", keys[0], "--yes")
    assert not told["master_key_written"] and sorted(os.listdir(new.path)) == ["pub", "store.db"]
    # One that lies elsewhere is inside only where that is asked for.
    for options, inside in ((), "apart"), (("--with-master-key",), "inside"):
        assert new.json("--master-key", source, "backup", folder.path("c" + inside), "--to", keys[1], *options)["master_key"] == inside
    assert new.run("--master-key", source, "backup", folder.path("d"), "--to", keys[1], "--with-master-key", "--without-master-key").rc == 2


def test_a_key_under_a_passphrase_is_inside_only_where_that_is_asked_for(shop, folder, keys):  # CLI-14, SEC-10
    secret = folder.write("pass", PASSPHRASE, 0o600)
    shop.ok("master", "protect", "--new-passphrase", "file:" + secret)
    under = ["--master-passphrase", "file:" + secret]
    for options, inside in ((), "apart"), (("--with-master-key",), "inside"):
        assert shop.json(*under, "backup", folder.path(inside), "--to", keys[1], *options)["master_key"] == inside
    assert shop.json(*under, "restore", folder.path("apart"), "--identity", keys[0], "--verify")["keys"] == 3
    new, told = restored(shop, folder, folder.path("inside"), keys)
    assert told["master_key_written"] and new.json("status")["keys"] == 3


def test_a_confirmation_is_asked_for(shop, folder, keys):  # CLI-11
    _, path = backup(shop, folder, keys)
    no = shop.run("restore", path, "--identity", keys[0])
    assert no.rc == 2 and "restore %s needs a confirmation" % path in no.err and "--yes" in no.err


def test_it_goes_through_a_pipe(shop, folder, keys):
    out = subprocess.run([Store.program, "--store", shop.path, "backup", "-", "--to", keys[1]], stdout=subprocess.PIPE, check=True)
    done = subprocess.run([Store.program, "--store", shop.path, "restore", "-", "--identity", keys[0], "--verify", "--json"],
                          input=out.stdout, stdout=subprocess.PIPE, check=True)
    assert b'"keys":3' in done.stdout.replace(b" ", b"")
    assert shop.run("--json", "backup", "-", "--to", keys[1]).rc == 2
    _, path = backup(shop, folder, keys)
    no = shop.run("backup", path, "--to", keys[1])
    assert no.rc == 4 and "is there already" in no.err


def test_writers_wait_and_a_backup_is_one_state(shop, folder, keys):  # CLI-14
    """Backups while keys are made: each holds the whole of the changes up to its generation."""
    writer = subprocess.Popen(["sh", "-c", 'for i in $(seq 12); do "$0" --store "$1" key create "w-$i" --role r >/dev/null || exit 1; done',
                               Store.program, shop.path])
    paths = []
    while writer.poll() is None:
        paths.append(backup(shop, folder, keys, "b%d" % len(paths))[1])
    assert writer.returncode == 0 and paths
    seen = [shop.json("restore", path, "--identity", keys[0], "--verify") for path in paths]
    assert [row["keys"] for row in seen] == sorted(row["keys"] for row in seen)
    for row in seen:  # one generation for each key, from the three that there were
        assert row["keys"] - 3 == row["backup_generation"] - seen[0]["backup_generation"] + seen[0]["keys"] - 3
    assert wait_for(lambda: not [name for name in os.listdir(shop.path) if name.startswith(".")])
