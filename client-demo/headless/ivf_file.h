/* Reads an IVF file (the container of libvpx's and libaom's tools) whole and finds its frames. */
#pragma once

#include "base/bytes.h"
#include "base/media.h"
#include "base/status.h"

#define IVF_FILE_BYTES_MAX (512u << 20)

struct ivf_frame {
    struct bytes data; /* borrowed from the file */
    uint64_t pts;      /* in units of the time base */
    bool key_frame;
};

struct ivf_file {
    struct bytes_mut file;  /* owned */
    enum media_codec codec; /* VP8 or VP9 */
    uint32_t time_base_numerator, time_base_denominator;
    struct ivf_frame *frames; /* owned */
    size_t count;
};

/* STATUS_SYSTEM, STATUS_LIMIT, STATUS_NO_MEMORY; STATUS_MALFORMED: not IVF, or without frames;
 * STATUS_UNSUPPORTED: another codec, or no key frame at its start. A frame cut short at the end is
 * left out. */
MUST_CHECK enum status ivf_file_load(const char *path, struct ivf_file *out);
void ivf_file_destroy(struct ivf_file *ivf);

/* The index of the first key frame at or behind `from`, round the end of the file. */
size_t ivf_file_next_key_frame(const struct ivf_file *ivf, size_t from);
