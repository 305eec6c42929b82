/* Walk down from a root by descriptors, making what is missing; never leave the root.
 *
 * Done in user space, one component at a time without following symlinks, and not by openat2:
 * seccomp profiles of older engines refuse that call, parents have to be made on the way anyway,
 * and one way that is always taken is better tested than two. `..` in a symlink goes back to the
 * descriptor we came from, so moving a directory during the walk gains nothing.
 */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_LIMIT = 128, LINK_LIMIT = 40 };

struct walk {
    int stack[DEPTH_LIMIT]; /* stack[0] is the root and belongs to the caller */
    int top;
    int links;
    char pending[2 * PATH_MAX]; /* components still to go */
    const char *root_name;
    const char *relative;
};

static int refuse(const struct walk *walk, const char *why) {
    return fail("%s/%s: %s", walk->root_name, walk->relative, why);
}

static void pop(struct walk *walk) {
    if (walk->top > 0) close(walk->stack[walk->top--]);
}

/* Cut the first component off `pending`; false when none is left. */
static bool next_component(struct walk *walk, char *name, size_t size) {
    const char *at = walk->pending + strspn(walk->pending, "/");
    size_t length = strcspn(at, "/");
    if (length == 0 || length >= size) return false;
    memcpy(name, at, length);
    name[length] = '\0';
    memmove(walk->pending, at + length, strlen(at + length) + 1);
    return true;
}

/* Put the symlink's target in front of what is still to go. */
static int expand_link(struct walk *walk, const char *name) {
    char target[PATH_MAX];
    ssize_t length = readlinkat(walk->stack[walk->top], name, target, sizeof target - 1);
    if (length < 0) return refuse(walk, strerror(errno));
    target[length] = '\0';
    if (++walk->links > LINK_LIMIT) return refuse(walk, "too many symlinks");
    if (target[0] == '/') return refuse(walk, "leads out of its volume through a symlink");
    char joined[sizeof walk->pending];
    int used = snprintf(joined, sizeof joined, "%s/%s", target, walk->pending);
    if (used < 0 || (size_t)used >= sizeof joined) return refuse(walk, "path too long");
    memcpy(walk->pending, joined, (size_t)used + 1);
    return 0;
}

static int open_directory(int directory, const char *name) {
    return openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int make_directory(struct walk *walk, const char *name) {
    int here = walk->stack[walk->top];
    if (mkdirat(here, name, 0755) < 0 && errno != EEXIST) return -1;
    if (fsync(here) < 0 && errno != EINVAL) return -1; /* EINVAL: no such thing on this file system */
    return open_directory(here, name);
}

static int descend(struct walk *walk, const char *name) {
    if (strcmp(name, ".") == 0) return 0;
    if (strcmp(name, "..") == 0) {
        if (walk->top == 0) return refuse(walk, "leads out of its volume through a symlink");
        pop(walk);
        return 0;
    }
    if (walk->top + 1 >= DEPTH_LIMIT) return refuse(walk, "too many directories");
    struct stat status;
    int fd = open_directory(walk->stack[walk->top], name);
    if (fd < 0 && errno == ENOENT) fd = make_directory(walk, name);
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR)) { /* which of both varies with the kernel */
        if (fstatat(walk->stack[walk->top], name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            return refuse(walk, strerror(errno));
        if (S_ISLNK(status.st_mode)) return expand_link(walk, name);
        return refuse(walk, "a parent exists and is not a directory");
    }
    if (fd < 0) return refuse(walk, strerror(errno));
    walk->stack[++walk->top] = fd;
    return 0;
}

/* A descriptor of the directory that holds `relative`; *last is the name in it.
 *
 * `relative` has been checked: no leading `/`, no empty part, no `.` or `..`. Dangling symlinks
 * among the parents are followed like others, and what they lack is made inside the root.
 */
int open_beneath(int root, const char *root_name, const char *relative, const char **last) {
    struct walk walk = {.stack = {root}, .root_name = root_name, .relative = relative};
    const char *slash = strrchr(relative, '/');
    *last = slash == NULL ? relative : slash + 1;
    size_t parents = slash == NULL ? 0 : (size_t)(slash - relative);
    if (strlen(relative) >= PATH_MAX) return fail("%s: path too long", root_name);
    memcpy(walk.pending, relative, parents);
    walk.pending[parents] = '\0';

    char name[NAME_MAX + 1];
    int result = 0;
    while (result == 0 && next_component(&walk, name, sizeof name)) result = descend(&walk, name);
    if (result == 0 && walk.pending[strspn(walk.pending, "/")] != '\0')
        result = refuse(&walk, "name too long");
    int found = -1;
    if (result == 0) {
        found = fcntl(walk.stack[walk.top], F_DUPFD_CLOEXEC, 0);
        if (found < 0) refuse(&walk, strerror(errno));
    }
    while (walk.top > 0) pop(&walk);
    return found;
}
