/* The launcher: what Pai runs inside an image of which it knows nothing.
 *
 * Static, without a shell, a library or a writable root. Errors are one line on stderr: `fail`
 * prints it and returns -1, so that callers can write `return fail(...)`.
 */
#ifndef PAI_LAUNCHER_H
#define PAI_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define PAI_MARK ".pai-filled"
#define PAI_TEMPORARY ".pai-seed.tmp"

enum { PAI_EXIT_FAILED = 1, PAI_EXIT_USAGE = 2 };

/* text.c */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
int read_whole(const char *path, size_t limit, char **text, size_t *length);

/* plan.c: a parsed plan. Strings point into `text`, decoded in place. */
enum step_kind { STEP_FILL, STEP_FILE };
struct step {
    enum step_kind kind;
    const char *field[4];
    uint64_t max_bytes; /* fill */
    mode_t mode;        /* file */
};
struct plan {
    char *text;
    struct step *steps;
    size_t count;
};
int plan_read(const char *path, struct plan *plan);
void plan_free(struct plan *plan);

/* walk.c: directories below a root, never outside it. */
int open_beneath(int root, const char *root_name, const char *relative, const char **last);

/* place.c: put one file where nothing exists. A crash leaves at most PAI_TEMPORARY. */
struct content {
    int source;
    mode_t mode;
    const struct timespec *times; /* access, modification; NULL = now */
    const char *shown;            /* the target as errors name it */
};
bool occupied(int directory, const char *name);
int place_file(int directory, const char *name, const struct content *content);
int lock_directory(int directory, const char *shown);

/* fill.c, seed.c, pause.c */
int fill(const struct step *step);
int seed(const char *plan_path);
int pause_forever(void);

#endif
