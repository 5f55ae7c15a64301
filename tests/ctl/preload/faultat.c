/* faultat.c - calls out of httpd's module that fail where a test says so.
 *
 * Preloaded into httpd (LD_PRELOAD).  FAULTAT names a file of five 64-bit numbers that the test
 * maps: which of the functions below (1 is the first; 0: none fails), the first call that fails,
 * the last one, and the calls so far; then one more for alignment.  Only calls that come from the
 * module itself are counted, in all processes together. */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <sqlite3.h>

#define EXPORT __attribute__((visibility("default")))

/* In the order in which test_hook_faults.py lists them. */
enum which {
    NOTHING,
    MALLOC,
    CALLOC,
    CLOCK_GETTIME,
    STAT,
    LSTAT,
    MUTEX_INIT,
    MAC_DUP,
    MAC_INIT,
    MAC_UPDATE,
    MAC_FINAL,
    CIPHER_INIT,
    CIPHER_FINAL,
    KDF_DERIVE,
    RAND_BYTES,
    DB_OPEN,
    DB_EXEC,
    DB_PREPARE_V2,
    DB_PREPARE_V3,
    DB_BIND,
    DB_STEP,
};

struct control {
    _Atomic uint64_t which, first, last, calls, unused;
};

static struct control *control;

__attribute__((constructor)) static void map_control(void)
{
    const char *path = getenv("FAULTAT");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = MAP_FAILED;
    if (fd >= 0) {
        map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd);
    }
    control = map != MAP_FAILED ? map : NULL;
}

static bool is_module(void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) != 0 && info.dli_fname != NULL &&
           strstr(info.dli_fname, "mod_apisec") != NULL;
}

/* Count a call; true if it is to fail. */
static bool trip(enum which which, void *caller)
{
    if (control == NULL || atomic_load(&control->which) != which || !is_module(caller))
        return false;
    uint64_t n = atomic_fetch_add(&control->calls, 1) + 1;
    return n >= atomic_load(&control->first) && n <= atomic_load(&control->last);
}

#define TRIP(which) trip(which, __builtin_return_address(0))

/* The function of this name in a library that the module alone has loaded, or that comes next. */
static void *find(const char *library, const char *name)
{
    void *handle = library != NULL ? dlopen(library, RTLD_LAZY | RTLD_NOLOAD) : RTLD_NEXT;
    return dlsym(handle, name);
}

#define NEXT(library, name, type, ...)                                                             \
    static type (*next)(__VA_ARGS__);                                                              \
    if (next == NULL)                                                                              \
    next = (type(*)(__VA_ARGS__))find(library, name)

#define CRYPTO "libcrypto.so.3"
#define SQLITE "libsqlite3.so.0"

/* ---- The system.  dlsym may allocate, so these two are called by their names within libc. ---- */

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);

EXPORT void *malloc(size_t n)
{
    return TRIP(MALLOC) ? NULL : __libc_malloc(n);
}

EXPORT void *calloc(size_t n, size_t size)
{
    return TRIP(CALLOC) ? NULL : __libc_calloc(n, size);
}

EXPORT int clock_gettime(clockid_t id, struct timespec *out)
{
    NEXT(NULL, "clock_gettime", int, clockid_t, struct timespec *);
    if (!TRIP(CLOCK_GETTIME))
        return next(id, out);
    errno = EPERM;
    return -1;
}

EXPORT int stat(const char *path, struct stat *out)
{
    NEXT(NULL, "stat", int, const char *, struct stat *);
    if (!TRIP(STAT))
        return next(path, out);
    errno = EIO;
    return -1;
}

EXPORT int lstat(const char *path, struct stat *out)
{
    NEXT(NULL, "lstat", int, const char *, struct stat *);
    if (!TRIP(LSTAT))
        return next(path, out);
    errno = EIO;
    return -1;
}

EXPORT int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
    NEXT(NULL, "pthread_mutex_init", int, pthread_mutex_t *, const pthread_mutexattr_t *);
    return TRIP(MUTEX_INIT) ? ENOMEM : next(mutex, attr);
}

/* ---- OpenSSL ---- */

EXPORT EVP_MAC_CTX *EVP_MAC_CTX_dup(const EVP_MAC_CTX *from)
{
    NEXT(CRYPTO, "EVP_MAC_CTX_dup", EVP_MAC_CTX *, const EVP_MAC_CTX *);
    return TRIP(MAC_DUP) ? NULL : next(from);
}

EXPORT int EVP_MAC_init(EVP_MAC_CTX *ctx, const unsigned char *key, size_t n,
                        const OSSL_PARAM params[])
{
    NEXT(CRYPTO, "EVP_MAC_init", int, EVP_MAC_CTX *, const unsigned char *, size_t,
         const OSSL_PARAM[]);
    return TRIP(MAC_INIT) ? 0 : next(ctx, key, n, params);
}

EXPORT int EVP_MAC_update(EVP_MAC_CTX *ctx, const unsigned char *data, size_t n)
{
    NEXT(CRYPTO, "EVP_MAC_update", int, EVP_MAC_CTX *, const unsigned char *, size_t);
    return TRIP(MAC_UPDATE) ? 0 : next(ctx, data, n);
}

EXPORT int EVP_MAC_final(EVP_MAC_CTX *ctx, unsigned char *out, size_t *out_n, size_t cap)
{
    NEXT(CRYPTO, "EVP_MAC_final", int, EVP_MAC_CTX *, unsigned char *, size_t *, size_t);
    return TRIP(MAC_FINAL) ? 0 : next(ctx, out, out_n, cap);
}

EXPORT int EVP_CipherInit_ex2(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
                              const unsigned char *key, const unsigned char *iv, int enc,
                              const OSSL_PARAM params[])
{
    NEXT(CRYPTO, "EVP_CipherInit_ex2", int, EVP_CIPHER_CTX *, const EVP_CIPHER *,
         const unsigned char *, const unsigned char *, int, const OSSL_PARAM[]);
    return TRIP(CIPHER_INIT) ? 0 : next(ctx, cipher, key, iv, enc, params);
}

EXPORT int EVP_CipherFinal_ex(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_n)
{
    NEXT(CRYPTO, "EVP_CipherFinal_ex", int, EVP_CIPHER_CTX *, unsigned char *, int *);
    return TRIP(CIPHER_FINAL) ? 0 : next(ctx, out, out_n);
}

EXPORT int EVP_KDF_derive(EVP_KDF_CTX *ctx, unsigned char *out, size_t n, const OSSL_PARAM params[])
{
    NEXT(CRYPTO, "EVP_KDF_derive", int, EVP_KDF_CTX *, unsigned char *, size_t, const OSSL_PARAM[]);
    return TRIP(KDF_DERIVE) ? 0 : next(ctx, out, n, params);
}

EXPORT int RAND_priv_bytes_ex(OSSL_LIB_CTX *ctx, unsigned char *out, size_t n, unsigned strength)
{
    NEXT(CRYPTO, "RAND_priv_bytes_ex", int, OSSL_LIB_CTX *, unsigned char *, size_t, unsigned);
    return TRIP(RAND_BYTES) ? 0 : next(ctx, out, n, strength);
}

/* ---- SQLite ---- */

EXPORT int sqlite3_open_v2(const char *path, sqlite3 **out, int flags, const char *vfs)
{
    NEXT(SQLITE, "sqlite3_open_v2", int, const char *, sqlite3 **, int, const char *);
    return TRIP(DB_OPEN) ? SQLITE_CANTOPEN : next(path, out, flags, vfs);
}

EXPORT int sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **),
                        void *arg, char **out_error)
{
    NEXT(SQLITE, "sqlite3_exec", int, sqlite3 *, const char *,
         int (*)(void *, int, char **, char **), void *, char **);
    return TRIP(DB_EXEC) ? SQLITE_IOERR : next(db, sql, each, arg, out_error);
}

EXPORT int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **out,
                              const char **tail)
{
    NEXT(SQLITE, "sqlite3_prepare_v2", int, sqlite3 *, const char *, int, sqlite3_stmt **,
         const char **);
    return TRIP(DB_PREPARE_V2) ? SQLITE_NOMEM : next(db, sql, n, out, tail);
}

EXPORT int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags,
                              sqlite3_stmt **out, const char **tail)
{
    NEXT(SQLITE, "sqlite3_prepare_v3", int, sqlite3 *, const char *, int, unsigned, sqlite3_stmt **,
         const char **);
    return TRIP(DB_PREPARE_V3) ? SQLITE_NOMEM : next(db, sql, n, flags, out, tail);
}

EXPORT int sqlite3_bind_text(sqlite3_stmt *stmt, int i, const char *text, int n,
                             void (*destroy)(void *))
{
    NEXT(SQLITE, "sqlite3_bind_text", int, sqlite3_stmt *, int, const char *, int,
         void (*)(void *));
    return TRIP(DB_BIND) ? SQLITE_NOMEM : next(stmt, i, text, n, destroy);
}

EXPORT int sqlite3_step(sqlite3_stmt *stmt)
{
    NEXT(SQLITE, "sqlite3_step", int, sqlite3_stmt *);
    return TRIP(DB_STEP) ? SQLITE_IOERR : next(stmt);
}
