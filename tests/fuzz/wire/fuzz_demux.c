/* Classification agrees with RFC 7983's ranges, whatever the bytes. */
#include "wire/demux.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum demux_kind kind = demux_classify(bytes_of(data, size));
    if (kind == DEMUX_NONE)
        return 0;
    CHECK(size > 0 && size <= DEMUX_DATAGRAM_BYTES_MAX);
    CHECK((kind == DEMUX_STUN) == (data[0] < 4));
    CHECK((kind == DEMUX_DTLS) == (data[0] >= 20 && data[0] < 64));
    CHECK((kind == DEMUX_RTP || kind == DEMUX_RTCP) == (data[0] >> 6 == 2));
    return 0;
}
