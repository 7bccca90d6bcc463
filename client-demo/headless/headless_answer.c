/* What a headless participant needs of the answer. */
#include "client-demo/headless/headless_offer.h"

#include "wire/sdp.h"

/* "1 1 udp 2130706431 192.0.2.1 40000 typ host" */
static void take_candidate(struct bytes line, struct headless_answer *out)
{
    struct bytes words[6] = {{0}};
    size_t count = 0;
    for (size_t at = 0; at < line.size && count < COUNT_OF(words);) {
        size_t end = at;
        while (end < line.size && line.data[end] != ' ')
            end++;
        words[count++] = bytes_of(line.data + at, end - at);
        at = end + 1;
    }
    char address[NET_ADDR_TEXT_BYTES];
    uint64_t port;
    if (count < COUNT_OF(words) || !bytes_equal_string(words[2], "udp") ||
        out->candidate_count == ICE_CLIENT_CANDIDATES_MAX ||
        !bytes_to_string(words[4], address, sizeof address) ||
        !sdp_parse_number(words[5], UINT16_MAX, &port))
        return;
    if (net_addr_parse_ip(address, (uint16_t)port, &out->candidates[out->candidate_count]) ==
        STATUS_OK)
        out->candidate_count++;
}

static void take_candidates(struct bytes sdp, struct headless_answer *out)
{
    static const char prefix[] = "a=candidate:";
    for (size_t at = 0; at < sdp.size;) {
        size_t end = at;
        while (end < sdp.size && sdp.data[end] != '\n' && sdp.data[end] != '\r')
            end++;
        if (end - at > sizeof prefix - 1 && memcmp(sdp.data + at, prefix, sizeof prefix - 1) == 0)
            take_candidate(
                bytes_of(sdp.data + at + sizeof prefix - 1, end - at - sizeof prefix + 1), out);
        at = end + 1;
    }
}

static void take_line(const struct sdp_media *m, struct headless_answer *out, size_t line)
{
    out->lines[line].accepted = m->port != 0 && m->direction != SDP_INACTIVE;
    out->lines[line].ssrc = m->ssrc_count > 0 ? m->ssrcs[0] : 0;
    if (m->pair_count > 0) {
        out->lines[line].ssrc = m->pairs[0].ssrc;
        out->lines[line].rtx_ssrc = m->pairs[0].rtx_ssrc;
    }
    for (size_t i = 0; i < m->extension_count; i++)
        out->has_abs_capture_time =
            out->has_abs_capture_time || m->extensions[i].id == HEADLESS_EXT_ABS_CAPTURE_TIME;
}

static enum status take_transport(const struct sdp *sdp, struct headless_answer *out)
{
    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sdp_media *m = &sdp->media[i];
        if (m->port == 0)
            continue;
        if (!m->has_fingerprint || m->ufrag.size == 0 || m->pwd.size == 0 ||
            !bytes_to_string(m->ufrag, out->ice.ufrag, sizeof out->ice.ufrag) ||
            !bytes_to_string(m->pwd, out->ice.pwd, sizeof out->ice.pwd))
            return STATUS_MALFORMED;
        memcpy(out->fingerprint, m->fingerprint, sizeof out->fingerprint);
        /* "passive": the relay waits for our ClientHello. */
        out->our_role = m->setup == SDP_SETUP_PASSIVE ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER;
        return STATUS_OK;
    }
    return STATUS_MALFORMED;
}

enum status headless_answer_parse(struct bytes text, struct headless_answer *out)
{
    struct sdp *sdp = malloc(sizeof *sdp);
    if (sdp == NULL)
        return STATUS_NO_MEMORY;
    *out = (struct headless_answer){0};
    enum status status = sdp_parse(text, sdp);
    if (status == STATUS_OK && sdp->media_count != HEADLESS_LINE_COUNT)
        status = STATUS_MALFORMED;
    for (size_t i = 0; status == STATUS_OK && i < sdp->media_count; i++)
        take_line(&sdp->media[i], out, i);
    if (status == STATUS_OK)
        status = take_transport(sdp, out);
    free(sdp);
    take_candidates(text, out);
    return status == STATUS_OK && out->candidate_count == 0 ? STATUS_MALFORMED : status;
}
