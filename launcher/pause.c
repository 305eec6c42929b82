/* Hold the namespaces of a replica: PID 1 that reaps what is left to it and ends when told to. */
#include "launcher.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

int pause_forever(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    /* Blocked, not handled: PID 1 loses signals that are neither. */
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
        fail("pause: %s", strerror(errno));
        return PAI_EXIT_FAILED;
    }
    for (int signal = SIGCHLD; signal != SIGTERM && signal != SIGINT;
         signal = sigwaitinfo(&signals, NULL))
        while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    return 0;
}
