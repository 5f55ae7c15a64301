/* schema_judge.c - a verdict from beginning to end. */
#include "apisec/schema_judge.h"

#include "schema_run.h"

#define READ_DEPTH 1000 /* of values: comparing goes as deep */

const struct aps_schema_judge_options aps_schema_judge_usual = {
    .steps_max = 2000000,
    .depth_max = 256,
    .match_max = 100000,
};

struct aps_schema_judge *aps_schema_judge_new(apr_pool_t *pool,
                                              const struct aps_schema_judge_options *options)
{
    struct aps_schema_judge *c = apr_pcalloc(pool, sizeof *c);

    if (c == NULL ||
        (c->scope = apr_palloc(pool, (options->depth_max + 1) * sizeof *c->scope)) == NULL)
        return NULL;
    c->pool = pool;
    c->options = *options;
    return c;
}

enum aps_schema_verdict aps_schema_judge(struct aps_schema_judge *c,
                                         const struct aps_schema_image *image, uint32_t entry,
                                         const struct aps_jsonread *reader,
                                         const struct aps_jsonread_node *value)
{
    bool good;

    c->image = image;
    c->reader = reader;
    c->view = (struct schema_view){reader->text.p, reader->decoded};
    c->stored = (struct schema_view){image->bytes, NULL};
    memcpy(&c->seed, reader->key, sizeof c->seed);
    c->steps = c->options.steps_max;
    c->depth = c->options.depth_max;
    c->fault = APS_SCHEMA_UNDECIDED;
    c->stop = c->quiet = false;
    c->failures_n = c->marks_n = c->scope_n = 0;
    if (reader->options->depth_max > READ_DEPTH)
        return APS_SCHEMA_DEPTH;
    if (entry >= aps_schema_image_entries(image) || value == NULL)
        return APS_SCHEMA_UNDECIDED;
    good = schema_run(c, image->entries[entry + 1], value);
    if (c->fault != APS_SCHEMA_UNDECIDED)
        return c->fault;
    return good ? APS_SCHEMA_VALID : APS_SCHEMA_INVALID;
}

uint32_t aps_schema_judge_failures(const struct aps_schema_judge *c)
{
    return c->failures_n;
}

const char *aps_schema_judge_name(enum aps_schema_verdict verdict)
{
    switch (verdict) {
    case APS_SCHEMA_UNDECIDED:
        return "undecided";
    case APS_SCHEMA_INVALID:
        return "invalid";
    case APS_SCHEMA_STEPS:
        return "steps";
    case APS_SCHEMA_DEPTH:
        return "depth";
    case APS_SCHEMA_PATTERN:
        return "pattern";
    case APS_SCHEMA_NOMEM:
        return "nomem";
    case APS_SCHEMA_VALID:
        return "valid";
    }
    return "unknown";
}
