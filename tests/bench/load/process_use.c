#include "tests/bench/load/process_use.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_US 10000 /* USER_HZ is 100 on every Linux that we run on */

static bool read_line(const char *path, const char *prefix, char *line, int capacity)
{
    bool found = false;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    while (!found && fgets(line, capacity, file) != NULL)
        found = strncmp(line, prefix, strlen(prefix)) == 0;
    fclose(file);
    return found;
}

/* The number in column `index`, counted from 0, of what stands behind `from`. */
static uint64_t column(const char *from, int index)
{
    for (from += strspn(from, " "); index > 0; index--) {
        from += strcspn(from, " ");
        from += strspn(from, " ");
    }
    return strtoull(from, NULL, 10);
}

static void read_schedule(int pid, struct process_use *out)
{
    char path[300], line[256];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, entry->d_name);
        if (!read_line(path, "", line, sizeof line))
            continue;
        out->run_us += (usec_t)(column(line, 0) / 1000);
        out->waited_us += (usec_t)(column(line, 1) / 1000);
    }
    closedir(folder);
}

enum status process_use_read(int pid, struct process_use *out)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (!read_line(path, "", line, sizeof line))
        return STATUS_NOT_FOUND;
    const char *behind_name = strrchr(line, ')'); /* proc(5): field 3 follows */
    if (behind_name == NULL)
        return STATUS_MALFORMED;
    *out = (struct process_use){
        .user_us = (usec_t)column(behind_name + 1, 11) * TICK_US,
        .system_us = (usec_t)column(behind_name + 1, 12) * TICK_US,
        .threads = column(behind_name + 1, 17),
    };
    read_schedule(pid, out);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    if (read_line(path, "VmRSS:", line, sizeof line))
        out->resident_bytes = strtoull(line + 6, NULL, 10) * 1024;
    return STATUS_OK;
}
