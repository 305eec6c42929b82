/* pai launcher: pause | seed PLAN | version. Exit codes: 0 done, 1 failed, 2 wrong usage. */
#include "launcher.h"

#include <stdio.h>
#include <string.h>

static int version(void) {
    return puts("pai-launcher " PAI_VERSION) < 0 || fflush(stdout) != 0 ? PAI_EXIT_FAILED : 0;
}

int main(int count, char **words) {
    if (count == 2 && strcmp(words[1], "pause") == 0) return pause_forever();
    if (count == 3 && strcmp(words[1], "seed") == 0) return seed(words[2]);
    if (count == 2 && strcmp(words[1], "version") == 0) return version();
    fail("usage: launcher pause | seed PLAN | version");
    return PAI_EXIT_USAGE;
}
