// Signs what a JSON array on stdin asks for, with the senders' and clients' own libraries -> an array of fields.
import { constants, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhooks } from "@octokit/webhooks";
import { createSigner, httpbis } from "http-message-signatures";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

// The library signs rsa-pss-sha512 with as long a salt as fits, where RFC 9421 3.3.1 says 64 bytes: that one is its user's.
function signerOf(alg, key, keyid, salt) {
    const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt };
    return salt ? { id: keyid, alg, sign: async (data) => sign("sha512", data, options) } : createSigner(key, alg, keyid);
}

const signers = {
    async standard({ secret, body, id }) {
        const now = new Date();
        return { "webhook-id": id, "webhook-timestamp": String(Math.floor(now / 1000)), "webhook-signature": new Webhook(secret).sign(id, now, body) };
    },
    async stripe({ secret, body }) {
        return { "Stripe-Signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret }) };
    },
    async github({ secret, body }) {
        return { "X-Hub-Signature-256": await new Webhooks({ secret }).sign(body) };
    },
    async request({ alg, key, keyid, salt, cover, nonce, method, url, headers }) {
        const params = ["created", "keyid", "alg", ...(nonce ? ["nonce"] : [])];
        const config = { key: signerOf(alg, key, keyid, salt), fields: cover, params, paramValues: { nonce } };
        return (await httpbis.signMessage(config, { method, url, headers })).headers;
    },
};

const asked = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await Promise.all(asked.map((one) => signers[one.by](one)))));
