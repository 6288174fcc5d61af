#ifndef POUCH_CLINUX_SHIM_H
#define POUCH_CLINUX_SHIM_H

// System calls that Swift cannot import: glibc declares them only under _GNU_SOURCE, which the Glibc module is built
// without, or not at all (openat2). Each goes by its number and answers like the kernel: a result, or -errno.

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

// glibc 2.32: untranslated, and safe on many threads.
extern const char *strerrorname_np(int);
extern const char *strerrordesc_np(int);

static inline const char *pouch_error_name(int code) { return strerrorname_np(code); }
static inline const char *pouch_error_text(int code) { return strerrordesc_np(code); }

static inline int pouch_answer(long result) { return result < 0 ? -errno : (int)result; }

// AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW, always: the status of what the descriptor or the name is, never of what it points to.
static inline int pouch_statx(int folder, const char *path, struct statx *status) {
    return pouch_answer(syscall(SYS_statx, folder, path, 0x1000 | 0x100, STATX_BASIC_STATS | STATX_BTIME, status));
}

static inline int pouch_openat2(int folder, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return pouch_answer(syscall(SYS_openat2, folder, path, &how, sizeof how));
}

// Macros with casts or behind _GNU_SOURCE.
static inline uint64_t pouch_open_path_only(void) { return 010000000; } // O_PATH
static inline uint64_t pouch_resolve_beneath(void) {
    return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
}

static inline int pouch_rename(int from, const char *name, int to, const char *new_name, int replacing) {
    return pouch_answer(syscall(SYS_renameat2, from, name, to, new_name, replacing ? 0u : 1u)); // RENAME_NOREPLACE
}

// The magic number of the file system (statfs).
static inline int pouch_filesystem_type(int descriptor, uint32_t *type) {
    struct statfs status;
    int answer = pouch_answer(fstatfs(descriptor, &status));
    if (answer == 0) *type = (uint32_t)status.f_type;
    return answer;
}

// Names the calling thread; prctl is variadic.
static inline int pouch_name_thread(const char *name) { return pouch_answer(prctl(PR_SET_NAME, name, 0, 0, 0)); }

static inline int pouch_set_attribute(int descriptor, const char *name, const void *value, size_t count) {
    return pouch_answer(fsetxattr(descriptor, name, value, count, 0));
}

static inline int pouch_attribute(int descriptor, const char *name, void *value, size_t count) {
    return pouch_answer(fgetxattr(descriptor, name, value, count));
}

// Asks for a read lease, which the kernel grants only when nobody has the file open for writing, and gives it back at once.
static inline int pouch_probe_lease(int descriptor) {
    int set_lease = 1024; // F_SETLEASE
    int answer = pouch_answer(fcntl(descriptor, set_lease, F_RDLCK));
    if (answer < 0) return answer;
    return pouch_answer(fcntl(descriptor, set_lease, F_UNLCK));
}

#endif
