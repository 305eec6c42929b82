/* Run a seed plan: fill implicit volumes, then put configuration files that are not there yet. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Source content comes from the run volume: ours, so only its kind is checked. */
static int open_source(const char *path) {
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return fail("%s: %s", path, strerror(errno));
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return fd;
    close(fd);
    return fail("%s: is not a regular file", path);
}

static int put_file(int root, const struct step *step) {
    const char *name = NULL;
    int directory = open_beneath(root, step->field[0], step->field[1], &name);
    if (directory < 0) return -1;
    int result = 0;
    if (!occupied(directory, name)) {
        char shown[8192];
        snprintf(shown, sizeof shown, "%s/%s", step->field[0], step->field[1]);
        struct content content = {.mode = step->mode, .shown = shown};
        content.source = open_source(step->field[2]);
        result = content.source < 0 ? -1 : place_file(directory, name, &content);
        if (content.source >= 0) close(content.source);
    }
    close(directory);
    return result;
}

static int run_file(const struct step *step) {
    int root = open(step->field[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return fail("%s: %s", step->field[0], strerror(errno));
    int result = lock_directory(root, step->field[0]);
    if (result == 0) result = put_file(root, step);
    close(root);
    return result;
}

int seed(const char *plan_path) {
    struct plan plan;
    if (plan_read(plan_path, &plan) < 0) return PAI_EXIT_FAILED;
    umask(0);
    int result = 0;
    for (size_t i = 0; i < plan.count && result == 0; i++) {
        const struct step *step = &plan.steps[i];
        result = step->kind == STEP_FILL ? fill(step) : run_file(step);
    }
    plan_free(&plan);
    return result < 0 ? PAI_EXIT_FAILED : 0;
}
