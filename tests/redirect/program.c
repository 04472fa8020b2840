/* SPDX-License-Identifier: MIT */
/* program.c: allocates in every way from the program, from a DLL that is there at the start, and
 * from plug-ins.
 *
 *     program early PLUG-IN...                barrow.dll is there from the start
 *     program present PLUG-IN...              the same, but for what is done before main
 *     program late BARROW.DLL PLUG-IN...      it is loaded in the middle
 *     program storm BARROW.DLL                the same while threads allocate and free
 *     program exhaust                         prints how many MiB malloc gave
 *     program spawn COMMAND-LINE              runs it, and ends as it does
 *     program exit NUMBER                     ends with that status
 *     program arguments ...                   prints the command line
 *     program own virtual|heap|local          allocates past the run-time
 *     program bad CALL                        gives that function the inside of a block
 *     program interrupt                       ends with 42 at Ctrl-C, which it asks for
 *
 * Ends with 0 if all is as it should be, else 1. */
#include "part.h"

#include <malloc.h>
#include <process.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static int checks;

/* Made before main. */
static void *at_start;

__attribute__((constructor)) static void start(void)
{
    at_start = malloc(44);
}

static ways_owns *find_owner(void)
{
    HMODULE library = GetModuleHandleA("barrow.dll");
    if (!library) {
        printf("barrow.dll is not loaded\n");
        return NULL;
    }
    return (ways_owns *)(void *)GetProcAddress(library, "barrow_redirect_owns");
}

static int check_plug_in(const char *path, ways_owns *owns)
{
    HMODULE plug_in = LoadLibraryA(path);
    if (!plug_in) {
        printf("%s is not loaded, error %lu\n", path, GetLastError());
        return 1;
    }
    void *(*at_load)(void) = (void *(*)(void))(void *)GetProcAddress(plug_in, "part_at_load");
    int (*check)(ways_owns *) = (int (*)(ways_owns *))(void *)GetProcAddress(plug_in, "part_check");
    int (*count)(void) = (int (*)(void))(void *)GetProcAddress(plug_in, "part_checks");
    int failures = check(owns);
    if (!owns(at_load())) {
        printf("%s: what its start made is not barrow's\n", path);
        failures++;
    }
    checks += count() + 1;
    FreeLibrary(plug_in);
    return failures;
}

/* The plug-ins twice: another load of the same one is a new module to be redirected. */
static int check_all(ways_owns *owns, int argc, char **argv)
{
    int failures = ways_check(owns) + part_check(owns);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < argc; i++)
            failures += check_plug_in(argv[i], owns);
    checks += ways_checks() + part_checks();
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}

static int early(int argc, char **argv)
{
    ways_owns *owns = find_owner();
    if (!owns)
        return 1;
    int failures = !owns(at_start) + !owns(part_at_load());
    if (failures)
        printf("%d blocks from before main are not barrow's\n", failures);
    return check_all(owns, argc, argv) || failures;
}

/* barrow.dll came before main, but perhaps not before everything else. */
static int present(int argc, char **argv)
{
    ways_owns *owns = find_owner();
    return owns ? check_all(owns, argc, argv) : 1;
}

static int late(int argc, char **argv)
{
    ways_before();
    part_before();
    if (!LoadLibraryA(argv[0])) {
        printf("%s is not loaded, error %lu\n", argv[0], GetLastError());
        return 1;
    }
    ways_owns *owns = find_owner();
    if (!owns)
        return 1;
    int failures = owns(at_start) + owns(part_at_load());
    failures += ways_after(owns) + part_after(owns);
    if (failures)
        printf("%d failures with blocks from before\n", failures);
    return check_all(owns, argc - 1, argv + 1) || failures;
}

/* ---- storm -------------------------------------------------------------------------------- */

enum { STORM_THREADS = 4, STORM_BLOCKS = 500 };

static volatile LONG storm_over, storm_damage;

struct storm_block {
    unsigned char *data;
    size_t size;
    unsigned char value;
};

static bool is_whole(const struct storm_block *block)
{
    for (size_t i = 0; i < block->size; i++)
        if (block->data[i] != block->value)
            return false;
    return _msize(block->data) == block->size;
}

static void storm_step(struct storm_block *block, unsigned random)
{
    size_t size = random % 7 == 0 ? random % 100000 : random % 700;
    if (block->data && !is_whole(block))
        InterlockedIncrement(&storm_damage);
    if (block->data && random % 3 == 0) {
        free(block->data);
        *block = (struct storm_block){ 0 };
        return;
    }
    unsigned char *data = realloc(block->data, size + 1);
    if (!data) {
        InterlockedIncrement(&storm_damage);
        return;
    }
    *block = (struct storm_block){ data, size + 1, (unsigned char)random };
    memset(data, block->value, block->size);
}

static unsigned __stdcall storm_thread(void *seed)
{
    static struct storm_block blocks[STORM_THREADS][STORM_BLOCKS];
    struct storm_block *mine = blocks[(uintptr_t)seed];
    unsigned random = (unsigned)(uintptr_t)seed + 1;
    while (!storm_over) {
        random = random * 1664525u + 1013904223u;
        storm_step(&mine[(random >> 8) % STORM_BLOCKS], random >> 8);
    }
    for (int i = 0; i < STORM_BLOCKS; i++)
        free(mine[i].data);
    return 0;
}

static int storm(const char *library)
{
    HANDLE threads[STORM_THREADS];
    for (uintptr_t i = 0; i < STORM_THREADS; i++)
        threads[i] = (HANDLE)_beginthreadex(NULL, 0, storm_thread, (void *)i, 0, NULL);
    Sleep(300);
    bool loaded = LoadLibraryA(library) != NULL;
    Sleep(1000);
    storm_over = 1;
    WaitForMultipleObjects(STORM_THREADS, threads, TRUE, INFINITE);
    ways_owns *owns = loaded ? find_owner() : NULL;
    void *block = malloc(10);
    bool ours = owns && owns(block);
    printf("loaded %d, ours %d, damaged %ld, heap %d\n", loaded, ours, storm_damage, _heapchk());
    return !ours || storm_damage || _heapchk() != _HEAPOK;
}

/* ---- for the tests of the command --------------------------------------------------------- */

static int exhaust(void)
{
    int got = 0;
    while (got < 1000 && malloc(1 << 20))
        got++;
    printf("%d\n", got);
    return 0;
}

static int spawn(char *line)
{
    STARTUPINFOA startup = { .cb = sizeof startup };
    PROCESS_INFORMATION child;
    DWORD status = 1;
    fflush(stdout);
    if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &child)) {
        printf("%s: error %lu\n", line, GetLastError());
        return 1;
    }
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &status);
    return (int)status;
}

static int own(const char *how)
{
    HANDLE heap = HeapCreate(0, 0, 0);
    for (int i = 0; i < 2000; i++)
        if (strcmp(how, "heap") == 0)
            HeapFree(heap, 0, HeapAlloc(heap, 0, 100));
        else if (strcmp(how, "local") == 0)
            LocalFree(LocalAlloc(LMEM_FIXED, 100));
    if (strcmp(how, "virtual") == 0)
        return !VirtualAlloc(NULL, 64 << 20, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    return 0;
}

static int bad(const char *call)
{
    HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    HANDLE heap = (HANDLE)_get_heap_handle();
    char *inside = (char *)malloc(100) + 16;
    if (strcmp(call, "HeapSize") == 0)
        HeapSize(heap, 0, inside);
    if (strcmp(call, "HeapReAlloc") == 0)
        inside = HeapReAlloc(heap, 0, inside, 10);
    if (strcmp(call, "HeapFree") == 0)
        HeapFree(heap, 0, inside);
    if (strncmp(call, "Rtl", 3) == 0)
        ((SIZE_T(NTAPI *)(HANDLE, ULONG, void *))(void *)GetProcAddress(ntdll, call))(heap, 0,
                                                                                      inside);
    if (strcmp(call, "_msize") == 0)
        return (int)_msize(inside);
    if (strcmp(call, "realloc") == 0)
        inside = realloc(inside, 10);
    if (strcmp(call, "free") == 0)
        free(inside);
    return 0;
}

static BOOL WINAPI interrupted(DWORD event)
{
    if (event == CTRL_C_EVENT)
        ExitProcess(42);
    return FALSE;
}

static int interrupt(void)
{
    SetConsoleCtrlHandler(interrupted, TRUE);
    if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0))
        printf("there is no console, error %lu\n", GetLastError());
    Sleep(60000);
    return 1;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "early") == 0)
        return early(argc - 2, argv + 2);
    if (strcmp(mode, "present") == 0)
        return present(argc - 2, argv + 2);
    if (strcmp(mode, "late") == 0 && argc > 2)
        return late(argc - 2, argv + 2);
    if (strcmp(mode, "storm") == 0 && argc > 2)
        return storm(argv[2]);
    if (strcmp(mode, "exhaust") == 0)
        return exhaust();
    if (strcmp(mode, "spawn") == 0)
        return spawn(strstr(GetCommandLineA(), "spawn") + strlen("spawn "));
    if (strcmp(mode, "own") == 0 && argc > 2)
        return own(argv[2]);
    if (strcmp(mode, "bad") == 0 && argc > 2)
        return bad(argv[2]);
    if (strcmp(mode, "exit") == 0 && argc > 2)
        return atoi(argv[2]);
    if (strcmp(mode, "arguments") == 0)
        return puts(strstr(GetCommandLineA(), "arguments")) < 0;
    if (strcmp(mode, "interrupt") == 0)
        return interrupt();
    fprintf(stderr, "program: unknown mode '%s'\n", mode);
    return 1;
}
