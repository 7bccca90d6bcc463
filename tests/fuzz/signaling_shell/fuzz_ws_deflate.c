/* Any bytes as an offer, as a packed message and as one to be packed: never more comes out than is
 * allowed, a limit of just the size is none, and what was packed unpacks to what it was. */
#include "signaling/shell/ws_deflate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UNPACKED_MAX 65536

static void read_offer(struct bytes text)
{
    char *offer = malloc(text.size + 1);
    CHECK(offer != NULL);
    if (bytes_to_string(text, offer, text.size + 1))
        (void)ws_deflate_is_offered(offer);
    free(offer);
}

static void unpack(struct bytes packed)
{
    struct bytes_mut plain, again;
    if (ws_deflate_unpack(packed, UNPACKED_MAX, &plain) != STATUS_OK)
        return;
    CHECK(plain.size <= UNPACKED_MAX);
    CHECK(ws_deflate_unpack(packed, plain.size, &again) == STATUS_OK);
    CHECK(bytes_equal(bytes_const(plain), bytes_const(again)));
    free(again.data);
    if (plain.size > 0)
        CHECK(ws_deflate_unpack(packed, plain.size - 1, &again) == STATUS_LIMIT);
    free(plain.data);
}

static void pack(struct bytes plain)
{
    struct bytes_mut packed, again;
    CHECK(ws_deflate_pack(plain, &packed) == STATUS_OK);
    if (packed.size > 0) {
        CHECK(packed.size < plain.size);
        CHECK(ws_deflate_unpack(bytes_const(packed), plain.size, &again) == STATUS_OK);
        CHECK(bytes_equal(bytes_const(again), plain));
        free(again.data);
    }
    free(packed.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_offer(bytes_of(data, size));
    unpack(bytes_of(data, size));
    pack(bytes_of(data, size));
    return 0;
}
