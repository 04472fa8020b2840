/* SPDX-License-Identifier: MIT */
/* Does nothing until Wine's server is told to end: see set_up.sh. */
#include <windows.h>

int main(void)
{
    Sleep(INFINITE);
    return 0;
}
