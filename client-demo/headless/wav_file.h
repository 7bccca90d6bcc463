/* Reads a WAV file (RIFF, 16-bit PCM) whole into memory as 48 kHz mono. */
#pragma once

#include "base/status.h"

#include <stdint.h>

#define WAV_FILE_BYTES_MAX (512u << 20)

struct wav_file {
    int16_t *samples; /* 48 kHz mono; owned */
    size_t count;
};

/* STATUS_SYSTEM: cannot be read. STATUS_MALFORMED: not RIFF/WAVE, or cut short. STATUS_UNSUPPORTED:
 * not 16-bit PCM. STATUS_LIMIT: too large. Other sample rates are converted by linear
 * interpolation, more channels mixed. */
MUST_CHECK enum status wav_file_load(const char *path, struct wav_file *out);
void wav_file_destroy(struct wav_file *wav);
