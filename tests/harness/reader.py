"""Somebody who does what a page of the manual says, in a folder that is a root of its own."""

import os
import re
import subprocess

from .page import matches
from .place import BUILD, SERVER_GROUP, TOP, wait_for
from .store import Store

# Commands that ask: a log line comes when httpd has written it, and a change is seen within a second.
ASKING = re.compile(r"(ask|cat|curl|fail2ban-regex|goaccess|grep|jq|tail)\b")
# Folders of the page that lie below the reader's root instead.
MOVED = re.compile(r"(?<![\w./@-])/(?:var|etc|srv|usr/lib/apache2/modules|usr/local/sbin)(?=[/\s\"'>]|$)", re.M)
# Programs of the system that the reader has to do without, and what does their work.
STAND_INS = {
    # What a reader installs is what tests/run installs, or what brings a service.
    "apt-get": """
for name do
    case $name in
    install|-*|apache2) ;;
    *) grep -qx "$name" @TOP@/tests/packages || { echo "$name: not in tests/packages"; exit 1; } ;;
    esac
done""",
    "apachectl": """
httpd_t() { LD_PRELOAD=@PRELOAD@ ASAN_OPTIONS=detect_leaks=0 @HTTPD@ -f @ROOT@/httpd.conf -t "$@"; }
case $1 in
-t|configtest) shift; httpd_t "$@"; exit ;;
graceful|restart) ;;
*) echo "apachectl $1: not known here"; exit 1 ;;
esac
httpd_t 2> /dev/null || exit 1
begun() { grep -c 'resuming normal operations' @LOGS@/error.log; }
before=$(begun) sign=USR1
[ $1 = graceful ] || sign=HUP
kill -$sign "$(cat @ROOT@/run/httpd.pid)"
until [ "$(begun)" -gt "$before" ]; do sleep 0.02; done""",
    "a2enmod": """
cd @ROOT@/etc/apache2
for name do
    if [ -e @LIBEXEC@/mod_$name.so ]; then
        echo "LoadModule ${name}_module @LIBEXEC@/mod_$name.so" > mods-enabled/$name.load
        continue
    fi
    ls mods-available/$name.* > /dev/null || exit 1
    for file in mods-available/$name.*; do
        sed -E 's;([ "])(/var/|/usr/lib/apache2/modules/mod_apisec);\\1@ROOT@\\2;g' $file > mods-enabled/${file##*/}
    done
done""",
    "a2enconf": """
cd @ROOT@/etc/apache2/conf-enabled
for name do ln -sf ../conf-available/$name.conf .; done""",
    "a2dismod": """
cd @ROOT@/etc/apache2/mods-enabled
for name do rm $name.*; done""",
    # On a copy of what the package brings, but its jail for sshd, which has no log here.
    "fail2ban-client": """
cp -rn /etc/fail2ban/. @ROOT@/etc/fail2ban
rm @ROOT@/etc/fail2ban/jail.d/defaults-debian.conf
sed -i 's;= /var/log;= @ROOT@/var/log;' @ROOT@/etc/fail2ban/jail.d/apisec.conf
exec /usr/bin/fail2ban-client -c @ROOT@/etc/fail2ban "$@" """,
}
INCLUDES = "".join("IncludeOptional @ROOT@/etc/apache2/%s\n" % name
                   for name in ("mods-enabled/*.load", "mods-enabled/*.conf", "conf-enabled/*.conf"))


class Reader:
    """Reader(folder, server).do(step) for each step of a page; `replaced` are (page's words, ours)."""

    def __init__(self, folder, server, replaced=()):
        self.folder, self.server = folder, server
        self.replaced = list(replaced)
        self.prelude, self.whole = "", ""
        self.where = folder.path("where")
        self.home = folder.path("home")
        for name in ("home", "bin", "etc/apache2/mods-available", "etc/apache2/mods-enabled",
                     "etc/apache2/conf-available", "etc/apache2/conf-enabled",
                     "var/lib", "var/log", "var/www", "var/backups", "etc/fail2ban/filter.d", "etc/fail2ban/jail.d", "usr/local/sbin", "srv"):
            os.makedirs(folder.path(name), exist_ok=True)
        os.symlink(server.logs, folder.path("var/log/apache2"))
        os.symlink(server.docs, folder.path("var/www/html"))
        server.state = folder.path("var/lib/apisec/apisec.state")
        for name, text in STAND_INS.items():
            folder.write("bin/" + name, "#!/bin/sh" + self._placed(text) + "\n", 0o755)
        # localhost and every other name are the server of the test.
        folder.write("home/.curlrc", "noproxy = \"*\"\n" + "".join(
            "connect-to = \":%d:127.0.0.1:%d\"\n" % at for at in zip((80, 443), server.ports)))
        path = [folder.path("usr/sbin"), folder.path("bin"), os.path.join(BUILD, "apisecctl"), os.environ["PATH"]]
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("APISEC_", "MAKE", "MFLAGS"))}
        self.env.update(PATH=":".join(path), HOME=self.home, LC_ALL="C", APISEC_STORE=folder.path("var/lib/apisec"),
                        APISEC_STATE=server.state)

    def _placed(self, text):
        for name, value in (("ROOT", self.folder.root), ("TOP", TOP), ("LOGS", self.server.logs),
                            ("HTTPD", self.server.program), ("LIBEXEC", self.server.libexec),
                            ("PRELOAD", os.environ.get("APISEC_SANITIZE", ""))):
            text = text.replace("@%s@" % name, value)
        return text

    def localised(self, text):
        for old, new in self.replaced:
            text = text.replace(old, self._placed(new))
        text = MOVED.sub(lambda found: self.folder.root + found[0], text)
        for at in zip((80, 443), self.server.ports):
            text = text.replace("<VirtualHost *:%d>" % at[0], "<VirtualHost *:%d>" % at[1])
        return text

    def begin(self, installed=True):
        """An httpd that does not know the module yet, or one that guide-install.md has been done for."""
        self.server.load = installed
        if installed:
            Store(self.folder.path("var/lib/apisec"), self.server.state).ok("init", "--group", SERVER_GROUP)
            with open(os.path.join(TOP, "conf/apisec.conf")) as seen:
                self.folder.write("etc/apache2/mods-enabled/apisec.conf", self.localised(seen.read()))
        self._put_in_force()
        self.server.start()

    def do(self, step):
        if step.path:
            self._write(step)
        elif step.kind == "apache":
            self._configure(step.text)
        else:
            self._type(step.text, step.expected)

    def _write(self, step):
        """A file of httpd's is put in force, whether the page says a2enconf again or not."""
        path = self.folder.write(self.localised(step.path)[len(self.folder.root) + 1:], self.localised(step.text))
        if "/conf-available/" in path:
            link = path.replace("/conf-available/", "/conf-enabled/")
            if not os.path.lexists(link):
                os.symlink(path, link)
            self._graceful()

    def _configure(self, text):
        if "ApiSecStore " in text:
            self.whole, self.server.load = "", True
            if os.path.exists(self.folder.path("etc/apache2/mods-enabled/apisec.conf")):
                os.unlink(self.folder.path("etc/apache2/mods-enabled/apisec.conf"))
        self.whole += self.localised(text)
        self._put_in_force()
        self._graceful()

    def _put_in_force(self):
        self.server.configure("LogLevel warn mpm_event:notice\n" + INCLUDES + self.whole)

    def _graceful(self):
        code, said = self.server.configtest()
        assert code == 0, said
        self.server.graceful()

    def sh(self, text):
        """(exit code, output) of these commands, typed where the last ones left off."""
        script = "%s\n[ ! -e %s ] || . %s\n%s\n" % (self.prelude, self.where, self.where, self.localised(text))
        script += "{ echo \"cd '$PWD'\"; echo umask $(umask); } > %s\n" % self.where
        done = subprocess.run(["sh", "-e", "-c", script], env=self.env, cwd=self.home, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        return done.returncode, done.stdout.decode().replace("\r", "")

    def _type(self, text, expected):
        if re.match(r"\w+\(\)", text):
            self.prelude += self.localised(text)
        said = []

        def right():
            code, got = self.sh(text)
            said.append("%s-> exit %d\n%s" % (text, code, got))
            good = code == 0 and (expected is None or matches(self.localised(expected), got))
            assert good or ASKING.match(text), said[-1]
            return good
        try:
            wait_for(right, 15, "the page's answer")
        except (TimeoutError, AssertionError):
            raise AssertionError("%s\nthe page says:\n%s" % (said[-1], expected)) from None
        print(said[-1])
