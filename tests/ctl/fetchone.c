/* Fetches one document with the core's own code, and says what became of it.
 *
 *     fetchone URL [ca=FILE] [private] [http] [max=BYTES] [total=MS] [form=TEXT]
 *
 * "STATUS TYPE BYTES ADDRESS" and exit code 0; or a sentence and that of the error. */
#include <apr_general.h>
#include <apr_pools.h>
#include <stdio.h>
#include <stdlib.h>

#include "apisec/fetch.h"

static bool read_option(const char *arg, struct aps_fetch_options *out)
{
    if (strncmp(arg, "ca=", 3) == 0)
        out->ca = arg + 3;
    else if (strcmp(arg, "private") == 0)
        out->private_net = true;
    else if (strcmp(arg, "http") == 0)
        out->insecure_http = true;
    else if (strncmp(arg, "max=", 4) == 0)
        out->body_max = (size_t)strtoul(arg + 4, NULL, 10);
    else if (strncmp(arg, "total=", 6) == 0)
        out->total_max = (aps_nsec)strtol(arg + 6, NULL, 10) * APS_MSEC;
    else if (strncmp(arg, "form=", 5) == 0)
        out->form = aps_str(arg + 5);
    else
        return false;
    return true;
}

int main(int argc, char *argv[])
{
    struct aps_fetch_options options = {.ca = NULL};
    struct aps_fetch_answer answer;
    struct aps_diag diag = {{0}};
    apr_pool_t *pool = NULL;
    if (argc < 2 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 2;
    for (int i = 2; i < argc; i++)
        if (!read_option(argv[i], &options))
            return 2;
    enum aps_err err = aps_fetch(aps_str(argv[1]), &options, pool, &answer, &diag);
    if (err == APS_OK)
        printf("%u %.*s %zu %s\n", answer.status, APS_STR_ARG(answer.type), answer.body.n,
               answer.address);
    else
        printf("%s: %s\n", aps_err_name(err), diag.text);
    apr_pool_destroy(pool);
    return err == APS_OK ? 0 : 1;
}
