/* What the tests of lib/host share. They are the only unit tests that touch the system: sockets of
 * the loopback, pipes and temporary files, never a sleep. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

/* Everything written to stderr between the two calls, as a string in `text`. */
struct captured {
    int saved, file;
    char text[16384];
};

static inline void capture_begin(struct captured *c)
{
    char path[] = "/tmp/amphi-test-XXXXXX";
    fflush(stderr);
    c->saved = dup(STDERR_FILENO);
    c->file = mkstemp(path);
    assert_true(c->saved >= 0 && c->file >= 0);
    unlink(path);
    assert_true(dup2(c->file, STDERR_FILENO) >= 0);
}

static inline const char *capture_end(struct captured *c)
{
    fflush(stderr);
    ssize_t size = pread(c->file, c->text, sizeof c->text - 1, 0);
    c->text[size > 0 ? size : 0] = '\0';
    assert_true(dup2(c->saved, STDERR_FILENO) >= 0);
    close(c->saved);
    close(c->file);
    return c->text;
}
