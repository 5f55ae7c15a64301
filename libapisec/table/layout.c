/* layout.c - what every state file of this version has in it. */
#include "layout.h"

#include <apr_siphash.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

bool aps_layout_read_at(int fd, void *buf, size_t n, uint64_t at)
{
    char *p = buf;

    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return true;
}

uint32_t aps_layout_metrics(void)
{
    static const unsigned char key[APR_SIPHASH_KSIZE] = "apisec metric 1";
    static const char names[] =
#define M(name, openmetrics, help) #name " "
#include "apisec/metrics.def"
#undef M
#define R(name, status, token, event, severity, text) #name " "
#include "apisec/reasons.def"
#undef R
        ;

    return (uint32_t)apr_siphash24(names, sizeof names, key);
}

void aps_layout_boot_id(uint8_t out[16])
{
    char text[36];
    int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
    unsigned nibbles = 0;

    memset(out, 0, 16);
    if (fd >= 0 && read(fd, text, sizeof text) == (ssize_t)sizeof text) {
        for (size_t i = 0; i < sizeof text && nibbles < 32; i++) {
            static const char digits[] = "0123456789abcdef";
            const char *digit = memchr(digits, text[i], 16);

            if (digit == NULL)
                continue; /* the dashes of the id */
            out[nibbles / 2] = (uint8_t)(out[nibbles / 2] << 4 | (digit - digits));
            nibbles++;
        }
    }
    if (fd >= 0)
        (void)close(fd); /* it was only read */
}

struct layout_head aps_layout_head(uint64_t cells, uint64_t uses)
{
    struct layout_head head = {
        .version = LAYOUT_VERSION,
        .head_bytes = sizeof head,
        .file_bytes = layout_bytes(cells, uses),
        .cells = cells,
        .rows = layout_rows(cells),
        .uses = uses,
        .overflow = (uint32_t)LAYOUT_OVERFLOW,
        .stripes = (uint32_t)LAYOUT_STRIPES,
        .counters = (uint32_t)LAYOUT_COUNTERS,
    };

    memcpy(head.magic, LAYOUT_MAGIC, sizeof head.magic);
    return head;
}

bool aps_layout_has_magic(const struct layout_head *head)
{
    return memcmp(head->magic, LAYOUT_MAGIC, sizeof head->magic) == 0;
}

uint64_t aps_layout_check(const struct layout_head *head)
{
    static const unsigned char key[APR_SIPHASH_KSIZE] = "apisec head   1";
    struct {
        uint8_t sizes[offsetof(struct layout_head, metrics)];
        uint8_t hash_key[16], use_key[16], salt[8];
    } bytes;
    uint64_t check;

    memcpy(bytes.sizes, head, sizeof bytes.sizes);
    memcpy(bytes.hash_key, head->hash_key, sizeof bytes.hash_key);
    memcpy(bytes.use_key, head->use_key, sizeof bytes.use_key);
    memcpy(bytes.salt, &head->salt, sizeof bytes.salt);
    check = apr_siphash24(&bytes, sizeof bytes, key);
    return check != 0 ? check : 1;
}

bool aps_layout_fits(const struct layout_head *head, uint64_t cells, uint64_t uses)
{
    struct layout_head want = aps_layout_head(cells, uses);

    return aps_layout_has_magic(head) &&
           memcmp(head, &want, offsetof(struct layout_head, metrics)) == 0 &&
           (head->check == 0 || head->check == aps_layout_check(head));
}

static bool is_power(uint64_t n, uint64_t min, uint64_t max)
{
    return n >= min && n <= max && (n & (n - 1)) == 0;
}

bool aps_layout_is_sound(const struct layout_head *head, uint64_t bytes)
{
    return is_power(head->cells, APS_STATE_ENTRIES_MIN, APS_STATE_ENTRIES_MAX) &&
           (head->uses == 0 || is_power(head->uses, APS_STATE_USES_MIN, APS_STATE_USES_MAX)) &&
           aps_layout_fits(head, head->cells, head->uses) &&
           bytes == layout_bytes(head->cells, head->uses);
}

struct layout_uses aps_layout_uses(struct layout_head *head, uint64_t cells, uint64_t uses)
{
    struct layout_uses where = {
        .fd = -1,
        .at = layout_at_uses(cells),
        .set_mask = uses / LAYOUT_WAYS - 1,
        .count = uses,
        .head = head,
    };

    memcpy(where.key, head->use_key, sizeof where.key);
    return where;
}
