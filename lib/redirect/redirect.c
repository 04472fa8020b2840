/* interim main */
#include "backend.h"
#include "patch.h"
#include <stdio.h>
#include <windows.h>
#include <winternl.h>
__declspec(dllexport) int barrow_redirected(void)
{
    return 1;
}
__declspec(dllexport) int barrow_owns(void *p)
{
    return backend_owns(p);
}
BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *r)
{
    char v[16];
    if (reason == DLL_PROCESS_ATTACH) {
        backend_start();
        heap_hooks_start();
        patch_add(heap_hooks);
        redirect_counting = GetEnvironmentVariableA("BARROW_STATS", v, 16) > 0;
        bool direct = !(GetEnvironmentVariableA("BARROW_REDIRECT", v, 16) > 0 && v[0] == '1');
        patch_start(self, direct);
    }
    if (reason == DLL_PROCESS_DETACH && redirect_counting) {
        char t[300];
        DWORD w;
        struct patch_figures f = patch_figures();
        int n = snprintf(t, 300,
                         "barrow: heap %lld direct %lld resized %lld freed %lld foreign %lld; "
                         "modules %u slots %u runtimes %u\n",
                         redirect_counts.heap, redirect_counts.direct, redirect_counts.resized,
                         redirect_counts.freed, redirect_counts.foreign, f.modules, f.slots,
                         f.runtimes);
        WriteFile(GetStdHandle(STD_ERROR_HANDLE), t, n, &w, 0);
    }
    return TRUE;
}
