/* statefile.c - a state file as a server would leave it: harness/statefile.py writes the lines.
 *
 * usage: statefile PATH < LINES; a line is words with tabs between:
 *   limit   section|plan STORE WHERE TEXT    register it, and go on with it; STORE is hexadecimal
 *   bind    STORE EDITION TEXT               go on with a limit that nobody registers
 *   add     COUNTER N                        count; COUNTER is a number of directory.h
 *   charge  N KEY OWNER ORG ROLE ROUTE ADDRESS STORE EPOCH   spend N units of all its meters
 *   row     FILLER N                         N rows of other limits, met long ago
 *   restart                                  open the file once more
 *   reboot                                   as if the kernel was started anew since */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../libapisec/table/layout.h"
#include "apisec/directory.h"
#include "apisec/net.h"
#include "apisec/subject.h"

#define FIELDS 10

static apr_pool_t *pool;
static const char *path;
static struct aps_state *state;
static struct aps_limit limit;
static struct aps_directory_row row;
static struct aps_diag diag;

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, diag.text);
    exit(1);
}

static void open_state(void)
{
    struct aps_state_size size = {1024, 0};

    expect(aps_state_open(pool, path, &size, aps_clock_wall(), &state, &diag) == APS_OK, "open");
}

static void use_limit(const char *text, uint64_t store, uint64_t edition)
{
    expect(aps_limit_parse(pool, aps_str(text), &limit, &diag) == APS_OK, text);
    limit.edition = edition;
    expect(aps_limit_bind(pool, &limit, store, &diag) == APS_OK, text);
}

static void add_limit(char *const f[FIELDS])
{
    bool is_plan = strcmp(f[1], "plan") == 0;
    uint64_t store = strtoull(f[2], NULL, 16);
    struct aps_directory_limit entry;

    use_limit(f[4], is_plan ? store : 0, 0);
    entry = (struct aps_directory_limit){limit.text, aps_str(f[3]), store, is_plan};
    row = aps_directory_register(state, &entry, aps_clock_wall());
    expect(row.index != 0, "a row");
}

static void charge(char *const f[FIELDS])
{
    struct aps_str role = aps_str(f[5]);
    struct aps_subject who = {.store = strtoull(f[8], NULL, 16),
                              .key = aps_str(f[2]),
                              .owner = aps_str(f[3]),
                              .org = aps_str(f[4]),
                              .nroles = role.n != 0 ? 1 : 0,
                              .roles = &role,
                              .route = aps_str(f[6])};
    struct aps_table_now now = {aps_clock_monotonic(), aps_clock_wall()};
    unsigned char bytes[APS_SUBJECT_MAX];

    expect(f[7][0] == '\0' || aps_addr_parse(aps_str(f[7]), &who.addr), f[7]);
    for (size_t i = 0; i < aps_subject_count(&limit, &who); i++) {
        size_t n = aps_subject_bytes(&limit, &who, i, strtoull(f[9], NULL, 10), bytes);

        for (size_t k = 0; k < limit.n; k++) {
            struct aps_rate_ask ask = {.limit = &limit.meter[k].charge,
                                       .caller = aps_table_caller(state, bytes, n),
                                       .store = who.store,
                                       .cost = (uint32_t)strtoul(f[1], NULL, 10)};

            expect(aps_rate_take(state, &ask, now, aps_clock_monotonic, NULL) == APS_REASON_ALLOW,
                   "charge");
        }
    }
}

static void fill_rows(const char *name, unsigned long n)
{
    for (unsigned long i = 0; i < n; i++) {
        char text[64];
        struct aps_directory_limit entry = {{text, 0}, aps_str("elsewhere"), 0, true};

        entry.text.n = (size_t)snprintf(text, sizeof text, "%s%lu rate=1/s by=key", name, i);
        (void)aps_directory_register(state, &entry, aps_clock_wall());
    }
}

static void obey(char *const f[FIELDS])
{
    if (strcmp(f[0], "limit") == 0)
        add_limit(f);
    else if (strcmp(f[0], "bind") == 0)
        use_limit(f[3], strtoull(f[1], NULL, 16), strtoull(f[2], NULL, 10));
    else if (strcmp(f[0], "add") == 0)
        for (unsigned long i = strtoul(f[2], NULL, 10); i > 0; i--)
            (void)aps_directory_add(state, row, (enum aps_directory_count)strtoul(f[1], NULL, 10),
                                    aps_clock_wall());
    else if (strcmp(f[0], "charge") == 0)
        charge(f);
    else if (strcmp(f[0], "row") == 0)
        fill_rows(f[1], strtoul(f[2], NULL, 10));
    else if (strcmp(f[0], "restart") == 0)
        open_state();
    else if (strcmp(f[0], "reboot") == 0)
        state->head->boot_id[5] ^= 1;
    else
        expect(false, f[0]);
}

int main(int argc, char **argv)
{
    static char empty[] = "";
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    expect(argc == 2 && apr_initialize() == APR_SUCCESS &&
               apr_pool_create(&pool, NULL) == APR_SUCCESS,
           "usage: statefile PATH");
    path = argv[1];
    open_state();
    while ((n = getline(&line, &room, stdin)) > 0) {
        char *f[FIELDS], *rest = line;

        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        for (size_t i = 0; i < FIELDS; i++)
            f[i] = rest != NULL ? strsep(&rest, "\t") : empty;
        obey(f);
    }
    free(line);
    return 0;
}
