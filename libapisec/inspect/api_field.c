/* api_field.c - the table of objects and their fields. */
#include "api_check.h"

enum {
    OLD = API_F_OLD,
    NEW = API_F_NEW,
    NEED = API_F_NEED,
    NEED_OLD = API_F_NEED_OLD,
    REF = API_F_REF,
    NAMES = API_F_NAMES,
    FILLED = API_F_FILLED,
};

static const struct api_field fields[] = {
#define F(of, name, shape, value, flags)                                                           \
    {API_##of, {name, sizeof(name) - 1}, API_##shape, API_##value, flags},
#include "api_field.def"
#undef F
};

#define NFIELDS (sizeof fields / sizeof *fields)

static bool is_of(const struct api_field *f, enum api_kind of, bool old)
{
    return f->of == of && (f->flags & (old ? API_F_NEW : API_F_OLD)) == 0;
}

const struct api_field *aps_api_field_find(enum api_kind of, struct aps_str name, bool old)
{
    for (size_t i = 0; i < NFIELDS; i++)
        if (is_of(&fields[i], of, old) && aps_str_eq(fields[i].name, name))
            return &fields[i];
    return NULL;
}

const char *aps_api_field_missing(const struct api_build *b, struct api_at at, enum api_kind of)
{
    const unsigned need = API_F_NEED | (b->old ? API_F_NEED_OLD : 0u);

    for (size_t i = 0; i < NFIELDS; i++)
        if (is_of(&fields[i], of, b->old) && (fields[i].flags & need) != 0 &&
            aps_jsonread_get(&at.doc->reader, at.v, fields[i].name) == NULL)
            return fields[i].name.p;
    return NULL;
}
