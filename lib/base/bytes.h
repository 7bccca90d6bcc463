/* Borrowed views of bytes, and the only code that reads or writes wire formats: bounds are checked
 * here, failure is sticky, and the caller looks at `failed` once at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

struct bytes_mut {
    uint8_t *data;
    size_t size;
};

#define BYTES_NONE ((struct bytes){0})
/* The bytes of a string literal, without its terminating zero. Usable as a static initialiser. */
#define BYTES(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){data, size};
}

static inline struct bytes bytes_of_string(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static inline struct bytes bytes_const(struct bytes_mut b)
{
    return (struct bytes){b.data, b.size};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool bytes_equal_string(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of_string(text));
}

/* What a hexadecimal digit stands for; -1 for any other character. */
static inline int bytes_get_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Copies to a zero-terminated string. False, and an empty string, when `text` is too small. */
static inline bool bytes_to_string(struct bytes b, char *text, size_t capacity)
{
    if (capacity == 0)
        return false;
    text[0] = '\0';
    if (b.size >= capacity)
        return false;
    if (b.size > 0)
        memcpy(text, b.data, b.size);
    text[b.size] = '\0';
    return true;
}

/* Big-endian reader. Past the end it yields zeros and sets `failed` for good. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct reader reader_of(struct bytes b)
{
    static const uint8_t nothing[1];
    const uint8_t *data = b.data != NULL ? b.data : nothing;
    return (struct reader){.at = data, .end = data + b.size};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* A view of the next `size` bytes; empty on failure. */
static inline struct bytes read_bytes(struct reader *r, size_t size)
{
    if (r->failed || reader_left(r) < size) {
        r->failed = true;
        return BYTES_NONE;
    }
    struct bytes out = {r->at, size};
    r->at += size;
    return out;
}

static inline struct bytes read_rest(struct reader *r)
{
    return read_bytes(r, reader_left(r));
}

static inline uint64_t read_uint(struct reader *r, size_t size)
{
    struct bytes b = read_bytes(r, size);
    uint64_t value = 0;
    for (size_t i = 0; i < b.size; i++)
        value = value << 8 | b.data[i];
    return value;
}

static inline uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_uint(r, 1);
}

static inline uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_uint(r, 2);
}

static inline uint32_t read_u24(struct reader *r)
{
    return (uint32_t)read_uint(r, 3);
}

static inline uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_uint(r, 4);
}

static inline uint64_t read_u64(struct reader *r)
{
    return read_uint(r, 8);
}

/* Big-endian writer into the caller's memory. Without room it writes nothing more and sets
 * `failed` for good. */
struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline struct writer writer_of(struct bytes_mut b)
{
    return (struct writer){.start = b.data, .at = b.data, .end = b.data + b.size};
}

static inline size_t writer_size(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

static inline size_t writer_left(const struct writer *w)
{
    return (size_t)(w->end - w->at);
}

/* What was written so far. */
static inline struct bytes_mut writer_written(const struct writer *w)
{
    return (struct bytes_mut){w->start, writer_size(w)};
}

/* Room for `size` bytes to be filled in by the caller; NULL on failure. */
static inline uint8_t *write_space(struct writer *w, size_t size)
{
    if (w->failed || writer_left(w) < size) {
        w->failed = true;
        return NULL;
    }
    uint8_t *space = w->at;
    w->at += size;
    return space;
}

static inline void write_bytes(struct writer *w, struct bytes b)
{
    uint8_t *space = write_space(w, b.size);
    if (space != NULL && b.size > 0)
        memcpy(space, b.data, b.size);
}

static inline void write_zeros(struct writer *w, size_t size)
{
    uint8_t *space = write_space(w, size);
    if (space != NULL && size > 0)
        memset(space, 0, size);
}

static inline void write_uint(struct writer *w, uint64_t value, size_t size)
{
    uint8_t *space = write_space(w, size);
    if (space == NULL)
        return;
    for (size_t i = 0; i < size; i++)
        space[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static inline void write_u8(struct writer *w, uint8_t value)
{
    write_uint(w, value, 1);
}

static inline void write_u16(struct writer *w, uint16_t value)
{
    write_uint(w, value, 2);
}

static inline void write_u24(struct writer *w, uint32_t value)
{
    write_uint(w, value, 3);
}

static inline void write_u32(struct writer *w, uint32_t value)
{
    write_uint(w, value, 4);
}

static inline void write_u64(struct writer *w, uint64_t value)
{
    write_uint(w, value, 8);
}

/* Single values at a place whose bounds the caller has already established (hot path only). */
static inline uint16_t load_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t load_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void store_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void store_u32(uint8_t *at, uint32_t value)
{
    store_u16(at, (uint16_t)(value >> 16));
    store_u16(at + 2, (uint16_t)value);
}
