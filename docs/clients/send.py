# send.py METHOD TARGET [BODY]: a request signed by hmac-sha256; see docs/guide-signatures.md.
# Environment: API (https://HOST), AUTHORITY (HOST), KEYID, SECRET (a file).
import base64, hashlib, hmac, os, sys, time, urllib.request

method, target, body = sys.argv[1], sys.argv[2], "".join(sys.argv[3:]).encode()
path, _, query = target.partition("?")
digest = "sha-256=:%s:" % base64.b64encode(hashlib.sha256(body).digest()).decode()
cover = {"@method": method, "@authority": os.environ["AUTHORITY"], "@path": path, "@query": "?" + query, "content-digest": digest}
params = '(%s);created=%d;keyid="%s";nonce="%s"' % (" ".join('"%s"' % name for name in cover), time.time(), os.environ["KEYID"], os.urandom(16).hex())
base = "".join('"%s": %s\n' % line for line in cover.items()) + '"@signature-params": ' + params
mac = base64.b64encode(hmac.new(open(os.environ["SECRET"]).read().strip().encode(), base.encode(), hashlib.sha256).digest()).decode()
fields = {"Content-Digest": digest, "Signature-Input": "sig=" + params, "Signature": "sig=:%s:" % mac, "Content-Type": "application/json"}
sys.stdout.buffer.write(urllib.request.urlopen(urllib.request.Request(os.environ["API"] + target, body or None, fields, method=method)).read())
