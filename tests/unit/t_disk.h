/* t_disk.h - the disk below a mapped state file, as the program sees it by msync alone.
 *
 * A program that includes this is linked with --wrap=msync.  The image is what a power failure
 * leaves: what was there when the disk was attached, and each page as it was at its latest msync.
 * Shared by all processes forked after t_disk_attach. */
#ifndef APISEC_T_DISK_H
#define APISEC_T_DISK_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../libapisec/table/layout.h"

static struct t_disk {
    uint64_t lock; /* as the kernel writes a page once at a time */
    uint64_t writes;
    int failure; /* errno of each write; 0: they succeed */
} * t_disk;
static uint8_t *t_disk_image;
static const uint8_t *t_disk_map;
static size_t t_disk_bytes;

int __wrap_msync(void *addr, size_t n, int flags);

static inline void t_disk_write(size_t at, size_t n)
{
    while (__atomic_exchange_n(&t_disk->lock, 1, __ATOMIC_SEQ_CST) != 0)
        (void)sched_yield();
    for (size_t i = at; i < at + n && i < t_disk_bytes; i += 8)
        __atomic_store_n((uint64_t *)(void *)(t_disk_image + i),
                         layout_load((const uint64_t *)(const void *)(t_disk_map + i)),
                         __ATOMIC_SEQ_CST);
    __atomic_store_n(&t_disk->lock, 0, __ATOMIC_SEQ_CST);
}

int __wrap_msync(void *addr, size_t n, int flags)
{
    size_t at = (size_t)((const uint8_t *)addr - t_disk_map);

    if (t_disk == NULL)
        return 0; /* nobody asks what the disk has */
    if (flags != MS_SYNC || at % 4096 != 0 || at >= t_disk_bytes)
        abort();
    __atomic_add_fetch(&t_disk->writes, 1, __ATOMIC_SEQ_CST);
    if (t_disk->failure != 0) {
        errno = t_disk->failure;
        return -1;
    }
    t_disk_write(at, n);
    return 0;
}

static inline void t_disk_detach(void)
{
    if (t_disk != NULL && munmap(t_disk, 4096 + t_disk_bytes) != 0)
        abort();
    t_disk = NULL;
}

static inline void t_disk_attach(const struct aps_state *opened)
{
    uint8_t *shared;

    t_disk_detach();
    t_disk_map = opened->map;
    t_disk_bytes = opened->info.bytes;
    shared =
        mmap(NULL, 4096 + t_disk_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    t_disk = (struct t_disk *)(void *)shared;
    t_disk_image = shared + 4096;
    memcpy(t_disk_image, t_disk_map, t_disk_bytes);
}

/* Nobody maps the file any more: bring it to what the disk has, under a kernel that has started
 * anew. */
static inline void t_disk_power_failure(const char *path)
{
    int fd = open(path, O_WRONLY);

    ((struct layout_head *)(void *)t_disk_image)->boot_id[3] ^= 1;
    if (fd < 0 || pwrite(fd, t_disk_image, t_disk_bytes, 0) != (ssize_t)t_disk_bytes ||
        close(fd) != 0)
        abort();
}

#endif
