/* cmd_api_learn.c - the audit log -> a draft of the API's description, for a person to edit. */
#include <apr_strings.h>

#include "apisec/audit.h"
#include "apisec/num.h"
#include "apisec/random.h"
#include "ctl.h"
#include "learn.h"
#include "lines.h"
#include "logline.h"
#include "progress.h"
#include "yamltext.h"

#define LINE_MAX_BYTES 65536
#define LEAST_MAX 1000000000

_Static_assert(LINE_MAX_BYTES > APS_AUDIT_LINE_MAX, "every line of the log can be read");

struct lesson {
    struct ctl *c;
    struct ctl_learn *learn;
    struct aps_jsonread reader;
    uint64_t lines, used, bad, failed, left_out;
};

/* ---- the lines ---- */

static bool is_under(struct aps_str path, struct aps_str prefix)
{
    return aps_str_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/');
}

/* The path below the prefix; empty: it is not below it. */
static struct aps_str below(struct aps_str path, struct aps_str prefix)
{
    if (prefix.n == 0)
        return path;
    if (!is_under(path, prefix))
        return (struct aps_str){NULL, 0};
    return path.n == prefix.n ? APS_STR_LIT("/")
                              : (struct aps_str){path.p + prefix.n, path.n - prefix.n};
}

static void take_line(struct lesson *l, const struct ctl_line *line, struct aps_str prefix)
{
    struct ctl_logline read;
    struct ctl_learn_request request;

    if (line->is_cut || ctl_logline_read(&l->reader, line->text, &read, NULL) != APS_OK) {
        l->bad++;
        return;
    }
    request = (struct ctl_learn_request){
        .path = below(read.path, prefix),
        .method = aps_method_parse(read.method),
        .status = read.status > UINT32_MAX ? 0 : (uint32_t)read.status,
        .has_caller = read.key.n != 0 || read.user.n != 0,
    };
    switch (ctl_logline_is_cut(read.path) ? CTL_LEARN_LEFT_OUT
                                          : ctl_learn_take(l->learn, &request)) {
    case CTL_LEARN_TAKEN:
        l->used++;
        break;
    case CTL_LEARN_FAILED:
        l->failed++;
        break;
    case CTL_LEARN_LEFT_OUT:
        l->left_out++;
        break;
    }
}

static enum aps_err read_lines(struct lesson *l, struct ctl_lines *lines, struct aps_str prefix)
{
    struct ctl_progress progress;
    struct ctl_line line;

    ctl_progress_begin(&progress, "lines", 0);
    while (ctl_lines_next(lines, &line)) {
        l->lines++;
        take_line(l, &line, prefix);
        if (l->lines % 1024 == 0)
            ctl_progress_step(&progress, 1024);
    }
    ctl_progress_end(&progress);
    return ctl_lines_check(lines, &l->c->diag);
}

/* ---- what came of them ---- */

static enum aps_err show_yaml(struct lesson *l, struct aps_str json, uint64_t operations)
{
    struct aps_jsonread_options options = aps_jsonread_plain;
    struct aps_str yaml;

    if (aps_jsonread(&l->reader, json, &options) != APS_JSONREAD_OK) {
        aps_jsonread_fault_explain(&l->reader, &l->c->diag);
        return APS_ERR_NOMEM;
    }
    yaml = ctl_yamltext(&l->reader, aps_jsonread_root(&l->reader), l->c->pool);
    ctl_output_text(l->c->out,
                    "# %" APR_UINT64_T_FMT " operations from %" APR_UINT64_T_FMT
                    " requests of %" APR_UINT64_T_FMT " lines; %" APR_UINT64_T_FMT
                    " failed or were refused, %" APR_UINT64_T_FMT
                    " were left out, %" APR_UINT64_T_FMT " cannot be read\n",
                    operations, l->used, l->lines, l->failed, l->left_out, l->bad);
    ctl_output_text(l->c->out, "%.*s", APS_STR_ARG(yaml));
    return APS_OK;
}

static void show_json(const struct lesson *l, struct aps_str json, uint64_t operations)
{
    struct ctl_out *out = l->c->out;

    ctl_output_row(out);
    ctl_output_u64(out, "lines", l->lines);
    ctl_output_u64(out, "used", l->used);
    ctl_output_u64(out, "failed", l->failed);
    ctl_output_u64(out, "left_out", l->left_out);
    ctl_output_u64(out, "bad", l->bad);
    ctl_output_u64(out, "operations", operations);
    ctl_output_json(out, "description", json);
    ctl_output_end(out);
}

static enum aps_err show(struct lesson *l, struct aps_str title, uint64_t least)
{
    uint64_t operations = ctl_learn_print_count(l->learn, least);
    struct aps_json json;

    if (operations == 0) {
        aps_err_explain(&l->c->diag,
                        "no operation was served %" APR_UINT64_T_FMT
                        " times in the log's %" APR_UINT64_T_FMT
                        " lines, of which %" APR_UINT64_T_FMT
                        " cannot be read: want lines as %%^AJ writes them, of requests that were "
                        "answered with 2xx or 3xx",
                        least, l->lines, l->bad);
        return APS_ERR_NOT_FOUND;
    }
    aps_json_init_pool(&json, l->c->pool, 0);
    ctl_learn_print(l->learn, title, least, &json);
    if (json.full) {
        aps_err_explain(&l->c->diag, "no memory for the description");
        return APS_ERR_NOMEM;
    }
    if (!ctl_output_is_json(l->c->out))
        return show_yaml(l, aps_json_text(&json), operations);
    show_json(l, aps_json_text(&json), operations);
    return APS_OK;
}

/* ---- the words ---- */

static enum aps_err read_words(struct ctl *c, struct aps_str *prefix, struct aps_str *title,
                               uint64_t *least)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_LEAST);

    *least = 1;
    *title = aps_str(ctl_command_value(&c->call, CTL_OPT_TITLE));
    *prefix = aps_str(ctl_command_value(&c->call, CTL_OPT_BELOW));
    if (title->n == 0)
        *title = APS_STR_LIT("API");
    if (!aps_str_is_text(*title)) {
        aps_err_explain(&c->diag,
                        "--title: want 1 to 128 bytes of UTF-8 without control characters");
        return APS_ERR_USAGE;
    }
    if (prefix->n != 0 && *prefix->p != '/') {
        aps_err_explain(&c->diag, "--below %.*s: want a path that begins with /",
                        APS_STR_SHOW(*prefix));
        return APS_ERR_USAGE;
    }
    while (prefix->n != 0 && prefix->p[prefix->n - 1] == '/')
        prefix->n--;
    return text != NULL ? aps_num_parse(aps_str(text), 1, LEAST_MAX, least, &c->diag) : APS_OK;
}

enum aps_err ctl_api_learn(struct ctl *c)
{
    struct lesson l = {.c = c, .learn = ctl_learn_new(c->pool)};
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct ctl_lines *lines = NULL;
    struct aps_str prefix, title;
    uint64_t least;
    enum aps_err err;

    if ((err = read_words(c, &prefix, &title, &least)) != APS_OK ||
        (err = aps_random_fill(key, sizeof key)) != APS_OK ||
        (err = ctl_lines_open(c->pool, ctl_command_value(&c->call, CTL_OPT_LOG), LINE_MAX_BYTES,
                              "an audit log", &lines, &c->diag)) != APS_OK)
        return err;
    aps_jsonread_init(&l.reader, c->pool, key);
    if ((err = read_lines(&l, lines, prefix)) != APS_OK)
        return err;
    return show(&l, title, least);
}
