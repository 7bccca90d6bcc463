#include "client-demo/headless/ivf_file.h"

#include "client-demo/headless/whole_file.h"

static uint64_t read_little(struct reader *r, size_t size)
{
    struct bytes b = read_bytes(r, size);
    uint64_t value = 0;
    for (size_t i = b.size; i > 0; i--)
        value = value << 8 | b.data[i - 1];
    return value;
}

/* VP8: bit 0 of the frame tag is clear on key frames (RFC 6386 9.1). VP9: frame_marker 2, then
 * profile, show_existing_frame, frame_type 0 (VP9 bitstream 6.2). */
static bool is_key_frame(enum media_codec codec, struct bytes frame)
{
    if (frame.size == 0)
        return false;
    if (codec == MEDIA_CODEC_VP8)
        return (frame.data[0] & 1) == 0;
    uint8_t byte = frame.data[0];
    if (byte >> 6 != 2)
        return false;
    bool profile3 = (byte & 0x30) == 0x30;
    uint8_t rest = (uint8_t)(profile3 ? byte << 1 : byte);
    return (rest & 0x08) == 0 && (rest & 0x04) == 0;
}

static enum status read_frames(struct ivf_file *ivf, struct reader *r)
{
    size_t capacity = 0;
    while (reader_left(r) >= 12) {
        size_t size = (size_t)read_little(r, 4);
        uint64_t pts = read_little(r, 8);
        struct bytes data = read_bytes(r, size);
        if (r->failed)
            break;
        if (ivf->count == capacity) {
            capacity = capacity == 0 ? 256 : capacity * 2;
            struct ivf_frame *more = realloc(ivf->frames, capacity * sizeof *more);
            if (more == NULL)
                return STATUS_NO_MEMORY;
            ivf->frames = more;
        }
        ivf->frames[ivf->count++] = (struct ivf_frame){
            .data = data, .pts = pts, .key_frame = is_key_frame(ivf->codec, data)};
    }
    if (ivf->count == 0)
        return STATUS_MALFORMED;
    return ivf->frames[0].key_frame ? STATUS_OK : STATUS_UNSUPPORTED;
}

enum status ivf_file_load(const char *path, struct ivf_file *out)
{
    struct ivf_file ivf = {0};
    enum status status = whole_file_load(path, IVF_FILE_BYTES_MAX, &ivf.file);
    if (status != STATUS_OK)
        return status;
    struct reader r = reader_of(bytes_const(ivf.file));
    struct bytes signature = read_bytes(&r, 4);
    read_little(&r, 2);
    size_t header = (size_t)read_little(&r, 2);
    struct bytes fourcc = read_bytes(&r, 4);
    read_little(&r, 4); /* width and height: the bitstream says them as well */
    ivf.time_base_denominator = (uint32_t)read_little(&r, 4);
    ivf.time_base_numerator = (uint32_t)read_little(&r, 4);
    read_bytes(&r, 8);
    status = STATUS_MALFORMED;
    if (r.failed || !bytes_equal_string(signature, "DKIF") || header != 32 ||
        ivf.time_base_numerator == 0 || ivf.time_base_denominator == 0)
        goto failed;
    status = STATUS_UNSUPPORTED;
    if (bytes_equal_string(fourcc, "VP80"))
        ivf.codec = MEDIA_CODEC_VP8;
    else if (bytes_equal_string(fourcc, "VP90"))
        ivf.codec = MEDIA_CODEC_VP9;
    else
        goto failed;
    status = read_frames(&ivf, &r);
    if (status != STATUS_OK)
        goto failed;
    *out = ivf;
    return STATUS_OK;
failed:
    ivf_file_destroy(&ivf);
    return status;
}

void ivf_file_destroy(struct ivf_file *ivf)
{
    free(ivf->file.data);
    free(ivf->frames);
    *ivf = (struct ivf_file){0};
}

size_t ivf_file_next_key_frame(const struct ivf_file *ivf, size_t from)
{
    for (size_t i = 0; i < ivf->count; i++) {
        size_t at = (from + i) % ivf->count;
        if (ivf->frames[at].key_frame)
            return at;
    }
    return 0;
}
