/* Any bytes as a settings file: it is refused with a sentence that names the file, or every value
 * lies within what its row allows. */
#define _GNU_SOURCE /* memfd_create; stderr can be assigned to */
#include "base/bytes.h"
#include "base/check.h"
#include "host/settings_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
    char name[SETTING_TEXT_BYTES];
    int64_t port, signed_number;
    bool plain;
    struct setting_list addresses, rooms;
};
#define AT(field) offsetof(struct values, field)

static const struct setting table[] = {
    {"name", SETTING_STRING, AT(name), 0, 0, "amphi", NULL, "what it is called"},
    {"port", SETTING_INTEGER, AT(port), 1, 65535, "8443", "port", "where it listens"},
    {"number", SETTING_INTEGER, AT(signed_number), INT64_MIN, INT64_MAX, "0", NULL, "any"},
    {"plain", SETTING_BOOLEAN, AT(plain), 0, 0, NULL, NULL, "no TLS"},
    {"address", SETTING_LIST, AT(addresses), 0, 0, NULL, "address", "where it is"},
    {"room", SETTING_LIST, AT(rooms), 0, 0, NULL, NULL, "more"},
};
static const struct settings_program program = {.name = "prog", .summary = "A program."};

static void check_list(const struct setting_list *list)
{
    CHECK(list->count <= SETTING_LIST_MAX);
    for (size_t i = 0; i < list->count; i++)
        CHECK(memchr(list->items[i], '\0', SETTING_ITEM_BYTES) != NULL);
}

static void check_values(const struct values *v)
{
    CHECK(memchr(v->name, '\0', sizeof v->name) != NULL);
    CHECK(v->port == 0 || (v->port >= 1 && v->port <= 65535)); /* 0: not in the file */
    check_list(&v->addresses);
    check_list(&v->rooms);
}

/* What it says goes into `said`. */
static enum settings_outcome load(const char *path, struct values *v, char *said, size_t capacity)
{
    struct settings_loading loading = {
        .program = &program, .table = table, .count = COUNT_OF(table), .values = (uint8_t *)v};
    FILE *real = stderr;
    stderr = fmemopen(said, capacity, "w");
    CHECK(stderr != NULL);
    enum settings_outcome outcome = settings_load_file(&loading, path);
    fclose(stderr);
    stderr = real;
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    char said[8192] = "";
    if (size > 65536)
        return 0;
    int fd = memfd_create("settings", 0);
    struct values *v = calloc(1, sizeof *v);
    CHECK(fd >= 0 && v != NULL);
    CHECK(write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    enum settings_outcome outcome = load(path, v, said, sizeof said);
    if (outcome == SETTINGS_RUN)
        check_values(v);
    else
        CHECK(outcome == SETTINGS_EXIT_USAGE && strstr(said, path) != NULL);
    close(fd);
    free(v);
    return 0;
}
