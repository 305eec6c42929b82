/* Fill a fresh volume with what the image has in the directory that the volume will cover. */
#include "launcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TREE_DEPTH = 100 };

struct tree {
    const char *name;    /* the image's directory, for messages */
    uint64_t max_bytes;
    uint64_t bytes;
    int depth;
    bool measuring;
    dev_t device;
};

/* A mount point: resolv.conf, hosts, another volume. It is not of the image. */
static bool is_mount(int directory, const char *name, const struct tree *tree) {
    struct statx status;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    struct stat plain;
    if (statx(directory, name, flags, STATX_TYPE, &status) == 0 &&
        (status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0)
        return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    /* An overlay gives plain files device numbers of their own; directories are reliable. */
    return fstatat(directory, name, &plain, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(plain.st_mode) &&
           plain.st_dev != tree->device;
}

static int over_limit(const struct tree *tree) {
    return fail("%s: holds more than %llu bytes: declare a volume for it", tree->name,
                (unsigned long long)tree->max_bytes);
}

static int count_bytes(struct tree *tree, off_t size) {
    uint64_t more = size < 0 ? 0 : (uint64_t)size;
    if (more > tree->max_bytes - tree->bytes) return over_limit(tree);
    tree->bytes += more;
    return 0;
}

/* What the agent's user can't read in the image it could not read in the volume either. */
static int unreadable(const struct tree *tree, const char *name) {
    if (errno != EACCES) return fail("%s: %s: %s", tree->name, name, strerror(errno));
    if (!tree->measuring) note("%s: left out %s: %s", tree->name, name, strerror(errno));
    return 0;
}

static int copy_file(struct tree *tree, int from, int to, const char *name, const struct stat *status) {
    if (count_bytes(tree, status->st_size) < 0) return -1;
    if (tree->measuring || occupied(to, name)) return 0;
    int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (source < 0) return unreadable(tree, name);
    const struct timespec times[2] = {status->st_atim, status->st_mtim};
    struct content content = {source, status->st_mode & 0777, times, name};
    int result = place_file(to, name, &content);
    close(source);
    return result;
}

static int copy_link(const struct tree *tree, int from, int to, const char *name) {
    char target[PATH_MAX];
    if (tree->measuring) return 0;
    ssize_t length = readlinkat(from, name, target, sizeof target - 1);
    if (length < 0) return fail("%s: %s: %s", tree->name, name, strerror(errno));
    target[length] = '\0';
    if (symlinkat(target, to, name) < 0 && errno != EEXIST)
        return fail("%s: %s: %s", tree->name, name, strerror(errno));
    return 0;
}

static int copy_directory(struct tree *tree, int from, int to);

static int copy_subdirectory(struct tree *tree, int from, int to, const char *name, mode_t mode) {
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int inner = openat(from, name, flags);
    if (inner < 0) return unreadable(tree, name);
    int outer = -1;
    int result = 0;
    if (!tree->measuring) {
        /* Something else of that name was there first, or a symlink: it stays, with all below. */
        bool made = mkdirat(to, name, (mode & 0777) | 0700) == 0;
        outer = made || errno == EEXIST ? openat(to, name, flags) : -1;
        if (outer < 0 && errno != ENOTDIR && errno != ELOOP)
            result = fail("%s: %s: %s", tree->name, name, strerror(errno));
    }
    if (result == 0 && (tree->measuring || outer >= 0)) result = copy_directory(tree, inner, outer);
    if (outer >= 0) close(outer);
    close(inner);
    return result;
}

static int copy_entry(struct tree *tree, int from, int to, const char *name) {
    struct stat status;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return 0;
    if (strcmp(name, PAI_TEMPORARY) == 0 || strcmp(name, PAI_MARK) == 0) return 0;
    if (is_mount(from, name, tree)) return 0;
    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return unreadable(tree, name);
    if (S_ISREG(status.st_mode)) return copy_file(tree, from, to, name, &status);
    if (S_ISLNK(status.st_mode)) return copy_link(tree, from, to, name);
    if (S_ISDIR(status.st_mode)) return copy_subdirectory(tree, from, to, name, status.st_mode);
    return 0; /* sockets, pipes and devices are made by programs, not shipped in images */
}

static int copy_directory(struct tree *tree, int from, int to) {
    if (++tree->depth > TREE_DEPTH)
        return fail("%s: more than %d directories deep", tree->name, TREE_DEPTH);
    int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    if (stream == NULL) {
        fail("%s: %s", tree->name, strerror(errno));
        if (again >= 0) close(again);
        return -1;
    }
    int result = 0;
    struct dirent *entry;
    for (errno = 0; result == 0 && (entry = readdir(stream)) != NULL; errno = 0)
        result = copy_entry(tree, from, to, entry->d_name);
    if (result == 0 && errno != 0) result = fail("%s: %s", tree->name, strerror(errno));
    closedir(stream);
    if (result == 0 && to >= 0 && fsync(to) < 0 && errno != EINVAL)
        result = fail("%s: %s", tree->name, strerror(errno));
    tree->depth--;
    return result;
}

static int write_mark(int volume, const char *shown) {
    int fd = openat(volume, PAI_MARK, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
    if (fd < 0) return fail("%s/%s: %s", shown, PAI_MARK, strerror(errno));
    close(fd);
    if (fsync(volume) < 0 && errno != EINVAL) return fail("%s: %s", shown, strerror(errno));
    return 0;
}

static int fill_from(int image, int volume, const struct step *step) {
    struct tree tree = {.name = step->field[0], .max_bytes = step->max_bytes, .measuring = true};
    struct stat status;
    if (fstat(image, &status) < 0) return fail("%s: %s", step->field[0], strerror(errno));
    tree.device = status.st_dev;
    if (copy_directory(&tree, image, -1) < 0) return -1; /* nothing is copied of what won't fit */
    tree.measuring = false;
    tree.bytes = 0;
    return copy_directory(&tree, image, volume);
}

static int fill_volume(int volume, const struct step *step) {
    if (lock_directory(volume, step->field[1]) < 0) return -1;
    if (occupied(volume, PAI_MARK)) return 0;
    int image = open(step->field[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = 0;
    if (image < 0 && errno != ENOENT) result = fail("%s: %s", step->field[0], strerror(errno));
    if (image >= 0) {
        result = fill_from(image, volume, step);
        close(image);
    }
    return result < 0 ? -1 : write_mark(volume, step->field[1]);
}

int fill(const struct step *step) {
    int volume = open(step->field[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (volume < 0) return fail("%s: %s", step->field[1], strerror(errno));
    int result = fill_volume(volume, step);
    close(volume);
    return result;
}
