"""doctor: each finding is provoked, told by its id, mended by the command that it tells, and gone (CLI-12)."""

import json
import os
import re
import sqlite3
import subprocess
import time

import pytest
from test_backup import pair

from harness import BUILD, IS_ROOT, SERVER_GROUP, SERVER_USER, TOP, Folder, StateFile, Store

root_only = pytest.mark.skipif(not IS_ROOT, reason="only root can give files away and become somebody else")
DAY = 86400 * 10**9


def table():
    """id -> severity, of doctor.def."""
    with open(os.path.join(TOP, "apisecctl", "doctor.def")) as text:
        return {id: severity.lower() for id, severity in re.findall(r'^F\(\w+, "(\w+)", (\w+)', text.read(), re.M)}


TABLE = table()
# What a machine of tests may have, whoever keeps its clock.
HOST = {"clock_unsynced", "memory_lock", "memory_lock_httpd", "cores_on", "program_trouble"}


class Patient:
    """A store that is well, beside a server's state file, and what doctor says of it."""

    def __init__(self, store):
        self.store = store

    def begin(self):
        store = self.store
        store.role_create("reader", "GET /a")
        store.key_create("shop", role="reader", owner="shop")
        StateFile(store.state, store).limit("calls rate=10/s by=key").restart().write()
        return self

    @staticmethod
    def asked(options):
        """The httpd of this machine has nothing to do with the tests."""
        return options if "--httpd" in options else ("--httpd", "none", *options)

    def look(self, *options, rc=None):
        found = self.store.run("--json", "doctor", *self.asked(options))
        document = json.loads(found.out)
        assert found.err == "" and found.rc == (5 if document["severity"] in ("warning", "error") else 0), found
        assert rc is None or found.rc == rc, found
        return document

    def ids(self, *options):
        return {row["id"] for row in self.look(*options)["findings"] if row["severity"] != "ok"} - HOST

    def find(self, id, *options):
        rows = [row for row in self.look(*options)["findings"] if row["id"] == id]
        assert len(rows) == 1, (id, self.look(*options))
        row = rows[0]
        assert row["severity"] == TABLE[id] and row["count"] >= 1 and row["reason"], row
        assert not row["reason"].endswith("."), row
        return row

    def sql(self, *statements):
        with sqlite3.connect(self.store.file("store.db")) as db:
            for statement in statements:
                db.execute(statement)

    def run(self, command):
        """What a finding tells, by a shell, as its reader would."""
        path = os.path.dirname(Store.program) + ":" + os.environ["PATH"]
        env = dict(os.environ, PATH=path, APISEC_STATE=self.store.state)
        done = subprocess.run(["sh", "-c", command], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, (command, done)

    def mend(self, id, *options, **words):
        """Finds, does what the finding says, and finds it gone."""
        command = self.find(id, *options)["mend"]
        for word, value in words.items():
            assert word in command, command
            command = command.replace(word, value)
        self.run(command)
        assert id not in self.ids(*options), (id, command, self.look(*options))


@pytest.fixture(scope="module")
def template():
    """Made once: a test has a copy of it."""
    with Folder() as folder:
        store = Store(folder.path("store"), folder.path("state"))
        store.init()
        Patient(store).begin()
        yield folder


@pytest.fixture
def patient(template, new_store):
    subprocess.run(["cp", "-a", template.path("store"), template.path("state"), os.path.dirname(new_store.path)], check=True,
                   timeout=60)
    return Patient(new_store)


def backup(patient, folder):
    """The words of `restore BACKUP --identity KEY`, for mend."""
    key, public = pair(folder, "kept")
    path = folder.path("kept.backup")
    patient.store.ok("backup", path, "--to", public)
    return {"BACKUP": path, "KEY": key}


def damage(patient, at=0.5):
    """Overwrites what lies in the middle of store.db."""
    path = patient.store.file("store.db")
    size = os.path.getsize(path)
    with open(path, "r+b") as out:
        out.seek(int(size * at) // 4096 * 4096)
        out.write(b"\xff" * 8192)


def many(patient, n):
    """So many keys, by one command."""
    path = os.path.join(os.path.dirname(patient.store.path), "keys.jsonl")
    with open(path, "w") as out:
        out.writelines('{"name": "n%05d", "sha256": "%064x", "roles": ["reader"], "owner": "%s"}\n' % (i, i, "x" * 50)
                       for i in range(n))
    os.chmod(path, 0o600)
    patient.store.ok("key", "import", path)


# ---- what is well ----

def test_a_store_that_is_well(patient):
    document = patient.look(rc=0)
    assert list(document) == ["store", "severity", "errors", "warnings", "infos", "findings", "oks"]
    assert document["store"] == patient.store.path and patient.ids() <= {"state_uses_none"}
    assert (document["errors"], document["warnings"]) == (0, 0) and document["oks"] > 40
    every = patient.look("--all")["findings"]
    assert {row["id"] for row in every} <= set(TABLE) and len(every) == len({row["id"] for row in every})
    for row in every:
        assert list(row) == ["severity", "id", "count", "examples", "reason", "mend"]
        assert row["severity"] != "ok" or (row["count"], row["mend"], row["examples"]) == (0, None, [])


def test_people_see_the_worst_first_and_commands_to_copy(patient):
    os.chmod(patient.store.file("store.db"), 0o644)
    out = patient.store.run("doctor", "--httpd", "none").out
    lines = out.splitlines()
    head = next(i for i, line in enumerate(lines) if line.split() == ["SEVERITY", "ID", "REASON"])
    assert lines[head + 1].split()[:2] == ["error", "file_mode"]
    assert "\n  chmod 600 %s  # file_mode\n" % patient.store.file("store.db") in out
    assert not re.search(r"^ok ", out, re.M) and re.search(r"^ok  +store_missing ", patient.store.run("doctor", "--all", "--httpd", "none").out, re.M)


def test_nothing_is_changed(patient):
    def seen():
        return [(at, name, os.lstat(os.path.join(at, name)).st_mtime_ns, os.lstat(os.path.join(at, name)).st_mode)
                for at, folders, files in os.walk(os.path.dirname(patient.store.path)) for name in sorted(folders + files)]

    before = seen()
    patient.look()
    assert seen() == before


def test_a_faulty_option_is_a_usage_error(store):
    for option, value, rc in (("--unused", "soon", 2), ("--user", "no-such-account", 3)):
        result = store.run("doctor", "--httpd", "none", option, value)
        assert (result.rc, result.out) == (rc, "") and value in result.err


# ---- files ----

def test_no_store_at_all(new_store):
    patient = Patient(new_store)
    assert "store_missing" in patient.ids()
    patient.run(patient.find("store_missing")["mend"] + " --group " + SERVER_GROUP)
    assert "store_missing" not in patient.ids()


@pytest.mark.parametrize("names, mode, id", [(["store.db"], 0o644, "file_mode"), (["store.db"], 0o622, "file_mode"),
                                             (["master.key"], 0o640, "file_mode"), (["pub", "store.db"], 0o644, "file_mode"),
                                             (["pub"], 0o755, "folder_open"), ([""], 0o711, "folder_open"),
                                             (["pub"], 0o770, "folder_unsafe"), ([""], 0o712, "folder_unsafe")])
def test_modes(patient, names, mode, id):  # SEC-09
    path = patient.store.file(*names).rstrip("/")
    os.chmod(path, mode)
    if id == "folder_unsafe" and mode == 0o770 and not IS_ROOT:
        pytest.skip("the caller's own group may write in his own folder")
    found = patient.find(id)
    assert path in found["reason"] and "%03o" % mode in found["reason"]
    patient.mend(id)
    patient.run("chmod 710 %s && chmod 750 %s" % (patient.store.path, patient.store.file("pub")))
    assert patient.look()["errors"] == 0


def test_the_state_file_is_looked_at_too(patient):
    os.chmod(patient.store.state, 0o666)
    patient.mend("file_mode")


@pytest.mark.parametrize("names", [["store.db"], ["master.key"], ["pub", "store.db"]])
def test_symlinks_and_second_names(patient, names):  # SEC-09
    path = patient.store.file(*names)
    elsewhere = os.path.join(os.path.dirname(patient.store.path), "elsewhere")
    os.rename(path, elsewhere)
    os.symlink(elsewhere, path)
    patient.mend("file_symlink")
    os.link(path, elsewhere)
    patient.mend("file_links")
    assert patient.look()["errors"] == 0


def test_what_is_no_file(patient):
    copy = patient.store.file("pub", "store.db")
    os.unlink(copy)
    os.mkfifo(copy, 0o600)
    patient.mend("file_kind")
    patient.mend("copy_missing")


@root_only
@pytest.mark.parametrize("names", [["store.db"], ["master.key"], ["pub", "store.db"]])
def test_owners(patient, names):  # SEC-09
    os.chown(patient.store.file(*names), 12345, -1)
    patient.mend("file_owner")


@root_only
def test_a_folder_of_somebody_else(patient):
    os.chown(os.path.dirname(patient.store.path), 12345, -1)
    found = patient.find("folder_unsafe")
    assert "12345" in found["reason"] and "store_unread" in patient.ids()
    patient.mend("folder_unsafe")
    assert "store_unread" not in patient.ids()


def test_what_others_can_change_is_not_read(patient):
    os.chmod(patient.store.file("store.db"), 0o666)
    assert "chmod" in patient.find("store_unread")["reason"]
    patient.mend("file_mode")
    assert patient.look()["errors"] == 0


def test_left_behind(patient):
    open(patient.store.file("pub", ".store.db.0123456789ab"), "w").close()
    patient.mend("file_left")


def test_the_backup_of_an_upgrade(patient):
    path = patient.store.file("store.db.before-2")
    open(path, "w").close()
    os.chmod(path, 0o600)
    patient.mend("file_backup")


def test_the_folder_of_the_copy_is_gone(patient):
    os.rename(patient.store.file("pub"), os.path.join(os.path.dirname(patient.store.path), "gone"))
    patient.mend("folder_missing")
    assert patient.look()["errors"] == 0


# ---- the master key ----

@pytest.mark.parametrize("text", [None, "no key\n"])
def test_no_master_key(patient, text):  # SEC-08
    path = patient.store.file("master.key")
    kept = os.path.join(os.path.dirname(patient.store.path), "kept.key")
    os.rename(path, kept)
    if text is not None:
        with open(path, "w") as out:
            out.write(text)
        os.chmod(path, 0o600)
    ids = patient.ids()
    assert {"master_unreadable", "unchecked"} <= ids and "store_damaged" not in ids
    patient.mend("master_unreadable", BACKUP=kept)
    assert patient.look()["errors"] == 0


def test_the_wrong_master_key(patient):  # SEC-08
    path = patient.store.file("master.key")
    kept = os.path.join(os.path.dirname(patient.store.path), "kept.key")
    os.rename(path, kept)
    with open(path, "w") as out:
        out.write("ab" * 32 + "\n")
    os.chmod(path, 0o600)
    assert "copy_damaged" not in patient.ids()
    patient.mend("master_wrong", BACKUP=kept)
    assert patient.look()["errors"] == 0


def test_no_master_key_from_elsewhere(patient):  # SEC-08
    found = patient.store.run("--json", "--master-key", "fd:9", "doctor", "--httpd", "none")
    rows = {row["id"]: row for row in json.loads(found.out)["findings"]}
    assert found.rc == 5 and rows["master_unreadable"]["mend"].endswith(" --master-key SOURCE doctor"), found


def test_another_master_key_that_opens_the_store(patient):  # SEC-05
    patient.sql("INSERT INTO master SELECT x'000102030405060708090a0b0c0d0e0f', check_value, mac, 1, 0, 0 FROM master")
    assert patient.find("master_other")["examples"] == ["000102030405060708090a0b0c0d0e0f"]
    patient.sql("DELETE FROM master WHERE created_at = 1")
    assert "master_other" not in patient.ids()


def test_an_older_master_key_is_retired(patient):  # SEC-06
    patient.store.json("master", "rotate")
    patient.mend("master_other")
    assert len(patient.store.json("master", "list")) == 1


# ---- store.db ----

@pytest.mark.parametrize("how", ["pages", "text", "cut", "empty"])
def test_a_damaged_store(patient, folder, how):
    many(patient, 100)
    kept = backup(patient, folder)
    path = patient.store.file("store.db")
    if how == "pages":
        damage(patient)
    elif how == "cut":
        os.truncate(path, os.path.getsize(path) // 2)
    else:
        with open(path, "wb") as out:
            out.write(b"x" * 8192 if how == "text" else b"")
    document = patient.look(rc=5)
    damaged = [row for row in document["findings"] if row["id"] == "store_damaged"]
    assert damaged and not [row for row in document["findings"] if row["id"] == "copy_damaged"], document
    patient.run(damaged[0]["mend"].replace("BACKUP", kept["BACKUP"]).replace("KEY", kept["KEY"]))
    assert patient.look()["errors"] == 0


def test_a_change_that_was_cut_off(patient):
    """A hot journal: doctor tells it and leaves it, the next command takes the change back."""
    program = ("import os, sqlite3, sys\n"
               "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
               "db.execute('PRAGMA cache_size=1'); db.execute('PRAGMA cache_spill=1'); db.execute('BEGIN IMMEDIATE')\n"
               "db.execute('UPDATE meta SET prefix = ?', ('zz',))\n"
               "for i in range(2000): db.execute('INSERT INTO role_parent VALUES(?, ?)', ('r%d' % i, 'x' * 300))\n"
               "os._exit(0)\n")
    before = patient.store.json("status")
    subprocess.run(["/usr/bin/python3", "-c", program, patient.store.file("store.db")], check=True, timeout=60)
    journal = patient.store.file("store.db-journal")
    assert os.path.getsize(journal) > 512
    os.chmod(journal, 0o600)
    patient.find("store_pending")
    assert os.path.getsize(journal) > 512
    patient.mend("store_pending")
    assert patient.store.json("status") == before


def test_a_store_of_a_later_program(patient):
    patient.sql("PRAGMA user_version = 99")
    assert "99" in patient.find("store_newer")["reason"]
    patient.sql("PRAGMA user_version = %d" % schema_version())
    assert "store_newer" not in patient.ids()


def schema_version():
    with open(os.path.join(TOP, "libapisec", "store", "schema.h")) as text:
        return int(re.search(r"APS_SCHEMA_VERSION (\d+)", text.read()).group(1))


def test_what_is_sealed_and_does_not_open(patient, folder):
    kept = backup(patient, folder)
    patient.sql("UPDATE wrapped SET blob = zeroblob(length(blob)) WHERE purpose = 'audit'")
    patient.mend("seal_damaged", **kept)


@pytest.mark.parametrize("what", ["secret_version SET blob = zeroblob(length(blob))", "secret_key SET name = 'webhook/other'"])
def test_a_secret_that_does_not_open(patient, folder, what):  # SEC-03, SEC-05
    patient.store.ok("webhook", "add", "pay", "--scheme", "github", "--generate")
    kept = backup(patient, folder)
    patient.sql("UPDATE " + what)
    assert 'the sealed secret "webhook/pay" is damaged' in patient.find("seal_damaged")["reason"]
    patient.mend("seal_damaged", **kept)


LINKS = [("role_parent_unknown", "INSERT INTO role_parent VALUES('reader', 'gone')"),
         ("role_grant_orphan", "INSERT INTO role_grant VALUES('gone', 'GET /x', 0)"),
         ("role_plan_unknown", "UPDATE role SET plan = 'gone'"),
         ("plan_empty", "INSERT INTO plan VALUES('bare', '', 1)"),
         ("certificate_orphan", "INSERT INTO certificate VALUES('san:dns:shop.example', 'gone', 1)")]


@pytest.mark.parametrize("id, statement", LINKS, ids=[id for id, _ in LINKS])
def test_what_names_what_is_not_there(patient, id, statement):
    patient.sql(statement)
    patient.mend(id)
    assert patient.look()["errors"] == 0


# ---- keys ----

def test_a_key_whose_record_is_damaged(patient, folder):
    kept = backup(patient, folder)
    patient.sql("UPDATE key SET record = substr(record, 1, length(record) - 1)")
    patient.mend("key_damaged", **kept)


def test_a_key_whose_role_is_gone(patient):
    patient.sql("DELETE FROM role", "DELETE FROM role_grant")
    assert "reader" in patient.find("key_role_unknown")["reason"]
    patient.mend("key_role_unknown")


def test_a_key_whose_plan_is_gone(patient):
    patient.store.ok("plan", "create", "gold", "--limit", "calls rate=9/s by=key")
    patient.store.ok("key", "set", "shop", "--plan", "gold")
    patient.sql("DELETE FROM plan", "DELETE FROM plan_limit")
    patient.mend("key_plan_unknown")


def test_a_key_that_ends_soon(patient):
    patient.store.ok("key", "set", "shop", "--expires", "13d")
    patient.mend("key_expiring")
    patient.store.ok("key", "set", "shop", "--expires", "60d")
    assert "key_expiring" not in patient.ids()
    patient.store.ok("role", "set", "reader", "--max-age", "300d", "--warn", "90d")
    patient.mend("key_expiring")


def test_a_key_without_end(patient):
    patient.store.ok("key", "set", "shop", "--expires", "4000d")
    patient.mend("key_endless")


def test_a_key_without_owner(patient):
    patient.store.ok("key", "set", "shop", "--owner", "none")
    patient.mend("key_ownerless", OWNER="shop")


def age(patient, days):
    """Makes the newest secret and the key itself older, in the form of record.h."""
    with sqlite3.connect(patient.store.file("store.db")) as db:
        (record,) = db.execute("SELECT record FROM key").fetchone()
        back = days * DAY
        created, made = (int.from_bytes(record[at:at + 8], "big") - back for at in (4, 45))
        record = record[:4] + created.to_bytes(8, "big") + record[12:45] + made.to_bytes(8, "big") + record[53:]
        db.execute("UPDATE key SET record = ?", (record,))
    patient.store.ok("publish")


def test_a_secret_that_is_too_old(patient):
    patient.store.ok("role", "set", "reader", "--max-age", "30d")
    age(patient, 31)
    assert "made at" in patient.find("key_secret_old")["reason"]
    patient.mend("key_secret_old")


def test_a_decoy_that_ends(patient):
    patient.store.ok("key", "create", "bait", "--decoy", "--expires", "2d")
    patient.mend("decoy_ended")


def test_a_secret_under_an_older_pepper(patient):
    with sqlite3.connect(patient.store.file("store.db")) as db:
        (record,) = db.execute("SELECT record FROM key").fetchone()
        db.execute("UPDATE key SET record = ?", (record[:40] + b"\0\0\0\0" + record[44:],))
    patient.mend("key_pepper_old")


def test_a_revoked_key_that_is_kept(patient):
    patient.store.ok("key", "revoke", "shop")
    assert "key_revoked_old" not in patient.ids()
    with sqlite3.connect(patient.store.file("store.db")) as db:
        (record,) = db.execute("SELECT record FROM key").fetchone()
        revoked = int.from_bytes(record[28:36], "big") - 366 * DAY
        db.execute("UPDATE key SET record = ?", (record[:28] + revoked.to_bytes(8, "big") + record[36:],))
    patient.mend("key_revoked_old")


def test_a_key_that_ended_long_ago(patient):
    with sqlite3.connect(patient.store.file("store.db")) as db:
        (record,) = db.execute("SELECT record FROM key").fetchone()
        expires = int.from_bytes(record[20:28], "big") - 400 * DAY
        db.execute("UPDATE key SET record = ?", (record[:20] + expires.to_bytes(8, "big") + record[28:],))
    patient.mend("key_expired")


def test_an_imported_digest(patient, folder):
    path = folder.write("keys.csv", "name,sha256,roles,owner\nold,%s,reader,shop\n" % ("0f" * 32), mode=0o600)
    patient.store.ok("key", "import", path)
    patient.mend("key_unexamined")


def test_many_are_counted_and_ten_are_named(patient):
    many(patient, 1200)
    found = patient.find("key_unexamined")
    assert found["count"] == 1200 and len(set(found["examples"])) == 10
    assert re.search(r"; 1200 such: (n\d{5}, ){10}\.\.\.$", patient.store.run("doctor", "--httpd", "none").out, re.M)


# ---- whom else the store believes ----

def test_a_webhook_whose_secrets_end(patient):  # WHK-05
    patient.store.ok("webhook", "add", "pay", "--scheme", "github", "--generate")
    patient.sql("UPDATE secret_version SET until = 1")
    patient.mend("webhook_mute")
    with sqlite3.connect(patient.store.file("store.db")) as db:
        db.execute("UPDATE secret_version SET until = created_at + ?", (2 * DAY,))
    patient.mend("webhook_ending")
    with sqlite3.connect(patient.store.file("store.db")) as db:
        db.execute("UPDATE secret_version SET created_at = created_at - ?, until = 0", (400 * DAY,))
    patient.mend("webhook_secret_old")


def test_secrets_that_come_to_their_age(patient):  # SEC-18
    for policy, found in (("warn", "secret_overdue"), ("refuse", "secret_refused")):
        patient.store.ok("secret", "set", "ledger", "--generate", "--max-age", "90d", "--warn", "14d", "--on-expiry", policy)
        assert not {"secret_due", "secret_overdue", "secret_refused"} & set(patient.ids())
        patient.sql("UPDATE secret_version SET created_at = created_at - %d" % (80 * DAY))
        patient.mend("secret_due")
        patient.sql("UPDATE secret_version SET created_at = created_at - %d" % (91 * DAY))
        patient.mend(found)


def test_signers_that_end(patient):
    public = subprocess.run("openssl genpkey -algorithm ed25519 | openssl pkey -pubout", shell=True, check=True,
                            capture_output=True, text=True).stdout
    for name, id, until in (("a", "signer_expiring", 2), ("b", "signer_expired", -2)):
        patient.store.ok("key", "signer", "add", "shop", "--keyid", name, "--alg", "ed25519", "--public", "-", "--expires",
                         "5d", input=public)
        with sqlite3.connect(patient.store.file("store.db")) as db:
            db.execute("UPDATE signer SET until = created_at + ?", (until * DAY,))
        patient.mend(id)
    patient.store.ok("key", "signer", "add", "shop", "--keyid", "c", "--alg", "ed25519", "--public", "-", input=public)
    patient.sql("UPDATE signer SET key = 'gone'")
    patient.mend("signer_orphan")


def test_issuers(patient, folder):
    ca = folder.write("ca.pem", "x")
    patient.store.ok("issuer", "add", "acme", "--issuer", "https://issuer.example", "--audience", "a", "--ca", ca)
    assert patient.ids() <= {"state_uses_none"}
    os.unlink(ca)
    patient.mend("issuer_ca")
    patient.store.ok("issuer", "add", "local", "--issuer", "http://127.0.0.1:8080", "--audience", "a", "--insecure-http",
                     "--private")
    assert "local" in patient.find("issuer_http")["reason"]
    patient.run(patient.find("issuer_http")["mend"].replace("--without", "--issuer https://127.0.0.1 --without"))
    assert "issuer_http" not in patient.ids()


def test_keys_of_an_issuer_that_cannot_be_used(patient, folder):
    keys = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
    patient.store.ok("issuer", "add", "own", "--issuer", "https://own.example", "--audience", "a", "--alg", "Ed25519", "--jwks",
                     folder.write("own.json", json.dumps(keys)))
    assert "issuer_keys" not in patient.ids()
    patient.sql("UPDATE issuer SET keys = '{\"keys\":[]}'")
    patient.mend("issuer_keys")


# ---- the published copy ----

@pytest.mark.parametrize("how", ["gone", "cut", "zeros"])
def test_a_copy_that_is_damaged(patient, how):
    copy = patient.store.file("pub", "store.db")
    if how == "gone":
        os.unlink(copy)
    elif how == "cut":
        os.truncate(copy, os.path.getsize(copy) // 2)
    else:
        with open(copy, "r+b") as out:
            out.write(b"\0" * 4096)
    patient.mend("copy_missing" if how == "gone" else "copy_damaged")


def test_a_copy_that_does_not_authenticate(patient):  # SEC-10
    with sqlite3.connect(patient.store.file("pub", "store.db")) as db:
        db.execute("UPDATE role SET created_at = created_at + 1")
    patient.mend("copy_damaged")


@pytest.mark.parametrize("how", ["gone", "changed", "open"])
def test_an_api_whose_file_cannot_be_used(patient, folder, how):  # POS-22
    made = patient.store.json("api", "import", "pet", folder.write("pet.json", "{}"))
    path = patient.store.file("pub", "api", made["digest"])
    if how == "gone":
        os.unlink(path)
    elif how == "open":
        os.chmod(path, 0o666)
    else:
        with open(path, "r+b") as out:
            out.write(b"x")
    assert "json-schema pet: " in patient.find("api_useless")["reason"]
    patient.mend("api_useless")


def test_a_foreign_file_among_those_of_apis(patient, folder):
    patient.store.ok("api", "import", "pet", folder.write("pet.json", "{}"))
    path = patient.store.file("pub", "api", "notes.txt")
    with open(path, "w") as out:
        out.write("x")
    assert patient.find("api_foreign")["reason"].startswith(path)
    patient.mend("api_foreign")


@root_only
def test_an_api_that_the_children_cannot_read(patient, folder):  # CLI-12
    made = patient.store.json("api", "import", "pet", folder.write("pet.json", "{}"))
    os.chmod(patient.store.file("pub", "api", made["digest"]), 0o600)
    assert SERVER_USER in patient.find("copy_unreachable")["reason"]
    patient.store.ok("publish")
    assert "copy_unreachable" not in patient.ids()


def test_an_older_copy(patient):
    copy = patient.store.file("pub", "store.db")
    with open(copy, "rb") as have:
        older = have.read()
    patient.store.role_create("writer", "PUT /a")
    with open(copy, "r+b") as out:
        out.write(older)
        out.truncate()
    patient.mend("copy_old")


@root_only
@pytest.mark.parametrize("names, mode", [([""], 0o700), (["pub"], 0o700), (["pub", "store.db"], 0o600)])
def test_a_copy_that_the_children_cannot_reach(patient, names, mode):  # CLI-12
    path = patient.store.file(*names).rstrip("/")
    os.chmod(path, mode)
    found = patient.find("copy_unreachable")
    assert SERVER_USER in found["reason"] and found["reason"].endswith(path)
    patient.mend("copy_unreachable")


@root_only
def test_a_copy_of_another_group(patient):
    os.chown(patient.store.file("pub"), -1, 0)
    patient.mend("copy_unreachable")
    assert patient.ids("--user", "daemon") >= {"copy_unreachable"}


# ---- the state file ----

def test_no_state_file(patient):
    os.unlink(patient.store.state)
    assert patient.store.state in patient.find("state_missing")["reason"]
    StateFile(patient.store.state, patient.store).limit("calls rate=10/s by=key").write()  # as httpd does when it starts
    assert "state_missing" not in patient.ids()


def test_a_damaged_state_file(patient):
    with open(patient.store.state, "r+b") as out:
        out.write(b"\0" * 4096)
    assert patient.find("state_damaged")["mend"].startswith("mv -T %s " % patient.store.state)


def test_a_state_file_of_before_the_boot(patient):
    StateFile(patient.store.state, patient.store).reboot().write()
    patient.find("state_stale")
    StateFile(patient.store.state, patient.store).restart().write()
    assert "state_stale" not in patient.ids()


def test_a_table_that_is_full(patient):
    full = StateFile(patient.store.state, patient.store).bind("calls rate=1000000/d by=key")
    for i in range(1500):
        full.charge(5, key="k%d" % i)
    full.write()
    assert "1024 cells" in patient.find("state_full")["reason"]


def test_without_rows_no_use_is_known(patient):
    """harness/statefile.py keeps no last uses."""
    assert "ApiSecLastUse is 0" in patient.find("state_uses_none")["reason"]


# ---- clocks ----

def test_a_program_of_tomorrow(patient, folder):
    path = folder.path("apisecctl")
    subprocess.run(["cp", Store.program, path], check=True, timeout=60)
    for days, found in ((1, True), (0, False)):
        os.utime(path, (time.time() + days * 86400,) * 2)
        out = subprocess.run([path, "--store", patient.store.path, "--json", "doctor", "--httpd", "none"], capture_output=True, text=True,
                             timeout=60).stdout
        assert ("clock_build" in {row["id"] for row in json.loads(out)["findings"]}) is found


def test_a_change_of_tomorrow(patient):
    with sqlite3.connect(patient.store.file("store.db")) as db:
        db.execute("UPDATE change SET at = at + ?", (DAY,))
    patient.find("clock_changes")
    with sqlite3.connect(patient.store.file("store.db")) as db:
        db.execute("UPDATE change SET at = at - ?", (DAY,))
    assert "clock_changes" not in patient.ids()


# ---- what httpd tells ----

def httpd(folder, text, code=0, mode=0o755):
    """A program that prints this, whatever it is asked."""
    folder.write("dump", text)
    return folder.write("fake", "#!/bin/sh\ncat %s\nexit %d\n" % (folder.path("dump"), code), mode=mode)


def dump(*lines):
    return "".join(json.dumps(line) + "\n" for line in ({"dump": 1, "version": "0", "findings": 0},) + lines)


def site_line(patient, **members):
    return dict({"store": patient.store.path, "host": "a:80", "master": "file:" + patient.store.file("master.key"), "engine": "On",
                 "state": patient.store.state, "user": SERVER_USER, "group": SERVER_GROUP}, **members)


def test_what_httpd_finds_is_told(patient, folder):
    path = httpd(folder, dump(site_line(patient), {"finding": "tls_low", "severity": "error", "file": "/etc/x.conf", "line": 7,
                                                   "host": "a:443", "reason": "TLS 1.0 is on", "mend": "SSLProtocol +TLSv1.3"}))
    row = {row["id"]: row for row in patient.look("--httpd", path, rc=5)["findings"]}["tls_low"]
    assert (row["severity"], row["reason"], row["mend"]) == ("error", "/etc/x.conf:7: TLS 1.0 is on", "SSLProtocol +TLSv1.3")
    assert not [id for id in patient.ids("--httpd", path) if id.startswith("httpd_")]


@pytest.mark.parametrize("id, text", [
    ("httpd_unread", '{"dump":1}\n{"dump":\n'), ("httpd_unread", '{"dump":2}\n'), ("httpd_unread", "{" * 100000),
    ("httpd_unread", '{"dump":1}\n{"finding":"x","severity":"fatal","reason":"r"}\n'),
    ("httpd_unread", '{"dump":1}\n{"finding":"\u001b[0m","severity":"error","reason":"r"}\n'),
    ("httpd_unasked", ""), ("httpd_unasked", "Syntax OK\n"), ("httpd_other_store", '{"dump":1}\n'),
    ("httpd_unasked", "x" * 5000000)], ids=range(9))
def test_what_httpd_prints_is_not_believed(patient, folder, id, text):
    path = httpd(folder, text)
    assert TABLE[id] == "warning" and id in patient.ids("--httpd", path)
    folder.write("dump", dump(site_line(patient)))
    assert not [id for id in patient.ids("--httpd", path) if id.startswith("httpd_")]


def test_httpd_uses_other_places(patient, folder):
    other = folder.path("other")
    path = httpd(folder, dump(site_line(patient, master="file:" + other, state=other)))
    assert {"httpd_other_master", "httpd_other_state"} <= patient.ids("--httpd", path)
    assert patient.find("httpd_other_state", "--httpd", path)["mend"].split()[-3:] == ["--state", other, "doctor"]


@root_only
def test_the_account_that_httpd_tells(patient, folder):
    path = httpd(folder, dump(site_line(patient, user="daemon", group="daemon")))
    assert "daemon" in patient.find("copy_unreachable", "--httpd", path)["reason"]
    path = httpd(folder, dump(site_line(patient, user="no-such-account")))
    assert "account" in patient.find("httpd_unread", "--httpd", path)["reason"]


def test_a_program_that_is_not_run(patient, folder):
    assert "httpd_unasked" in patient.ids("--httpd", folder.path("nothing"))
    marked = folder.path("ran")
    path = folder.write("fake", "#!/bin/sh\n> %s\n" % marked, mode=0o777)
    assert "httpd_unasked" in patient.ids("--httpd", path) and not os.path.exists(marked)
    os.chmod(path, 0o755)
    assert "httpd_unasked" in patient.ids("--httpd", path) and os.path.exists(marked)


def test_an_httpd_that_nobody_named_and_that_has_no_such_module(patient):
    """Whoever asks nobody in particular is not told that something is wrong with what has nothing to do with it."""
    with open(os.path.join(BUILD, "apisecctl", "Makefile")) as text:
        httpd = re.search(r"^HTTPD = (.*)$", text.read(), re.M).group(1)
    beside = [os.path.join(os.path.dirname(httpd), name) for name in ("apachectl", "apache2ctl")]
    program = ([path for path in beside if os.access(path, os.X_OK)] + [httpd])[0]
    asked = subprocess.run([program, "-t", "-D", "DUMP_APISEC"], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    if asked.returncode or '"dump"' in asked.stdout:
        pytest.skip("the httpd of this machine has the module, or a configuration that is at fault")
    found = patient.store.run("--json", "doctor")
    rows = {row["id"]: row["severity"] for row in json.loads(found.out)["findings"]}
    assert found.rc == 0 and rows["httpd_without"] == "info" and "httpd_unasked" not in rows, found
    assert "httpd_unasked" in patient.ids("--httpd", program)


# ---- by somebody else ----

@root_only
def test_an_account_that_may_not_look(patient):
    result = patient.store.run("--json", "doctor", "--httpd", "none", user="daemon", group="daemon", extra_groups=[])
    assert result.rc == 5, result
    rows = json.loads(result.out)["findings"]
    assert [row for row in rows if row["id"] in ("unchecked", "folder_unsafe", "store_missing")], rows


@root_only
def test_a_store_of_an_account_that_is_not_root():
    """Who is not root looks at his own store, as his own httpd would."""
    with Folder() as folder:
        os.chown(folder.root, 1, 1)
        store = Store(folder.path("store"), folder.path("state"))
        as_daemon = {"user": 1, "group": 1, "extra_groups": []}
        assert store.run("init", "--group", "1", **as_daemon).rc == 0
        assert store.run("role", "create", "r", "--grant", "GET /a", **as_daemon).rc == 0
        found = json.loads(store.run("--json", "doctor", "--httpd", "none", **as_daemon).out)
        assert {row["id"] for row in found["findings"]} - HOST == {"state_missing"}, found
        os.chmod(store.file("pub"), 0o700)
        found = json.loads(store.run("--json", "doctor", "--httpd", "none", "--user", SERVER_USER, **as_daemon).out)
        assert "copy_unreachable" in {row["id"] for row in found["findings"]}


# ---- the table ----

def test_every_finding_is_provoked():
    """A row that no test names is a row that nobody knows to work."""
    tests = os.path.join(TOP, "tests")
    named = ""
    for name in ("ctl/test_doctor.py", "httpd/test_doctor_server.py"):
        with open(os.path.join(tests, name)) as text:
            named += text.read()
    assert len(TABLE) > 50 and not [id for id in TABLE if '"%s"' % id not in named]


def test_no_secret_is_shown(patient):  # SEC-14
    with open(patient.store.file("master.key")) as text:
        master = text.read().strip()
    key = patient.store.key_create("shown", role="reader")["key"]
    damage(patient, at=0.3)
    out = patient.store.run("--json", "doctor", "--httpd", "none", "--all").out
    assert master not in out and key not in out
