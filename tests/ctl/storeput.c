/* Puts what a test needs into a store, with the store's own code; the secret or key comes on stdin.
 *
 *     storeput STORE webhook NAME SCHEME [FIELD PREFIX [TIME-FIELD]]
 *     storeput STORE rotate NAME
 *     storeput STORE signer KEYID ALGORITHM KEY [UNTIL]     the public key is SPKI in DER */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apisec/master.h"
#include "apisec/num.h"
#include "apisec/store.h"

static struct aps_diag diag;

static void must(enum aps_err err)
{
    if (err == APS_OK)
        return;
    fprintf(stderr, "storeput: %s\n", aps_err_say(err, &diag));
    exit(1);
}

static struct aps_str read_input(void)
{
    static char text[8192];
    return (struct aps_str){text, fread(text, 1, sizeof text, stdin)};
}

static enum aps_err put_webhook(struct aps_store *st, int argc, char *argv[])
{
    struct aps_hook hook = {.name = aps_str(argv[3])};
    hook.spec.scheme = aps_webhook_scheme(aps_str(argv[4]));
    hook.spec.window = APS_WEBHOOK_WINDOW;
    if (argc > 6) {
        hook.spec.signature_field = argv[5];
        hook.spec.prefix = aps_str(argv[6]);
    }
    hook.spec.time_field = argc > 7 ? argv[7] : NULL;
    return aps_store_webhook_add(st, &hook, read_input(), &diag);
}

static enum aps_err put_signer(struct aps_store *st, int argc, char *argv[])
{
    struct aps_str input = read_input(), none = {NULL, 0};
    uint64_t until = 0;
    if (argc > 6)
        must(aps_num_parse(aps_str(argv[6]), 0, INT32_MAX, &until, &diag));
    struct aps_signer signer = {
        .keyid = aps_str(argv[3]),
        .alg = aps_alg_from_httpsig(aps_str(argv[4])),
        .key = aps_str(argv[5]),
        .until = (aps_nsec)until * APS_SEC,
    };
    bool secret = aps_alg_key(signer.alg) == APS_ALG_KEY_SECRET;
    signer.public = secret ? none : input;
    return aps_store_signer_add(st, &signer, secret ? input : none, &diag);
}

static enum aps_err put(struct aps_store *st, int argc, char *argv[])
{
    if (argc > 4 && strcmp(argv[2], "webhook") == 0)
        return put_webhook(st, argc, argv);
    if (argc > 5 && strcmp(argv[2], "signer") == 0)
        return put_signer(st, argc, argv);
    if (argc > 3 && strcmp(argv[2], "rotate") == 0)
        return aps_store_webhook_rotate(st, aps_str(argv[3]), read_input(), APS_HOUR, &diag);
    return APS_ERR_USAGE;
}

int main(int argc, char *argv[])
{
    static const struct aps_store_actor actor = {
        .login = "", .sudo = "", .tty = "", .host = "test", .command = "storeput"};
    struct aps_secret master = {NULL, 0};
    struct aps_store *st = NULL;
    char source[4096];
    if (argc < 4 || apr_initialize() != APR_SUCCESS)
        return 2;
    snprintf(source, sizeof source, "file:%s/master.key", argv[1]);
    must(aps_master_load(source, &master, &diag));
    struct aps_store_open how = {.dir = argv[1],
                                 .master = &master,
                                 .mode = APS_STORE_WRITE,
                                 .now = aps_clock_wall(),
                                 .actor = &actor};
    must(aps_store_open(&how, &st, &diag));
    must(put(st, argc, argv));
    must(aps_store_commit(st, &diag));
    aps_store_close(st);
    aps_secret_wipe(&master);
    return 0;
}
