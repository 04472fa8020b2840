/* SPDX-License-Identifier: MIT */
/* power.c: power is lost before and after each call that writes to the disk, syncs, renames or
 * removes. What the disk then has is put together as a disk may: of a file's pages that were not
 * synced since they changed any may be there and any may not, and so with its length and its name.
 * The heap is opened from that, after a restart, and must be as the last sync that returned left it,
 * or one that was in progress.
 *
 *     fuzz_mapped_power CALLS [SEED] */
#include "mapped/mapped.h"

#include "barrow/heapapi.h"
#include "barrow/mapped_heap.h"
#include "os/shared_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/check.h"
#include "support/rng.h"
#include "support/scale.h"

enum { PAGE = 4096, MOST = 1 << 20, MAXIMUM = 512 << 10, NAMES = 40, TEXT = 700 };

struct content {
    bool exists;
    size_t size;
    char bytes[MOST];
};

/* What the program has put into the heap. */
struct model {
    char texts[NAMES][TEXT];
    bool present[NAMES];
};

static char folder[64], path[96], synced[112], other_folder[64], other[96], other_synced[112];
static uint64_t random_state;
static struct content main_durable, copy_durable, name_durable, name_latest, now_content;
static struct model now, promised, in_progress;
static bool is_promised, is_in_progress, is_quiet, restarted;
static size_t losses;

/* ---- what is on the disk -------------------------------------------------------------------- */

static void load(const char *from, struct content *content)
{
    int fd = open(from, O_RDONLY);
    content->exists = fd >= 0;
    content->size = 0;
    if (fd < 0)
        return;
    ssize_t size = read(fd, content->bytes, MOST);
    REQUIRE(size >= 0 && size < MOST);
    content->size = (size_t)size;
    close(fd);
}

static void store(const char *to, const struct content *content)
{
    remove(to);
    if (!content->exists)
        return;
    int fd = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(fd >= 0 && write(fd, content->bytes, content->size) == (ssize_t)content->size);
    close(fd);
}

/* Pages of the durable content and of what is in memory now, in any mixture. */
static void mix(struct content *out, const struct content *durable)
{
    uint64_t kind = rng_below(&random_state, 4);
    load(path, out);
    if (!durable->exists || kind == 0)
        return; /* all that was written has got there */
    for (size_t at = 0; at < out->size && at < durable->size; at += PAGE)
        if (kind == 1 || rng_below(&random_state, 2) == 0)
            memcpy(out->bytes + at, durable->bytes + at, PAGE);
    if (kind == 1 || rng_below(&random_state, 2) == 0)
        out->size = durable->size < out->size ? durable->size : out->size;
}

static bool is_as(HANDLE heap, const struct model *model)
{
    for (int i = 0; i < NAMES; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        const char *text = barrow_heap_root(heap, name);
        if ((text != NULL) != model->present[i])
            return false;
        if (text != NULL && strcmp(text, model->texts[i]) != 0)
            return false;
    }
    return true;
}

static void open_after_loss(void)
{
    HANDLE heap = barrow_heap_open_file(other, 0, 0, BARROW_HEAP_MUST_EXIST);
    REQUIRE(heap != NULL);
    REQUIRE(HeapValidate(heap, 0, NULL));
    REQUIRE(is_as(heap, &promised) || (is_in_progress && is_as(heap, &in_progress)));
    REQUIRE(barrow_heap_close(heap));
}

static void lose_power(void)
{
    if (is_quiet || !is_promised)
        return;
    is_quiet = true;
    mix(&now_content, &main_durable);
    store(other, &now_content);
    store(other_synced, rng_below(&random_state, 2) == 0 ? &name_latest : &name_durable);
    restarted = true;
    open_after_loss();
    restarted = false;
    losses++;
    is_quiet = false;
}

/* ---- the calls that write ------------------------------------------------------------------- */

static bool is_main(int fd)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

static void load_fd(int fd, struct content *content)
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    load(link, content);
}

int __real_shared_file_sync(int fd);
int __wrap_shared_file_sync(int fd);
int __real_shared_file_rename(const char *from, const char *to);
int __wrap_shared_file_rename(const char *from, const char *to);
int __real_shared_file_remove(const char *at);
int __wrap_shared_file_remove(const char *at);
int __real_shared_file_sync_folder(const char *at);
int __wrap_shared_file_sync_folder(const char *at);
int __real_shared_file_sync_map(void *address, size_t size);
int __wrap_shared_file_sync_map(void *address, size_t size);
void __real_shared_file_boot(void *id);
void __wrap_shared_file_boot(void *id);

int __wrap_shared_file_sync(int fd)
{
    lose_power();
    if (!is_quiet)
        load_fd(fd, is_main(fd) ? &main_durable : &copy_durable);
    lose_power();
    return is_quiet ? 0 : __real_shared_file_sync(fd);
}

int __wrap_shared_file_sync_map(void *address, size_t size)
{
    lose_power();
    return is_quiet ? 0 : __real_shared_file_sync_map(address, size);
}

int __wrap_shared_file_rename(const char *from, const char *to)
{
    lose_power();
    int error = __real_shared_file_rename(from, to);
    if (!is_quiet && strcmp(to, synced) == 0)
        name_latest = copy_durable;
    lose_power();
    return error;
}

int __wrap_shared_file_remove(const char *at)
{
    lose_power();
    if (!is_quiet && strcmp(at, synced) == 0)
        name_latest.exists = false;
    lose_power();
    return __real_shared_file_remove(at);
}

int __wrap_shared_file_sync_folder(const char *at)
{
    lose_power();
    if (!is_quiet)
        name_durable = name_latest;
    lose_power();
    return __real_shared_file_sync_folder(at);
}

void __wrap_shared_file_boot(void *id)
{
    memset(id, restarted ? 2 : 1, 16);
}

/* ---- the program ---------------------------------------------------------------------------- */

static void set_text(HANDLE heap, int i)
{
    char name[16], *old;
    size_t size = rng_below(&random_state, TEXT - 1);
    snprintf(name, sizeof name, "%d", i);
    old = barrow_heap_root(heap, name);
    char *text = HeapAlloc(heap, 0, size + 1);
    if (text == NULL)
        return;
    memset(text, 'a' + (int)rng_below(&random_state, 26), size);
    text[size] = 0;
    REQUIRE(barrow_heap_set_root(heap, name, text));
    strcpy(now.texts[i], text);
    now.present[i] = true;
    if (old != NULL)
        REQUIRE(HeapFree(heap, 0, old));
}

static void remove_text(HANDLE heap, int i)
{
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    void *text = barrow_heap_root(heap, name);
    if (text == NULL)
        return;
    REQUIRE(barrow_heap_set_root(heap, name, NULL) && HeapFree(heap, 0, text));
    now.present[i] = false;
}

static void sync_all(HANDLE heap)
{
    in_progress = now;
    is_in_progress = true;
    REQUIRE(barrow_heap_sync(heap));
    promised = now;
    is_promised = true;
    is_in_progress = false;
}

static HANDLE reopen(HANDLE heap)
{
    in_progress = now;
    is_in_progress = true;
    REQUIRE(barrow_heap_close(heap));
    promised = now;
    is_promised = true;
    lose_power();
    is_in_progress = false;
    is_promised = false; /* until the next sync: the file is open */
    heap = barrow_heap_open_file(path, 0, 0, BARROW_HEAP_MUST_EXIST);
    REQUIRE(heap != NULL);
    REQUIRE(is_as(heap, &now));
    return heap;
}

static HANDLE one_call(HANDLE heap)
{
    int i = (int)rng_below(&random_state, NAMES);
    uint64_t kind = rng_below(&random_state, 100);
    if (kind < 60)
        set_text(heap, i);
    else if (kind < 85)
        remove_text(heap, i);
    else if (kind < 88)
        HeapCompact(heap, 0);
    else if (kind < 95)
        lose_power();
    else if (kind < 98)
        sync_all(heap);
    else
        heap = reopen(heap);
    return heap;
}

int main(int argc, char **argv)
{
    size_t calls = scaled(argc > 1 ? strtoull(argv[1], NULL, 10) : 1000);
    random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/barrow-power-%d", place, getpid());
    snprintf(other_folder, sizeof other_folder, "%s/barrow-power-%d-lost", place, getpid());
    REQUIRE(mkdir(folder, 0700) == 0 && mkdir(other_folder, 0700) == 0);
    snprintf(path, sizeof path, "%s/heap", folder);
    snprintf(synced, sizeof synced, "%s.synced", path);
    snprintf(other, sizeof other, "%s/heap", other_folder);
    snprintf(other_synced, sizeof other_synced, "%s.synced", other);
    HANDLE heap = barrow_heap_open_file(path, 0, MAXIMUM, 0);
    REQUIRE(heap != NULL);
    for (size_t i = 0; i < calls; i++)
        heap = one_call(heap);
    is_quiet = true;
    REQUIRE(barrow_heap_close(heap));
    printf("%zu calls, %zu losses of power\n", calls, losses);
    remove(path);
    remove(synced);
    remove(other);
    remove(other_synced);
    rmdir(folder);
    rmdir(other_folder);
    return losses > calls / 20 ? 0 : 1;
}
