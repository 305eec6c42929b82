/* Messages to people, and reading a small file whole. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One write per line: output of several processes shares a pipe. */
static void line(const char *prefix, const char *format, va_list arguments) {
    char text[8192];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", prefix);
    int more = vsnprintf(text + used, sizeof text - used - 1, format, arguments);
    used += more < 0 ? 0 : (size_t)more;
    if (used > sizeof text - 2) used = sizeof text - 2;
    for (size_t i = 0; i < used; i++) /* paths may hold anything: keep it one line */
        if ((unsigned char)text[i] < ' ' || text[i] == 127) text[i] = '?';
    text[used++] = '\n';
    size_t sent = 0;
    while (sent < used) {
        ssize_t n = write(STDERR_FILENO, text + sent, used - sent);
        if (n < 0 && errno != EINTR) return; /* nobody listens */
        if (n > 0) sent += (size_t)n;
    }
}

int fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line("error: ", format, arguments);
    va_end(arguments);
    return -1;
}

void note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line("note: ", format, arguments);
    va_end(arguments);
}

static int read_into(int fd, const char *path, char *text, size_t size, size_t *length) {
    size_t used = 0;
    while (used < size) {
        ssize_t n = read(fd, text + used, size - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail("%s: %s", path, strerror(errno));
        if (n == 0) break;
        used += (size_t)n;
    }
    *length = used;
    return 0;
}

/* The file's bytes and a NUL behind them; the caller frees. */
int read_whole(const char *path, size_t limit, char **text, size_t *length) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return fail("%s: %s", path, strerror(errno));
    struct stat status;
    int result = -1;
    char *buffer = NULL;
    if (fstat(fd, &status) < 0) {
        fail("%s: %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        fail("%s: is not a regular file", path);
    } else if (status.st_size < 0 || (uint64_t)status.st_size > limit) {
        fail("%s: is larger than %zu bytes", path, limit);
    } else if ((buffer = malloc(limit + 2)) == NULL) {
        fail("%s: out of memory", path);
    } else if (read_into(fd, path, buffer, limit + 1, length) == 0) {
        result = *length > limit ? fail("%s: is larger than %zu bytes", path, limit) : 0;
    }
    close(fd);
    if (result < 0) {
        free(buffer);
        return -1;
    }
    buffer[*length] = '\0';
    *text = buffer;
    return 0;
}
