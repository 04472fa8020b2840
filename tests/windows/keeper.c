/* SPDX-License-Identifier: MIT */
/* Makes the file that is named, to say that it runs; then does nothing until Wine's server is told
 * to end: see set_up.sh. */
#include <windows.h>

int main(int argc, char **argv)
{
    if (argc > 1)
        CreateFileA(argv[1], GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    Sleep(INFINITE);
    return 0;
}
