// An authorization server by oidc-provider, until stdin ends: serve.mjs CERT KEY SECRET AUDIENCE... -> a line "issuer URL".
// A client's tokens are signed by the algorithm that it is named by; those of "opaque" are no JWT, and "api" asks about them.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import Provider, { errors } from "oidc-provider";

const [cert, key, secret, ...audiences] = process.argv.slice(2);
const kinds = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519"] };

function privateKey(alg) {
    return { ...generateKeyPairSync(...kinds[alg]).privateKey.export({ format: "jwk" }), kid: `key-${alg}`, alg, use: "sig" };
}

function resourceServer(ctx, audience, { clientId }) {
    if (!audiences.includes(audience))
        throw new errors.InvalidTarget();
    const format = clientId in kinds ? { accessTokenFormat: "jwt", jwt: { sign: { alg: clientId } } } : { accessTokenFormat: "opaque" };
    return { audience, scope: "orders:read orders:write", ...format };
}

const client = { client_secret: secret, redirect_uris: [], response_types: [], grant_types: ["client_credentials"] };
const configuration = {
    clients: [...Object.keys(kinds), "opaque", "api"].map((name) => ({ ...client, client_id: name })),
    jwks: { keys: Object.keys(kinds).map(privateKey) },
    extraTokenClaims: () => ({ groups: ["staff"] }),
    features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        dPoP: { enabled: true },
        introspection: { enabled: true, allowedPolicy: (ctx, { clientId }) => clientId === "api" },
        resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
        revocation: { enabled: true },
    },
    ttl: { ClientCredentials: 600 },
};

const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
server.listen(0, "127.0.0.1", () => {
    const issuer = `https://127.0.0.1:${server.address().port}`;
    server.on("request", new Provider(issuer, configuration).callback());
    console.log(`issuer ${issuer}`);
});
process.stdin.resume().on("end", () => process.exit());
