#!/bin/sh
# send.sh METHOD TARGET [BODY]: a request signed by hmac-sha256; see docs/guide-signatures.md.
# openssl is told the secret in an argument: where others could see it, take one of the other two.
# Environment: API (https://HOST), AUTHORITY (HOST), KEYID, SECRET (a file).
method=$1 path=${2%%\?*} body=${3-}
case $2 in *\?*) query="?${2#*\?}" ;; *) query="?" ;; esac
digest="sha-256=:$(printf %s "$body" | openssl dgst -sha256 -binary | openssl base64 -A):"
params="(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\");created=$(date +%s);keyid=\"$KEYID\";nonce=\"$(openssl rand -hex 16)\""
mac=$(printf '"@method": %s\n"@authority": %s\n"@path": %s\n"@query": %s\n"content-digest": %s\n"@signature-params": %s' \
    "$method" "$AUTHORITY" "$path" "$query" "$digest" "$params" |
    openssl dgst -sha256 -mac HMAC -macopt "key:$(cat "$SECRET")" -binary | openssl base64 -A)
curl -s -f -X "$method" -H "Content-Digest: $digest" -H "Signature-Input: sig=$params" -H "Signature: sig=:$mac:" \
    ${body:+-H 'Content-Type: application/json' --data-binary "$body"} "$API$2"
