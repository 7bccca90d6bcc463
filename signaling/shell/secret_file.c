#include "signaling/shell/secret_file.h"

#include "base/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM_BYTES 32

static enum status write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return STATUS_SYSTEM;
        text += n;
        size -= (size_t)n;
    }
    return STATUS_OK;
}

/* Whole or not at all: written aside and linked, so that a crash leaves no half key. */
static enum status make_secret(const char *path)
{
    uint8_t random[RANDOM_BYTES];
    char text[2 * RANDOM_BYTES + 2], aside[4096];
    enum status status = STATUS_SYSTEM;
    if (snprintf(aside, sizeof(aside), "%s.new.%ld", path, (long)getpid()) >= (int)sizeof(aside) ||
        RAND_bytes(random, sizeof(random)) != 1)
        return STATUS_SYSTEM;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    text[sizeof(text) - 2] = '\n';
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        status = write_all(fd, text, sizeof(text) - 1);
        if (fsync(fd) < 0)
            status = STATUS_SYSTEM;
        close(fd);
        if (status == STATUS_OK && link(aside, path) < 0 && errno != EEXIST)
            status = STATUS_SYSTEM;
        (void)unlink(aside);
    }
    memory_wipe(random, sizeof(random));
    memory_wipe(text, sizeof(text));
    return status;
}

static enum status read_line(int fd, size_t least, char *out)
{
    char text[SECRET_TEXT_BYTES_MAX];
    ssize_t size = read(fd, text, sizeof(text) - 1);
    if (size < 0)
        return STATUS_SYSTEM;
    text[size] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    enum status status = strlen(text) >= least ? STATUS_OK : STATUS_CONFIG;
    if (status == STATUS_OK)
        memcpy(out, text, strlen(text) + 1);
    memory_wipe(text, sizeof(text));
    return status;
}

enum status secret_file_load(const char *path, size_t least, char *out, const struct log *log)
{
    enum status status = STATUS_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        status = make_secret(path);
        fd = status == STATUS_OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    }
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        log_error(log, "key_file_failed", "path=%s reason=\"%s\"", path, strerror(errno));
        status = STATUS_SYSTEM;
        goto done;
    }
    if ((info.st_mode & 077) != 0 || (info.st_uid != geteuid() && info.st_uid != 0)) {
        log_error(log, "key_file_open_to_others", "path=%s mode=%04o expected=0600", path,
                  (unsigned)(info.st_mode & 07777));
        status = STATUS_AUTH;
        goto done;
    }
    status = read_line(fd, least, out);
    if (status != STATUS_OK)
        log_error(log, "key_file_unusable", "path=%s expected=\"%zu characters or more\"", path,
                  least);
done:
    if (fd >= 0)
        close(fd);
    return status;
}
