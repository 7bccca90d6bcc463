#include "relay/shell/machine_stats.h"

#include <fcntl.h>
#include <unistd.h>

#define FILE_BYTES 4096

/* The file's beginning as a string. */
static const char *read_start(const char *path, char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, FILE_BYTES - 1) : -1;
    text[size > 0 ? size : 0] = '\0';
    if (fd >= 0)
        close(fd);
    return text;
}

/* The number behind `key`; 0 when it is not there. */
static uint64_t number_behind(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* proc(5): user, nice, system, idle, iowait, irq, softirq, steal, and guests counted in user. */
static void read_cpu(struct machine_stats *m, struct director_machine *out)
{
    char text[FILE_BYTES];
    const char *at = strstr(read_start("/proc/stat", text), "cpu ");
    uint64_t total = 0;
    uint64_t idle = 0;
    if (at == NULL)
        return;
    at += 4;
    for (int i = 0; i < 8; i++) {
        char *end;
        uint64_t ticks = strtoull(at, &end, 10);
        total += ticks;
        idle += i == 3 || i == 4 ? ticks : 0;
        at = end;
    }
    uint64_t elapsed = total - m->total_then;
    uint64_t busy = total - idle;
    if (elapsed > 0 && busy >= m->busy_then)
        out->cpu_permille = (uint32_t)((busy - m->busy_then) * 1000 / elapsed);
    m->total_then = total;
    m->busy_then = busy;
}

void machine_stats_read(struct machine_stats *m, struct director_machine *out)
{
    char text[FILE_BYTES];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *out = (struct director_machine){.cores = cores > 0 ? (uint32_t)cores : 1};
    read_cpu(m, out);
    read_start("/proc/meminfo", text);
    out->memory_total_bytes = number_behind(text, "MemTotal:") * 1024;
    out->memory_available_bytes = number_behind(text, "MemAvailable:") * 1024;
    read_start("/proc/self/status", text);
    out->relay_memory_bytes = number_behind(text, "VmRSS:") * 1024;
}
