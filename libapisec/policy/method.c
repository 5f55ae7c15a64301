/* method.c - the methods that can be granted. */
#include "apisec/role.h"

static const struct {
    struct aps_str name;
    enum aps_method method;
} methods[] = {
    {{"GET", 3}, APS_METHOD_GET},         {{"HEAD", 4}, APS_METHOD_HEAD},
    {{"POST", 4}, APS_METHOD_POST},       {{"PUT", 3}, APS_METHOD_PUT},
    {{"PATCH", 5}, APS_METHOD_PATCH},     {{"DELETE", 6}, APS_METHOD_DELETE},
    {{"OPTIONS", 7}, APS_METHOD_OPTIONS},
};

#define NMETHODS (sizeof methods / sizeof methods[0])

enum aps_method aps_method_parse(struct aps_str text)
{
    if (text.n == 3 && memcmp(text.p, "GET", 3) == 0) /* nearly all */
        return APS_METHOD_GET;
    for (size_t i = 0; i < NMETHODS; i++)
        if (aps_str_eq(text, methods[i].name))
            return methods[i].method;
    return APS_METHOD_NONE;
}

/* All seven with ", " between take 46 bytes. */
char *aps_methods_print(unsigned set, char out[APS_METHODS_TEXT_MAX])
{
    char *p = out;

    for (size_t i = 0; i < NMETHODS; i++) {
        if ((set & methods[i].method) == 0)
            continue;
        if (p != out) {
            *p++ = ',';
            *p++ = ' ';
        }
        memcpy(p, methods[i].name.p, methods[i].name.n);
        p += methods[i].name.n;
    }
    *p = '\0';
    return out;
}
