/* What a section takes of GraphQL: lists of documents that are allowed. */
#include "content.h"

#include <apr_strings.h>
#include <unistd.h>

#include "apisec/file.h"

#define LIST_BYTES_MAX (4 << 20)
#define HEX_LEN (2 * (size_t)APS_DIGEST_LEN)

/* A digest, and behind it what sha256sum puts there: a blank and the name of a file. */
static bool read_row(struct aps_str line, bool reads, struct aps_graphql_known *out)
{
    const struct aps_str hex = {line.p, line.n < HEX_LEN ? line.n : HEX_LEN};
    return aps_graphql_known_parse(hex, reads, out) == APS_OK &&
           (line.n == HEX_LEN || line.p[HEX_LEN] == ' ');
}

/* The rows of `text` behind those that are there. */
static const char *add_rows(apr_pool_t *pool, const char *path, struct aps_str text, bool reads,
                            apr_array_header_t *rows)
{
    const int before = rows->nelts;
    struct aps_str line;
    for (unsigned number = 1; aps_str_next(&text, '\n', &line); number++) {
        line = aps_str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (!read_row(line, reads, apr_array_push(rows)))
            return apr_psprintf(pool,
                                "%s line %u: want the 64 digits of a SHA-256, in lower case, as "
                                "sha256sum prints it",
                                path, number);
    }
    return rows->nelts != before ? NULL : apr_psprintf(pool, "%s: lists no document", path);
}

/* One of each, which may come by GET where one of its rows says so. */
static size_t join_rows(struct aps_graphql_known *rows, size_t n)
{
    size_t to = 0;
    aps_graphql_known_sort(rows, n);
    for (size_t i = 1; i < n; i++)
        if (memcmp(rows[i].sum, rows[to].sum, sizeof rows[i].sum) == 0)
            rows[to].reads |= rows[i].reads;
        else
            rows[++to] = rows[i];
    return to + 1;
}

const char *mod_graphql_words_allow(cmd_parms *cmd, const char *path, bool reads,
                                    const struct aps_graphql_list **list)
{
    const struct aps_file_want want = {geteuid(), APS_FILE_PUBLIC};
    apr_array_header_t *rows = apr_array_make(cmd->pool, 64, sizeof(struct aps_graphql_known));
    struct aps_graphql_list *made = apr_palloc(cmd->pool, sizeof *made);
    struct aps_secret text = {0};
    struct aps_diag diag = {{0}};
    const char *whole = ap_server_root_relative(cmd->temp_pool, path);
    if (whole == NULL)
        return apr_psprintf(cmd->pool, "\"%s\": want a path", path);
    for (size_t i = 0; *list != NULL && i < (*list)->n; i++)
        APR_ARRAY_PUSH(rows, struct aps_graphql_known) = (*list)->of[i];
    enum aps_err err = aps_file_read(whole, &want, LIST_BYTES_MAX, &text, &diag);
    if (err != APS_OK)
        return apr_pstrdup(cmd->pool, aps_err_say(err, &diag));
    const char *fault = add_rows(cmd->pool, whole, aps_secret_str(&text), reads, rows);
    aps_secret_wipe(&text);
    if (fault != NULL)
        return fault;
    made->n = join_rows((struct aps_graphql_known *)(void *)rows->elts, (size_t)rows->nelts);
    made->of = (const struct aps_graphql_known *)(void *)rows->elts;
    *list = made;
    return NULL;
}
