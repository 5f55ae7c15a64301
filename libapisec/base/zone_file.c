/* zone_file.c - TZif files, versions 1 to 4 (RFC 9636). */
#include "zone_impl.h"

#define HEAD_BYTES 44u
#define TYPE_BYTES 6u

/* A file of version 1 has a head and a block with times of 32 bits; a later one has the same again
 * with 64 bits, and a rule behind it.  There the first block is passed over. */
struct block {
    char version;
    bool is_wide;
    const uint8_t *p; /* behind the head */
    uint64_t ut, standard, leaps, times, types, chars;
};

static uint32_t read32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_time(const struct block *b, const uint8_t *p)
{
    if (!b->is_wide)
        return (int32_t)read32(p);
    return (int64_t)((uint64_t)read32(p) << 32 | read32(p + 4));
}

static uint64_t time_bytes(const struct block *b)
{
    return b->is_wide ? 8 : 4;
}

static uint64_t block_bytes(const struct block *b)
{
    return b->times * (time_bytes(b) + 1) + b->types * TYPE_BYTES + b->chars +
           b->leaps * (time_bytes(b) + 4) + b->standard + b->ut;
}

/* Take a head off `*rest`, and the block behind it. */
static const char *take_block(struct aps_str *rest, bool is_wide, struct block *out)
{
    const uint8_t *p = (const uint8_t *)rest->p;
    struct block b = {.is_wide = is_wide};
    uint64_t bytes;

    if (rest->n < HEAD_BYTES || memcmp(p, "TZif", 4) != 0)
        return "it has no TZif head";
    b.version = (char)p[4];
    if (b.version != '\0' && (b.version < '2' || b.version > '4'))
        return "its version is not 1 to 4";
    b.ut = read32(p + 20);
    b.standard = read32(p + 24);
    b.leaps = read32(p + 28);
    b.times = read32(p + 32);
    b.types = read32(p + 36);
    b.chars = read32(p + 40);
    bytes = block_bytes(&b); /* of six numbers of 32 bits: it fits */
    if (bytes > rest->n - HEAD_BYTES)
        return "it ends too early";
    b.p = p + HEAD_BYTES;
    rest->p += HEAD_BYTES + bytes;
    rest->n -= HEAD_BYTES + bytes;
    *out = b;
    return NULL;
}

/* Two lists of flags, one for each type or none: what UT counts from is standard time too. */
static bool are_flags(const struct block *b, const uint8_t *standard, const uint8_t *ut)
{
    for (uint64_t i = 0; i < b->standard; i++)
        if (standard[i] > 1)
            return false;
    for (uint64_t i = 0; i < b->ut; i++)
        if (ut[i] > 1 || (ut[i] == 1 && (b->standard == 0 || standard[i] != 1)))
            return false;
    return true;
}

/* A type: seconds east of UTC, whether it is summer time, and where its name begins. */
static const char *read_type(const struct block *b, const uint8_t *types, uint64_t i, int32_t *out)
{
    const uint8_t *type = types + i * TYPE_BYTES;
    const uint8_t *names = types + b->types * TYPE_BYTES;
    int32_t offset = (int32_t)read32(type);

    if (offset < APS_ZONE_WEST || offset > APS_ZONE_EAST)
        return "an offset from UTC is a day or more";
    if (type[4] > 1)
        return "summer time is neither 0 nor 1";
    if (type[5] >= b->chars || memchr(names + type[5], '\0', b->chars - type[5]) == NULL)
        return "a type's name lies outside of the names";
    *out = offset;
    return NULL;
}

static const char *read_types(apr_pool_t *pool, const struct block *b, const uint8_t *types,
                              int32_t **out)
{
    int32_t *offset = apr_palloc(pool, b->types * sizeof *offset);
    const char *fault;

    for (uint64_t i = 0; i < b->types; i++)
        if ((fault = read_type(b, types, i, &offset[i])) != NULL)
            return fault;
    *out = offset;
    return NULL;
}

static const char *read_changes(apr_pool_t *pool, const struct block *b, const int32_t *types,
                                struct aps_zone *out)
{
    int64_t *at = apr_palloc(pool, b->times * sizeof *at + 1);
    int32_t *offset = apr_palloc(pool, b->times * sizeof *offset + 1);
    const uint8_t *which = b->p + b->times * time_bytes(b);

    for (uint64_t i = 0; i < b->times; i++) {
        at[i] = read_time(b, b->p + i * time_bytes(b));
        if (i > 0 && at[i] <= at[i - 1])
            return "its times do not ascend";
        if (which[i] >= b->types)
            return "a time's type is none";
        offset[i] = types[which[i]];
    }
    out->count = (uint32_t)b->times;
    out->at = at;
    out->offset = offset;
    out->before = types[0];
    return NULL;
}

static const char *read_block(apr_pool_t *pool, const struct block *b, struct aps_zone *out)
{
    const uint8_t *types = b->p + b->times * (time_bytes(b) + 1);
    const uint8_t *standard = types + b->types * TYPE_BYTES + b->chars;
    int32_t *offset = NULL;
    const char *fault;

    if (b->leaps != 0)
        return "it counts leap seconds, as those below right/ do";
    if (b->types == 0 || b->types > 256 || b->chars == 0)
        return "it has no types, or more than 256";
    if ((b->standard != 0 && b->standard != b->types) || (b->ut != 0 && b->ut != b->types) ||
        !are_flags(b, standard, standard + b->standard))
        return "its flags of types are not one for each";
    if ((fault = read_types(pool, b, types, &offset)) != NULL)
        return fault;
    return read_changes(pool, b, offset, out);
}

/* A line of its own; an empty one says nothing. */
static const char *read_footer(struct aps_str footer, char version, struct aps_zone *out)
{
    if (footer.n < 2 || footer.p[0] != '\n' || footer.p[footer.n - 1] != '\n')
        return "its last line is none";
    if (footer.n == 2)
        return NULL;
    if (!aps_zone_rule_parse((struct aps_str){footer.p + 1, footer.n - 2}, version, &out->rule))
        return "its last line is no POSIX TZ string";
    out->has_rule = true;
    return NULL;
}

const char *aps_zone_file_read(apr_pool_t *pool, struct aps_str file, struct aps_zone *out)
{
    struct aps_str rest = file;
    struct block b = {0};
    const char *fault;
    char version;

    if (file.n > APS_ZONE_FILE_MAX)
        return "it has more than 65,536 bytes";
    if ((fault = take_block(&rest, false, &b)) != NULL)
        return fault;
    version = b.version;
    if (version != '\0') {
        if ((fault = take_block(&rest, true, &b)) != NULL)
            return fault;
        if (b.version != version)
            return "its two heads have different versions";
    } else if (rest.n != 0) {
        return "something follows its end";
    }
    if ((fault = read_block(pool, &b, out)) != NULL)
        return fault;
    return version != '\0' ? read_footer(rest, version, out) : NULL;
}
