// send.mjs METHOD TARGET [BODY]: a request signed by hmac-sha256; see docs/guide-signatures.md.
// Environment: API (https://HOST), AUTHORITY (HOST), KEYID, SECRET (a file).
import { createHash, createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

const { API, AUTHORITY, KEYID, SECRET } = process.env, [method, target, body = ""] = process.argv.slice(2), [path, query = ""] = target.split(/\?(.*)/s);
const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
const cover = { "@method": method, "@authority": AUTHORITY, "@path": path, "@query": `?${query}`, "content-digest": digest };
const names = Object.keys(cover).map((name) => `"${name}"`).join(" ");
const params = `(${names});created=${Math.floor(Date.now() / 1000)};keyid="${KEYID}";nonce="${randomBytes(16).toString("hex")}"`;
const base = Object.entries(cover).map(([name, value]) => `"${name}": ${value}\n`).join("") + `"@signature-params": ${params}`;
const mac = createHmac("sha256", readFileSync(SECRET, "utf8").trim()).update(base).digest("base64");
const headers = { "Content-Digest": digest, "Signature-Input": `sig=${params}`, Signature: `sig=:${mac}:`, "Content-Type": "application/json" };
const answer = await fetch(API + target, { method, headers, body: body || undefined });
process.stdout.write(await answer.text());
process.exitCode = answer.ok ? 0 : 22;
