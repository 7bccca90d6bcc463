/* Whatever offer is accepted gets an answer that holds what an answer must. The input is the SDP;
 * its size chooses who offers. */
#include "support/answer_check.h"

#include <stdlib.h>

#define ANSWER_BYTES 81920

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct control_participant_added relay = {
    .local_ice = {"relayufrag", "relaypasswordrelaypassword"},
    .candidates = {{.addr = {.family = NET_FAMILY_IPV4, .port = 40000}, .priority = 7},
                   {.addr = {.family = NET_FAMILY_IPV4, .port = 40000}, .tcp = true}},
    .candidate_count = 2,
};

static void check_fragment(struct bytes text)
{
    struct ice_parameters ice;
    if (negotiation_parse_fragment(text, &ice) == STATUS_OK)
        CHECK((ice.ufrag[0] == '\0') == (ice.pwd[0] == '\0'));
}

static void check_answer(struct bytes text, const struct negotiation *n)
{
    uint8_t *memory = malloc(ANSWER_BYTES);
    struct sdp *both = malloc(2 * sizeof *both);
    size_t size = 0;
    CHECK(memory != NULL && both != NULL);
    CHECK(negotiation_write_answer(n, &relay, (struct bytes_mut){memory, ANSWER_BYTES}, &size) ==
          STATUS_OK);
    CHECK(sdp_parse(text, &both[0]) == STATUS_OK);
    CHECK(answer_check(&both[0], n, &relay, bytes_of(memory, size), &both[1]) == NULL);
    free(both);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {data, size};
    struct negotiation *n = malloc(sizeof *n);
    if (n == NULL)
        return 0;
    if (negotiation_accept_offer((enum negotiation_kind)(size % 3), text, n) == STATUS_OK)
        check_answer(text, n);
    free(n);
    check_fragment(text);
    return 0;
}
