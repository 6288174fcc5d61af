// Counts the system calls that have an effect, over all threads of a process, and makes one of them go wrong. Preloaded
// (LD_PRELOAD) by the harnesses of this folder; it is no part of Pouch.
//
//   POUCH_EFFECTS=kill:N           SIGKILL instead of the Nth effect
//   POUCH_EFFECTS=fail:N:ERRNO     the Nth effect that can fail so fails with this number, once
//   POUCH_EFFECTS=always:N:ERRNO   the Nth and every later one
//   POUCH_EFFECTS=few:N:ERRNO      the Nth and the five after it
//   …:N:ERRNO:WORD                 only calls whose name contains the word count (`sync`: fsync and fdatasync)
//   POUCH_EFFECTS=short:N          the Nth write of at least two bytes writes half
//   POUCH_EFFECTS=unsynced         fsync and fdatasync say yes and do nothing: shows that a harness can see a loss
//   POUCH_EFFECTS=count            nothing goes wrong; with :0:ERRNO only what can fail so is counted
//   POUCH_EFFECTS_CLOCK=SECONDS    the wall clock is off by so much; the monotonic one is not
//   POUCH_EFFECTS_LOG=FILE         one line an effect: number and name; the last line tells what was struck
//
// Effects: open with O_CREAT or O_TRUNC, rename, link, unlink, mkdir, write and truncate of regular files, fsync, connect and send on
// network sockets, setting of attributes. A failure EMFILE strikes whatever makes a descriptor, EINTR what waits.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { MAKE = 1, NAME = 2, WRITE = 4, SYNC = 8, NET = 16, DESCRIPTOR = 32, ATTRIBUTE = 64 };
enum mode { OFF, COUNT, KILL, FAIL, ALWAYS, FEW, SHORT, UNSYNCED };

static enum mode mode = OFF;
static long target;
static int number;
static char only[16];
static long clock_shift;
static int log_file = -1;
static atomic_long effects;

// The kernel itself, past every interposed name, libc's syscall() included.
static long kernel(long call, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(call), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}

static long answer(long result) {
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

__attribute__((constructor)) static void begin(void) {
    const char *shift = getenv("POUCH_EFFECTS_CLOCK");
    if (shift) clock_shift = atol(shift);
    const char *text = getenv("POUCH_EFFECTS");
    if (!text) return;
    const char *log = getenv("POUCH_EFFECTS_LOG");
    if (log) log_file = (int)kernel(SYS_openat, AT_FDCWD, (long)log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600, 0, 0);
    char word[16] = "";
    sscanf(text, "%15[a-z]:%ld:%d:%15s", word, &target, &number, only);
    mode = !strcmp(word, "kill") ? KILL : !strcmp(word, "fail") ? FAIL : !strcmp(word, "always") ? ALWAYS
        : !strcmp(word, "few") ? FEW : !strcmp(word, "short") ? SHORT : !strcmp(word, "unsynced") ? UNSYNCED : COUNT;
    // Children (an alert's command, a plugin) are not what is tested.
    unsetenv("POUCH_EFFECTS");
}

static int concerns(enum kind kind) {
    if (mode == SHORT) return kind == WRITE;
    if (!number) return kind != DESCRIPTOR;
    switch (number) {
    case EMFILE: return (kind & (MAKE | DESCRIPTOR)) != 0;
    case EINTR: return (kind & (MAKE | WRITE | SYNC | NET | DESCRIPTOR)) != 0;
    case ENOSPC: case EDQUOT: return (kind & (MAKE | NAME | WRITE | SYNC)) != 0;
    default: return (kind & (MAKE | NAME | WRITE | SYNC | ATTRIBUTE)) != 0;
    }
}

// True when this call is to go wrong: with errno, or by half for SHORT.
static int strikes(enum kind kind, const char *name) {
    if (mode == OFF || mode == UNSYNCED || !concerns(kind) || !strstr(name, only)) return 0;
    long now = atomic_fetch_add(&effects, 1) + 1;
    int hit = mode == ALWAYS ? now >= target : mode == FEW ? now >= target && now < target + 6 : now == target;
    if (log_file >= 0) {
        char line[64];
        int count = snprintf(line, sizeof line, "%ld %s\n", now, name);
        kernel(SYS_write, log_file, (long)line, count, 0, 0, 0);
    }
    if (!hit || mode == COUNT) return 0;
    if (mode == KILL) {
        kernel(SYS_kill, kernel(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0, 0);
        for (;;) kernel(SYS_pause, 0, 0, 0, 0, 0, 0);
    }
    if (mode != SHORT) errno = number;
    return 1;
}

static int is_file(int descriptor) {
    int saved = errno;
    struct stat status;
    int yes = descriptor > 2 && descriptor != log_file
        && kernel(SYS_fstat, descriptor, (long)&status, 0, 0, 0, 0) == 0 && S_ISREG(status.st_mode);
    errno = saved;
    return yes;
}

static int is_network(int descriptor) {
    int saved = errno;
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int yes = kernel(SYS_getsockname, descriptor, (long)&address, (long)&length, 0, 0, 0) == 0
        && (address.ss_family == AF_INET || address.ss_family == AF_INET6);
    errno = saved;
    return yes;
}

// libdispatch counts its running threads by /proc/TID/stat, and ends the process when it cannot: no code of ours can answer for that.
static int is_of_runtime(const char *path) {
    size_t length = strlen(path);
    return !strncmp(path, "/proc/", 6) && length > 5 && !strcmp(path + length - 5, "/stat");
}

static int opens(int flags, const char *name) { return strikes(flags & (O_CREAT | O_TRUNC) ? MAKE : DESCRIPTOR, name); }

#define MODE_ARGUMENT(flags) \
    mode_t mode_bits = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, flags); mode_bits = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...) {
    MODE_ARGUMENT(flags)
    return !is_of_runtime(path) && opens(flags, "open") ? -1 : (int)answer(kernel(SYS_openat, AT_FDCWD, (long)path, flags, mode_bits, 0, 0));
}
int open64(const char *path, int flags, ...) {
    MODE_ARGUMENT(flags)
    return !is_of_runtime(path) && opens(flags, "open") ? -1 : (int)answer(kernel(SYS_openat, AT_FDCWD, (long)path, flags, mode_bits, 0, 0));
}
int openat(int folder, const char *path, int flags, ...) {
    MODE_ARGUMENT(flags)
    return !is_of_runtime(path) && opens(flags, "openat") ? -1 : (int)answer(kernel(SYS_openat, folder, (long)path, flags, mode_bits, 0, 0));
}
int openat64(int folder, const char *path, int flags, ...) {
    MODE_ARGUMENT(flags)
    return !is_of_runtime(path) && opens(flags, "openat") ? -1 : (int)answer(kernel(SYS_openat, folder, (long)path, flags, mode_bits, 0, 0));
}
int socket(int family, int type, int protocol) {
    if (strikes(DESCRIPTOR, "socket")) return -1;
    return (int)answer(kernel(SYS_socket, family, type, protocol, 0, 0, 0));
}
int accept4(int descriptor, struct sockaddr *restrict address, socklen_t *restrict length, int flags) {
    if (strikes(DESCRIPTOR, "accept4")) return -1;
    return (int)answer(kernel(SYS_accept4, descriptor, (long)address, (long)length, flags, 0, 0));
}
int rename(const char *from, const char *to) {
    return strikes(NAME, "rename") ? -1 : (int)answer(kernel(SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0, 0));
}
int renameat(int a, const char *from, int b, const char *to) {
    return strikes(NAME, "renameat") ? -1 : (int)answer(kernel(SYS_renameat2, a, (long)from, b, (long)to, 0, 0));
}
int unlink(const char *path) { return strikes(NAME, "unlink") ? -1 : (int)answer(kernel(SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0)); }
int unlinkat(int folder, const char *path, int flags) {
    return strikes(NAME, "unlinkat") ? -1 : (int)answer(kernel(SYS_unlinkat, folder, (long)path, flags, 0, 0, 0));
}
int rmdir(const char *path) {
    return strikes(NAME, "rmdir") ? -1 : (int)answer(kernel(SYS_unlinkat, AT_FDCWD, (long)path, AT_REMOVEDIR, 0, 0, 0));
}
int mkdir(const char *path, mode_t bits) {
    return strikes(MAKE, "mkdir") ? -1 : (int)answer(kernel(SYS_mkdirat, AT_FDCWD, (long)path, bits, 0, 0, 0));
}
int mkdirat(int folder, const char *path, mode_t bits) {
    return strikes(MAKE, "mkdirat") ? -1 : (int)answer(kernel(SYS_mkdirat, folder, (long)path, bits, 0, 0, 0));
}
int linkat(int a, const char *from, int b, const char *to, int flags) {
    return strikes(NAME, "linkat") ? -1 : (int)answer(kernel(SYS_linkat, a, (long)from, b, (long)to, flags, 0));
}

// 0: go on; -1: failed; otherwise the shorter count to write.
static ssize_t writes(int descriptor, size_t count, const char *name) {
    if (mode == OFF || mode == UNSYNCED || !is_file(descriptor) || (mode == SHORT && count < 2)) return 0;
    if (!strikes(WRITE, name)) return 0;
    return mode == SHORT ? (ssize_t)(count / 2) : -1;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    // OpenSSL sends with write().
    if (mode != OFF && mode != SHORT && is_network(descriptor) && strikes(NET, "write to a socket")) return -1;
    ssize_t verdict = writes(descriptor, count, "write");
    if (verdict < 0) return -1;
    return answer(kernel(SYS_write, descriptor, (long)bytes, (long)(verdict ? verdict : (ssize_t)count), 0, 0, 0));
}
ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    ssize_t verdict = writes(descriptor, count, "pwrite");
    if (verdict < 0) return -1;
    return answer(kernel(SYS_pwrite64, descriptor, (long)bytes, (long)(verdict ? verdict : (ssize_t)count), offset, 0, 0));
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) { return pwrite(descriptor, bytes, count, offset); }
ssize_t copy_file_range(int in, off64_t *a, int out, off64_t *b, size_t count, unsigned flags) {
    ssize_t verdict = writes(out, count, "copy_file_range");
    if (verdict < 0) return -1;
    return answer(kernel(SYS_copy_file_range, in, (long)a, out, (long)b, (long)(verdict ? verdict : (ssize_t)count), flags));
}
int ftruncate(int descriptor, off_t length) {
    return is_file(descriptor) && mode != SHORT && strikes(WRITE, "ftruncate") ? -1 : (int)answer(kernel(SYS_ftruncate, descriptor, length, 0, 0, 0, 0));
}
int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }
int fsync(int descriptor) {
    if (mode == UNSYNCED) return 0;
    return strikes(SYNC, "fsync") ? -1 : (int)answer(kernel(SYS_fsync, descriptor, 0, 0, 0, 0, 0));
}
int fdatasync(int descriptor) {
    if (mode == UNSYNCED) return 0;
    return strikes(SYNC, "fdatasync") ? -1 : (int)answer(kernel(SYS_fdatasync, descriptor, 0, 0, 0, 0, 0));
}
int fsetxattr(int descriptor, const char *name, const void *value, size_t size, int flags) {
    return strikes(ATTRIBUTE, "fsetxattr") ? -1 : (int)answer(kernel(SYS_fsetxattr, descriptor, (long)name, (long)value, (long)size, flags, 0));
}
int fchmod(int descriptor, mode_t bits) { return strikes(ATTRIBUTE, "fchmod") ? -1 : (int)answer(kernel(SYS_fchmod, descriptor, bits, 0, 0, 0, 0)); }
int connect(int descriptor, const struct sockaddr *address, socklen_t length) {
    if (address && (address->sa_family == AF_INET || address->sa_family == AF_INET6) && strikes(NET, "connect")) return -1;
    return (int)answer(kernel(SYS_connect, descriptor, (long)address, length, 0, 0, 0));
}
ssize_t send(int descriptor, const void *bytes, size_t count, int flags) {
    if (mode != OFF && is_network(descriptor) && strikes(NET, "send")) return -1;
    return answer(kernel(SYS_sendto, descriptor, (long)bytes, (long)count, flags, 0, 0));
}
ssize_t sendto(int descriptor, const void *bytes, size_t count, int flags, const struct sockaddr *address, socklen_t length) {
    if (mode != OFF && is_network(descriptor) && strikes(NET, "sendto")) return -1;
    return answer(kernel(SYS_sendto, descriptor, (long)bytes, (long)count, flags, (long)address, length));
}
ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    if (mode != OFF && is_network(descriptor) && strikes(NET, "sendmsg")) return -1;
    return answer(kernel(SYS_sendmsg, descriptor, (long)message, flags, 0, 0, 0));
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)answer(kernel(SYS_clock_gettime, clock, (long)time, 0, 0, 0, 0));
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += clock_shift;
    return result;
}
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    int result = (int)answer(kernel(SYS_gettimeofday, (long)time, (long)zone, 0, 0, 0, 0));
    if (result == 0) time->tv_sec += clock_shift;
    return result;
}
time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

// Calls that glibc has no name for go through here (renameat2, openat2, statx).
long syscall(long call, ...) {
    va_list list;
    va_start(list, call);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
    long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
    va_end(list);
    if (call == SYS_renameat2 && strikes(NAME, "renameat2")) return -1;
    // The flags are the first of what `c` points to (struct open_how).
    if (call == SYS_openat2 && opens((int)*(uint64_t *)c, "openat2")) return -1;
    return answer(kernel(call, a, b, c, d, e, f));
}
