/* owner.c - which process a row belongs to, and whether it still runs. */
#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *skip_field(const char *p)
{
    while (*p != '\0' && *p != ' ')
        p++;
    return *p == ' ' ? p + 1 : p;
}

static bool read_field(const char *p, uint64_t *out)
{
    uint64_t number = 0;

    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++)
        number = number * 10 + (uint64_t)(*p - '0');
    *out = number;
    return true;
}

/* Fields 3, 4, 20 and 22 of /proc/PID/stat. */
struct stat_line {
    char letter; /* of its state */
    uint64_t parent;
    uint64_t threads;
    uint64_t start; /* clock ticks since boot */
};

static bool parse_stat(const char *text, struct stat_line *out)
{
    const char *p = strrchr(text, ')'); /* the name of a program may hold anything */

    if (p == NULL || p[1] != ' ' || p[2] == '\0')
        return false;
    p += 2;
    out->letter = *p;
    p = skip_field(p);
    if (!read_field(p, &out->parent))
        return false;
    for (unsigned field = 4; field < 20; field++)
        p = skip_field(p);
    if (!read_field(p, &out->threads))
        return false;
    p = skip_field(skip_field(p));
    return read_field(p, &out->start);
}

static bool read_stat(pid_t pid, struct stat_line *out)
{
    char path[32];
    char text[1024];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid); /* it fits */
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return false;
    n = read(fd, text, sizeof text - 1);
    (void)close(fd); /* it was only read */
    if (n <= 0)
        return false;
    text[n] = '\0';
    return parse_stat(text, out);
}

bool aps_owner_is_number_taken(struct layout_pair owner)
{
    return owner.a != 0 && owner.a <= INT_MAX && (kill((pid_t)owner.a, 0) == 0 || errno != ESRCH);
}

/* A process is a zombie as soon as its first thread has ended, and then others may still run: for
 * good, or until the signal that kills them all has reached them. */
static bool is_running(const struct stat_line *stat, struct layout_pair owner)
{
    bool ended = stat->letter == 'X' || (stat->letter == 'Z' && stat->threads <= 1);

    return !ended && stat->start == owner.b;
}

bool aps_owner_is_alive(struct layout_pair owner)
{
    struct stat_line stat;

    if (!aps_owner_is_number_taken(owner))
        return false;
    if (!read_stat((pid_t)owner.a, &stat))
        return aps_owner_is_number_taken(owner);
    return is_running(&stat, owner);
}

bool aps_owner_is_sibling(struct layout_pair owner)
{
    struct stat_line stat;

    return owner.a != (uint64_t)getpid() && aps_owner_is_number_taken(owner) &&
           read_stat((pid_t)owner.a, &stat) && is_running(&stat, owner) &&
           stat.parent == (uint64_t)getppid();
}

bool aps_owner_self(struct layout_pair *out)
{
    struct stat_line stat;

    if (!read_stat(getpid(), &stat))
        return false;
    *out = (struct layout_pair){(uint64_t)getpid(), stat.start};
    return true;
}
