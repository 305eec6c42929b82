/* The seed plan: text in, steps out. All of it is checked before any step runs. */
#include "launcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN_LIMIT = 16 * 1024 * 1024, STEP_LIMIT = 100000, FIELDS = 5 };

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Decode %XX in place. A NUL would cut the string short for the kernel: refused. */
static bool decode(char *text) {
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        if (*in != '%') {
            *out++ = *in;
            continue;
        }
        int high = hex(in[1]);
        int low = high < 0 ? -1 : hex(in[2]);
        if (low < 0 || high * 16 + low == 0) return false;
        *out++ = (char)(high * 16 + low);
        in += 2;
    }
    *out = '\0';
    return true;
}

static bool number(const char *text, int base, uint64_t limit, uint64_t *value) {
    if (*text == '\0' || strspn(text, base == 8 ? "01234567" : "0123456789") != strlen(text))
        return false;
    errno = 0;
    unsigned long long parsed = strtoull(text, NULL, base);
    *value = parsed;
    return errno == 0 && parsed <= limit;
}

/* Below its root by its spelling alone; symlinks are the walk's business. */
static bool is_plain_relative(const char *path) {
    const char *at = path;
    for (;;) {
        size_t length = strcspn(at, "/");
        bool dots = (length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.');
        if (length == 0 || dots) return false;
        if (at[length] == '\0') return strcmp(at, PAI_TEMPORARY) != 0;
        at += length + 1;
    }
}

static const char *check_fill(struct step *step) {
    if (step->field[0][0] != '/' || step->field[1][0] != '/') return "directory is not absolute";
    if (!number(step->field[2], 10, UINT64_MAX, &step->max_bytes)) return "MAX_BYTES is no number";
    return NULL;
}

static const char *check_file(struct step *step) {
    uint64_t mode = 0;
    if (step->field[0][0] != '/' || step->field[2][0] != '/') return "ROOT or SOURCE is not absolute";
    if (!is_plain_relative(step->field[1])) return "RELATIVE does not name a file below ROOT";
    if (!number(step->field[3], 8, 0777, &mode)) return "MODE is not 0 to 0777";
    step->mode = (mode_t)mode;
    return NULL;
}

static const struct {
    const char *word;
    size_t fields;
    enum step_kind kind;
    const char *(*check)(struct step *);
} KINDS[] = {{"fill", 3, STEP_FILL, check_fill}, {"file", 4, STEP_FILE, check_file}};

static const char *parse_line(char *text, struct step *step) {
    char *field[FIELDS + 1] = {text};
    size_t count = 0;
    for (char *at = text; at != NULL && count <= FIELDS;) field[count++] = strsep(&at, "\t");
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (strcmp(field[0], KINDS[i].word) != 0) continue;
        if (count != KINDS[i].fields + 1) return "wrong number of fields";
        for (size_t f = 0; f < KINDS[i].fields; f++) {
            if (!decode(field[f + 1])) return "bad %-encoding";
            step->field[f] = field[f + 1];
        }
        step->kind = KINDS[i].kind;
        return KINDS[i].check(step);
    }
    return "unknown step";
}

static int parse(const char *path, struct plan *plan) {
    char *rest = plan->text;
    while (rest != NULL && *rest != '\0') {
        char *text = strsep(&rest, "\n");
        const char *fault = parse_line(text, &plan->steps[plan->count]);
        plan->count++;
        if (fault != NULL) return fail("%s: line %zu: %s", path, plan->count, fault);
    }
    return 0;
}

int plan_read(const char *path, struct plan *plan) {
    size_t length = 0;
    *plan = (struct plan){0};
    if (read_whole(path, PLAN_LIMIT, &plan->text, &length) < 0) return -1;
    size_t lines = 1;
    for (size_t i = 0; i < length; i++) lines += plan->text[i] == '\n';
    int result = 0;
    if (strlen(plan->text) != length) {
        result = fail("%s: holds a NUL byte", path);
    } else if (lines > STEP_LIMIT) {
        result = fail("%s: more than %d steps", path, STEP_LIMIT);
    } else if ((plan->steps = calloc(lines, sizeof *plan->steps)) == NULL) {
        result = fail("%s: out of memory", path);
    } else {
        result = parse(path, plan);
    }
    if (result < 0) plan_free(plan);
    return result;
}

void plan_free(struct plan *plan) {
    free(plan->text);
    free(plan->steps);
    *plan = (struct plan){0};
}
