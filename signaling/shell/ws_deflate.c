#include "signaling/shell/ws_deflate.h"

#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

#define LEVEL 6
#define MEMORY_LEVEL 8
#define FIRST_BYTES 4096
#define AT_BLOCK_END 128 /* in z_stream.data_type: inflate() is behind a block and in none */
/* What every packed message would end with, and therefore leaves out (section 7.2.1). */
static const uint8_t tail[4] = {0x00, 0x00, 0xff, 0xff};

/* --- The handshake */

static struct bytes trimmed(const char *begin, const char *end)
{
    while (begin < end && (*begin == ' ' || *begin == '\t'))
        begin++;
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return bytes_of(begin, (size_t)(end - begin));
}

static bool is_name(struct bytes text, const char *name)
{
    return text.size == strlen(name) && strncasecmp((const char *)text.data, name, text.size) == 0;
}

/* We may go on with a parameter that binds only the client, or that we keep to anyway. */
static bool is_acceptable(struct bytes parameter)
{
    static const char window[] = "client_max_window_bits";
    size_t size = sizeof(window) - 1;
    if (is_name(parameter, "server_no_context_takeover") ||
        is_name(parameter, "client_no_context_takeover") || is_name(parameter, window))
        return true;
    return parameter.size > size && parameter.data[size] == '=' &&
           is_name(bytes_of(parameter.data, size), window);
}

static bool is_good_offer(const char *at, const char *end)
{
    for (size_t i = 0; at <= end; i++) {
        const char *semicolon = memchr(at, ';', (size_t)(end - at));
        const char *stop = semicolon != NULL ? semicolon : end;
        struct bytes part = trimmed(at, stop);
        if (i == 0 ? !is_name(part, "permessage-deflate") : !is_acceptable(part))
            return false;
        at = stop + 1;
    }
    return true;
}

bool ws_deflate_is_offered(const char *extensions)
{
    for (const char *at = extensions; at != NULL && *at != '\0';) {
        const char *end = at + strcspn(at, ",");
        if (is_good_offer(at, end))
            return true;
        at = *end == ',' ? end + 1 : end;
    }
    return false;
}

/* --- Messages */

static bool grow(z_stream *stream, uint8_t **room, size_t *capacity, size_t most)
{
    size_t wanted = *capacity == 0 ? FIRST_BYTES : *capacity * 2;
    if (wanted > most)
        wanted = most;
    uint8_t *grown = wanted > *capacity ? realloc(*room, wanted) : NULL;
    if (grown == NULL)
        return false;
    stream->next_out = grown + *capacity;
    stream->avail_out = (uInt)(wanted - *capacity);
    *room = grown;
    *capacity = wanted;
    return true;
}

/* Gives `input` to the stream; STATUS_OK when all of it has been read and written. */
static enum status unpack_some(z_stream *stream, struct bytes input, uint8_t **room,
                               size_t *capacity, size_t most, bool *ended)
{
    stream->next_in = (Bytef *)input.data;
    stream->avail_in = (uInt)input.size;
    for (;;) {
        if (stream->avail_out == 0 && !grow(stream, room, capacity, most))
            return *capacity == most ? STATUS_LIMIT : STATUS_NO_MEMORY;
        int result = inflate(stream, Z_SYNC_FLUSH);
        if (result == Z_MEM_ERROR)
            return STATUS_NO_MEMORY;
        *ended = result == Z_STREAM_END; /* a block that says it is the last: 7.2.3.5 */
        if (*ended)
            return stream->avail_in == 0 ? STATUS_OK : STATUS_MALFORMED;
        if (result != Z_OK && result != Z_BUF_ERROR)
            return STATUS_MALFORMED;
        if (stream->avail_in == 0 && stream->avail_out > 0)
            return STATUS_OK;
        if (result == Z_BUF_ERROR && stream->avail_out > 0)
            return STATUS_MALFORMED;
    }
}

enum status ws_deflate_unpack(struct bytes packed, size_t size_max, struct bytes_mut *out)
{
    z_stream stream = {0};
    uint8_t *room = NULL;
    size_t capacity = 0;
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return STATUS_NO_MEMORY;
    /* One byte of room above the limit tells a text of just that size from a larger one. */
    size_t most = size_max + 1;
    bool ended = false;
    enum status status = unpack_some(&stream, packed, &room, &capacity, most, &ended);
    if (status == STATUS_OK && !ended)
        status = unpack_some(&stream, bytes_of(tail, sizeof(tail)), &room, &capacity, most, &ended);
    bool between_blocks = (stream.data_type & AT_BLOCK_END) != 0;
    if (status == STATUS_OK && !ended && !between_blocks)
        status = STATUS_MALFORMED; /* it was cut: the tail was taken for part of it */
    size_t size = stream.total_out;
    (void)inflateEnd(&stream);
    if (status == STATUS_OK && size > size_max)
        status = STATUS_LIMIT;
    if (status != STATUS_OK) {
        free(room);
        return status;
    }
    *out = (struct bytes_mut){room, size};
    return STATUS_OK;
}

enum status ws_deflate_pack(struct bytes plain, struct bytes_mut *out)
{
    z_stream stream = {.next_in = (Bytef *)plain.data, .avail_in = (uInt)plain.size};
    *out = (struct bytes_mut){0};
    if (plain.size <= sizeof(tail))
        return STATUS_OK;
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, -MAX_WBITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return STATUS_NO_MEMORY;
    uint8_t *room = malloc(plain.size);
    stream.next_out = room;
    stream.avail_out = (uInt)plain.size;
    bool done = room != NULL && deflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_in == 0 &&
                stream.avail_out > 0;
    size_t size = stream.total_out;
    (void)deflateEnd(&stream);
    if (!done) {
        bool no_memory = room == NULL;
        free(room);
        return no_memory ? STATUS_NO_MEMORY : STATUS_OK;
    }
    DCHECK(memcmp(room + size - sizeof(tail), tail, sizeof(tail)) == 0);
    *out = (struct bytes_mut){room, size - sizeof(tail)};
    return STATUS_OK;
}
