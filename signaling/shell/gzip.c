#include "signaling/shell/gzip.h"

#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

#define GZIP_WRAPPER 16 /* added to zlib's window bits: a gzip header, not zlib's own */
#define MEMORY_LEVEL 9

enum status gzip_compress(struct bytes plain, struct bytes_mut *out)
{
    z_stream stream = {.next_in = (Bytef *)plain.data, .avail_in = (uInt)plain.size};
    *out = (struct bytes_mut){0};
    CHECK(plain.size <= UINT32_MAX);
    if (plain.size == 0)
        return STATUS_OK;
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return STATUS_NO_MEMORY;
    /* What does not fit into one byte less than the plain file is not worth having. */
    uint8_t *room = malloc(plain.size);
    stream.next_out = room;
    stream.avail_out = (uInt)plain.size - 1;
    bool done = room != NULL && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    size_t size = stream.total_out;
    (void)deflateEnd(&stream); /* Z_DATA_ERROR where it was stopped half-way: nothing is lost */
    if (room == NULL)
        return STATUS_NO_MEMORY;
    if (!done) {
        free(room);
        return STATUS_OK;
    }
    uint8_t *fitting = realloc(room, size);
    *out = (struct bytes_mut){fitting != NULL ? fitting : room, size};
    return STATUS_OK;
}

/* The parameters of one coding, up to the comma: false for "q=0" in any of its spellings. */
static bool has_weight(const char *at, const char *end)
{
    for (; at < end; at++) {
        if ((*at != 'q' && *at != 'Q') || at + 1 == end || at[1] != '=')
            continue;
        const char *digits = at + 2 + strspn(at + 2, "0.");
        return *digits >= '1' && *digits <= '9';
    }
    return true;
}

bool gzip_is_accepted(const char *accept_encoding)
{
    bool by_star = false;
    for (const char *at = accept_encoding; at != NULL && *at != '\0';) {
        at += strspn(at, ", \t");
        const char *end = at + strcspn(at, ",");
        size_t name = strcspn(at, ",; \t");
        if (name == 4 && strncasecmp(at, "gzip", 4) == 0)
            return has_weight(at + name, end);
        if (name == 1 && *at == '*')
            by_star = has_weight(at + name, end);
        at = end;
    }
    return by_star;
}
