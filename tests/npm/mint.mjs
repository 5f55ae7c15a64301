// Keys and tokens by jose, as identity providers and clients make them: a JSON array on stdin -> an array of {jwk, token, proof}.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";

async function mint({ alg, claims, bound }) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const kid = `${alg}-${bound ?? "plain"}`;
    const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
    const holder = bound && (await generateKeyPair(bound, { extractable: true }));
    const own = holder && (await exportJWK(holder.publicKey));
    const cnf = holder ? { cnf: { jkt: await calculateJwkThumbprint(own) } } : {};
    const token = await new SignJWT({ ...claims, ...cnf }).setProtectedHeader({ alg, kid, typ: "at+jwt" })
        .setIssuedAt().setExpirationTime("5m").setJti(kid).sign(privateKey);
    if (!holder)
        return { jwk, token };
    const ath = createHash("sha256").update(token).digest("base64url");
    const proof = await new SignJWT({ htm: "GET", htu: "https://api.example/orders/7.json", ath }).setIssuedAt().setJti("p" + kid)
        .setProtectedHeader({ alg: bound, typ: "dpop+jwt", jwk: own }).sign(holder.privateKey);
    return { jwk, token, proof };
}

const asked = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await Promise.all(asked.map(mint))));
