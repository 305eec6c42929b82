/* Put one file where nothing exists: temporary name, fsync, link. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

/* Existence decides, also that of a dangling symlink or of an empty file. */
bool occupied(int directory, const char *name) {
    struct stat status;
    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static int write_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

static int copy_bytes(int from, int to) {
    static char buffer[CHUNK];
    for (;;) {
        ssize_t n = read(from, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return (int)n;
        if (write_all(to, buffer, (size_t)n) < 0) return -1;
    }
}

static int write_temporary(int directory, const struct content *content) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(directory, PAI_TEMPORARY, flags, 0600);
    if (fd < 0) return -1;
    int result = copy_bytes(content->source, fd);
    if (result == 0) result = fchmod(fd, content->mode);
    if (result == 0 && content->times != NULL) result = futimens(fd, content->times);
    if (result == 0) result = fsync(fd);
    int error = errno;
    if (close(fd) < 0 && result == 0) return -1;
    errno = error;
    return result;
}

/* Give the temporary file its name unless that is taken. Sets errno. */
static int publish(int directory, const char *name) {
    if (linkat(directory, PAI_TEMPORARY, directory, name, 0) == 0) return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK && errno != ENOSYS) return -1;
    return renameat2(directory, PAI_TEMPORARY, directory, name, RENAME_NOREPLACE);
}

static int clear_temporary(int directory) {
    return unlinkat(directory, PAI_TEMPORARY, 0) < 0 && errno != ENOENT ? -1 : 0;
}

int place_file(int directory, const char *name, const struct content *content) {
    if (occupied(directory, name)) return 0;
    if (clear_temporary(directory) < 0)
        return fail("%s: %s is in the way: %s", content->shown, PAI_TEMPORARY, strerror(errno));
    int result = write_temporary(directory, content);
    if (result == 0 && publish(directory, name) < 0 && errno != EEXIST) result = -1;
    int error = errno;
    if (clear_temporary(directory) < 0 && result == 0) {
        result = -1;
        error = errno;
    }
    if (result < 0) return fail("%s: %s", content->shown, strerror(error));
    if (fsync(directory) < 0 && errno != EINVAL)
        return fail("%s: %s", content->shown, strerror(errno));
    return 0;
}

/* One launcher at a time: two would take each other's temporary file. Ends with the descriptor. */
int lock_directory(int directory, const char *shown) {
    while (flock(directory, LOCK_EX) < 0) {
        if (errno == EINTR) continue;
        if (errno == EOPNOTSUPP || errno == ENOLCK || errno == EBADF) {
            note("%s: this file system has no locks; continuing without", shown);
            return 0;
        }
        return fail("%s: can't lock: %s", shown, strerror(errno));
    }
    return 0;
}
