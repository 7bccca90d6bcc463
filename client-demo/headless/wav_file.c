#include "client-demo/headless/wav_file.h"

#include "base/bytes.h"
#include "client-demo/headless/whole_file.h"

#define WAV_RATE 48000u

struct wav_format {
    uint16_t format, channels, bits;
    uint32_t rate;
};

/* RIFF is little-endian throughout. */
static uint32_t read_little(struct reader *r, size_t size)
{
    struct bytes b = read_bytes(r, size);
    uint32_t value = 0;
    for (size_t i = b.size; i > 0; i--)
        value = value << 8 | b.data[i - 1];
    return value;
}

static enum status find_chunks(struct bytes file, struct wav_format *format, struct bytes *data)
{
    struct reader r = reader_of(file);
    if (!bytes_equal_string(read_bytes(&r, 4), "RIFF"))
        return STATUS_MALFORMED;
    read_little(&r, 4);
    if (!bytes_equal_string(read_bytes(&r, 4), "WAVE"))
        return STATUS_MALFORMED;
    *data = BYTES_NONE;
    while (data->data == NULL) {
        struct bytes name = read_bytes(&r, 4);
        uint32_t size = read_little(&r, 4);
        if (r.failed)
            return STATUS_MALFORMED;
        /* A streamed file may say 0xffffffff, or more than there is: then all that is left. */
        struct bytes body = read_bytes(&r, size < reader_left(&r) ? size : reader_left(&r));
        if (bytes_equal_string(name, "data"))
            *data = body;
        if (bytes_equal_string(name, "fmt ")) {
            struct reader f = reader_of(body);
            format->format = (uint16_t)read_little(&f, 2);
            format->channels = (uint16_t)read_little(&f, 2);
            format->rate = read_little(&f, 4);
            read_bytes(&f, 6);
            format->bits = (uint16_t)read_little(&f, 2);
            if (f.failed)
                return STATUS_MALFORMED;
        }
        if (size % 2 != 0 && reader_left(&r) > 0)
            read_u8(&r);
    }
    return STATUS_OK;
}

static int16_t mono_sample(const struct wav_format *format, struct bytes data, size_t frame)
{
    int32_t sum = 0;
    for (size_t c = 0; c < format->channels; c++) {
        const uint8_t *at = data.data + (frame * format->channels + c) * 2;
        sum += (int16_t)(uint16_t)(at[0] | at[1] << 8);
    }
    return (int16_t)(sum / format->channels);
}

static enum status convert(const struct wav_format *format, struct bytes data, struct wav_file *out)
{
    size_t frames = data.size / (2u * format->channels);
    size_t count = (size_t)((uint64_t)frames * WAV_RATE / format->rate);
    if (count == 0)
        return STATUS_MALFORMED;
    int16_t *samples = malloc(count * sizeof *samples);
    if (samples == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        uint64_t position = (uint64_t)i * format->rate;
        size_t frame = (size_t)(position / WAV_RATE);
        int32_t part = (int32_t)(position % WAV_RATE);
        int32_t a = mono_sample(format, data, frame);
        int32_t b = frame + 1 < frames ? mono_sample(format, data, frame + 1) : a;
        samples[i] = (int16_t)(a + (int32_t)((int64_t)(b - a) * part / (int32_t)WAV_RATE));
    }
    *out = (struct wav_file){.samples = samples, .count = count};
    return STATUS_OK;
}

enum status wav_file_load(const char *path, struct wav_file *out)
{
    struct bytes_mut file = {0};
    enum status status = whole_file_load(path, WAV_FILE_BYTES_MAX, &file);
    if (status != STATUS_OK)
        return status;
    struct wav_format format = {0};
    struct bytes data = BYTES_NONE;
    status = find_chunks(bytes_const(file), &format, &data);
    if (status == STATUS_OK && (format.format != 1 && format.format != 0xfffe))
        status = STATUS_UNSUPPORTED;
    if (status == STATUS_OK && (format.bits != 16 || format.channels == 0 || format.channels > 8 ||
                                format.rate < 8000 || format.rate > 192000))
        status = STATUS_UNSUPPORTED;
    if (status == STATUS_OK)
        status = convert(&format, data, out);
    free(file.data);
    return status;
}

void wav_file_destroy(struct wav_file *wav)
{
    free(wav->samples);
    *wav = (struct wav_file){0};
}
