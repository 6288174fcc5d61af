#ifndef POUCH_CLINUX_SHIM_H
#define POUCH_CLINUX_SHIM_H

// System calls that Swift cannot import: glibc declares them only under _GNU_SOURCE, which the Glibc module is built
// without, or not at all (openat2). Each goes by its number and answers like the kernel: a result, or -errno.

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <signal.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/stat.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
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

// The calling thread's number; glibc has gettid() under _GNU_SOURCE only, and syscall is variadic.
static inline int pouch_thread(void) { return (int)syscall(SYS_gettid); }

// A file that is only in memory.
static inline int pouch_memory_file(const char *name) { return pouch_answer(syscall(SYS_memfd_create, name, 1u)); } // MFD_CLOEXEC

// Asks for a read lease, which the kernel grants only when nobody has the file open for writing, and gives it back at once.
static inline int pouch_probe_lease(int descriptor) {
    int set_lease = 1024; // F_SETLEASE
    int answer = pouch_answer(fcntl(descriptor, set_lease, F_RDLCK));
    if (answer < 0) return answer;
    return pouch_answer(fcntl(descriptor, set_lease, F_UNLCK));
}

// A pipe that no program which is started later inherits.
static inline int pouch_pipe(int *ends) { return pouch_answer(syscall(SYS_pipe2, ends, O_CLOEXEC)); }

// The constants are of an enumeration that Swift does not take for numbers.
static inline int pouch_bell(void) { return pouch_answer(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

// write(2) without the SIGPIPE that a reader's end would send to this process.
static inline long pouch_write_quietly(int descriptor, const void *bytes, size_t count) {
    sigset_t broken_pipe, before;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    long result = write(descriptor, bytes, count);
    if (result < 0) {
        result = -errno;
        struct timespec at_once = {0, 0};
        if (result == -EPIPE) sigtimedwait(&broken_pipe, NULL, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

// What a child process is to be. Everything is prepared before the fork: after it the child may call only what is safe in a signal
// handler, since other threads of the parent may have held any lock.
struct pouch_child {
    const char *program;
    char *const *arguments;
    char *const *environment;
    const char *folder;
    int input, output, errors; // become 0, 1 and 2
    uint64_t most_memory, most_processes, most_files; // bytes of data, processes and threads of the user, descriptors
};

static inline int pouch_limit(int resource, uint64_t most) {
    struct rlimit limit;
    // The plain constants are of an enumeration in C, of int in C++.
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) return -1;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most) limit.rlim_max = most;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &limit);
}

// The child's own part, between fork and exec. Never returns; what fails is written to `report` as an error number.
static inline __attribute__((noreturn)) void pouch_become(const struct pouch_child *child, int parent, int report) {
    int code = 0;
    struct sigaction standard = {0};
    standard.sa_handler = SIG_DFL;
    // A disposition of `ignore` would survive the exec. SIGKILL and SIGSTOP refuse, which is right.
    for (int number = 1; number < 65; number++) sigaction(number, &standard, NULL);
    sigset_t nothing;
    sigemptyset(&nothing);
    if (setpgid(0, 0) != 0) goto failed;
    // Sent when the thread that forked ends, not only its process: the parent forks on a thread that outlives the child.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) goto failed;
    if (getppid() != parent) _exit(127); // it died before that
    if (dup2(child->input, 0) < 0 || dup2(child->output, 1) < 0 || dup2(child->errors, 2) < 0) goto failed;
    if (report != 3 && dup2(report, 3) < 0) goto failed;
    report = 3;
    if (fcntl(report, F_SETFD, FD_CLOEXEC) != 0) goto failed;
    if (syscall(SYS_close_range, 4u, ~0u, 0u) != 0) goto failed;
    if (pouch_limit(RLIMIT_CORE, 0) != 0 || pouch_limit(RLIMIT_DATA, child->most_memory) != 0) goto failed;
    if (pouch_limit(RLIMIT_NPROC, child->most_processes) != 0 || pouch_limit(RLIMIT_NOFILE, child->most_files) != 0) goto failed;
    umask(077);
    if (chdir(child->folder) != 0) goto failed;
    pthread_sigmask(SIG_SETMASK, &nothing, NULL);
    execve(child->program, child->arguments, child->environment);
failed:
    code = errno;
    if (write(report, &code, sizeof code) < 0) _exit(126);
    _exit(127);
}

// Starts a child in a process group of its own and returns its number, with a descriptor for it; or -errno, also for what failed in the
// child before its program ran. The number stays the child's until `pouch_child_ended` reaps it.
static inline int pouch_start_child(const struct pouch_child *child, int *pidfd) {
    int report[2];
    int answer = pouch_pipe(report);
    if (answer < 0) return answer;
    sigset_t every, before;
    sigfillset(&every);
    // No handler of the parent's may run in the child.
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int parent = getpid();
    int number = fork();
    if (number == 0) pouch_become(child, parent, report[1]);
    answer = number < 0 ? -errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (answer == 0) {
        int code = 0;
        long count;
        do { count = read(report[0], &code, sizeof code); } while (count < 0 && errno == EINTR);
        if (count != 0) answer = count == (long)sizeof code ? -code : -EIO;
        // Not reaped yet: nobody else can have got the number.
        if (answer == 0) answer = *pidfd = pouch_answer(syscall(SYS_pidfd_open, number, 0));
        if (answer < 0) {
            kill(number, SIGKILL);
            while (waitpid(number, NULL, 0) < 0 && errno == EINTR) {}
        }
    }
    close(report[0]);
    return answer < 0 ? answer : number;
}

// Whether others of this user may look into /proc/<this process>/fd: not when the program has capabilities of its own (prctl is variadic).
static inline int pouch_is_open_to_its_user(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1; }

// 1 and how (`si_code`, `si_status`) when the child has ended, 0 when not. Until it is reaped its number and its group's are not used again.
static inline int pouch_child_ended(int pidfd, int reaping, int *how, int *status) {
    siginfo_t info = {0};
    int flags = WEXITED | WNOHANG | (reaping ? 0 : WNOWAIT);
    if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, flags) != 0) return -errno;
    if (info.si_pid == 0) return 0;
    *how = info.si_code;
    *status = info.si_status;
    return 1;
}

#endif
