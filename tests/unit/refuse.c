/* SPDX-License-Identifier: MIT */
#include "refuse.h"

#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORD_FILE = 200, PATIENCE = 300 /* seconds */ };

/* ---- the child ---------------------------------------------------------------------------- */

static int install_filter(int call)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { COUNT(filter), filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

/* How the parent comes by the listener: by its number, which the child tells without a call, for
 * each of its calls might be one that waits for the parent. */
struct meeting {
    _Atomic int listener; /* 0: there is none yet */
    atomic_bool taken;
};

static _Noreturn void be_child(const char *name, const struct refusal *refusal, int words,
                               int output, struct meeting *meeting)
{
    struct rlimit limit = { refusal->address_space, refusal->address_space };
    alarm(PATIENCE);
    if (refusal->address_space != 0 && setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(96);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (dup2(words, WORD_FILE) != WORD_FILE)
        _exit(99);
    int listener = install_filter(refusal->call);
    if (listener < 0)
        _exit(98);
    atomic_store(&meeting->listener, listener);
    while (!atomic_load(&meeting->taken))
        continue;
    execl("/proc/self/exe", "work", "--work", name, (char *)NULL);
    _exit(97);
}

void refuse_say(enum refuse_word word)
{
    char answer = (char)word;
    assert_int_equal(send(WORD_FILE, &answer, 1, 0), 1); /* not write: it may be refused */
    assert_int_equal(recv(WORD_FILE, &answer, 1, 0), 1);
}

static size_t count_threads(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

void refuse_await_alone(void)
{
    while (count_threads() > 1)
        usleep(1000);
}

const char *refuse_work(int argc, char **argv)
{
    return argc == 3 && strcmp(argv[1], "--work") == 0 ? argv[2] : NULL;
}

/* ---- the parent --------------------------------------------------------------------------- */

struct watch {
    const struct refusal *refusal;
    struct refusal_result *result;
    pid_t child;
    int listener, words;
    bool counting;
    uintptr_t program_start, program_end; /* the program's code; 0: not known yet */
};

/* Where the new program's code lies. The old one, before exec, was this very program too. */
static void find_program(struct watch *watch)
{
    char path[64], line[512], own[256];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    own[length > 0 ? length : 0] = '\0';
    snprintf(path, sizeof path, "/proc/%d/maps", (int)watch->child);
    FILE *maps = fopen(path, "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t start, end;
        char access[8];
        if (strstr(line, own) != NULL && sscanf(line, "%lx-%lx %7s", &start, &end, access) == 3 &&
            access[2] == 'x') {
            watch->program_start = start;
            watch->program_end = end;
        }
    }
    fclose(maps);
}

static bool counts(struct watch *watch, const struct seccomp_data *data)
{
    const struct refusal *refusal = watch->refusal;
    if (!watch->counting)
        return false;
    if (refusal->operation >= 0 && (long)(data->args[1] & 127) != refusal->operation)
        return false;
    if (refusal->anybody)
        return true;
    if (data->instruction_pointer < watch->program_start ||
        data->instruction_pointer >= watch->program_end)
        find_program(watch);
    return data->instruction_pointer >= watch->program_start &&
           data->instruction_pointer < watch->program_end;
}

static bool is_refused(struct watch *watch, const struct seccomp_data *data)
{
    const struct refusal *refusal = watch->refusal;
    struct refusal_result *result = watch->result;
    if (!counts(watch, data))
        return false;
    result->count++;
    bool refused = refusal->nth != 0 && (result->count == refusal->nth ||
                                         (refusal->for_ever && result->count > refusal->nth));
    result->refused += refused;
    return refused;
}

static void answer_call(struct watch *watch)
{
    struct seccomp_notif call;
    struct seccomp_notif_resp answer;
    memset(&call, 0, sizeof call);
    memset(&answer, 0, sizeof answer);
    if (ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
        return; /* interrupted by a signal, or the caller is no more */
    answer.id = call.id;
    if (is_refused(watch, &call.data))
        answer.error = -watch->refusal->error;
    else
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0)
        assert_int_equal(errno, ENOENT); /* a signal ended the call meanwhile */
}

/* False when there are no more. */
static bool hear_word(struct watch *watch)
{
    char word;
    if (read(watch->words, &word, 1) != 1)
        return false;
    watch->counting = word == REFUSE_START;
    return write(watch->words, &word, 1) == 1;
}

static void watch_child(struct watch *watch)
{
    struct pollfd files[] = { { watch->words, POLLIN, 0 }, { watch->listener, POLLIN, 0 } };
    for (bool goes_on = true; goes_on;) {
        if (poll(files, COUNT(files), -1) < 0)
            continue;
        if (files[1].revents & POLLIN)
            answer_call(watch);
        else if (files[0].revents != 0)
            goes_on = hear_word(watch);
        else if (files[1].revents & (POLLHUP | POLLERR))
            files[1].fd = -1;
    }
}

static int take_listener(pid_t child, struct meeting *meeting)
{
    int number, process = (int)syscall(SYS_pidfd_open, child, 0);
    assert_true(process >= 0);
    while ((number = atomic_load(&meeting->listener)) == 0) {
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
        usleep(100);
    }
    int listener = (int)syscall(SYS_pidfd_getfd, process, number, 0);
    assert_true(listener >= 0);
    close(process);
    atomic_store(&meeting->taken, true);
    return listener;
}

static void read_output(int output, struct refusal_result *result)
{
    lseek(output, 0, SEEK_SET);
    ssize_t length = read(output, result->output, sizeof result->output - 1);
    result->output[length > 0 ? length : 0] = '\0';
    close(output);
}

void refuse(const char *name, const struct refusal *refusal, struct refusal_result *result)
{
    char file[] = "/tmp/barrow-refuse-XXXXXX";
    int words[2], output = mkstemp(file);
    assert_true(output >= 0);
    unlink(file);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, words), 0);
    memset(result, 0, sizeof *result);
    struct meeting *meeting =
        mmap(NULL, sizeof *meeting, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(meeting, MAP_FAILED);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(words[0]);
        be_child(name, refusal, words[1], output, meeting);
    }
    close(words[1]);
    struct watch watch = { .refusal = refusal,
                           .result = result,
                           .child = child,
                           .words = words[0],
                           .counting = !refusal->on_word };
    watch.listener = take_listener(child, meeting);
    watch_child(&watch);
    close(watch.listener);
    close(words[0]);
    munmap(meeting, sizeof *meeting);
    assert_int_equal(waitpid(child, &result->status, 0), child);
    read_output(output, result);
}

/* ---- every occurrence --------------------------------------------------------------------- */

static bool run_one(const char *work, const struct refusal *refusal)
{
    struct refusal_result result;
    refuse(work, refusal, &result);
    if (result.status != 0) {
        print_error("call %d, error %d, %s the %zuth of %zu: status %#x, and it wrote\n%s\n",
                    refusal->call, refusal->error, refusal->for_ever ? "from" : "at", refusal->nth,
                    result.count, (unsigned)result.status, result.output);
        fail();
    }
    return result.refused != 0;
}

size_t refuse_each(const char *work, struct refusal refusal)
{
    size_t runs = 0;
    bool once = true, for_ever = !refusal.once_only;
    for (refusal.nth = 1; once || for_ever; refusal.nth++) {
        refusal.for_ever = false;
        once = once && (runs++, run_one(work, &refusal));
        refusal.for_ever = true;
        for_ever = for_ever && (runs++, run_one(work, &refusal));
    }
    return runs;
}
