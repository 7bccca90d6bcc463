/* Parses a description, and the same bytes as a fragment; every view must lie in the input. */
#include "wire/sdp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct bytes text, struct bytes view)
{
    CHECK(view.size == 0 ||
          (view.data >= text.data && view.data + view.size <= text.data + text.size));
}

static void check_media(struct bytes text, const struct sdp_media *m)
{
    struct bytes views[] = {m->kind, m->protocol, m->mid, m->ufrag, m->pwd};
    CHECK(m->codec_count <= SDP_CODECS_MAX && m->extension_count <= SDP_EXTENSIONS_MAX);
    CHECK(m->rid_count <= SDP_RIDS_MAX && m->ssrc_count <= SDP_SSRCS_MAX);
    CHECK(m->pair_count <= COUNT_OF(m->pairs) && m->mid.size <= SDP_MID_CHARACTERS_MAX);
    for (size_t i = 0; i < COUNT_OF(views); i++)
        check_view(text, views[i]);
    for (size_t i = 0; i < m->codec_count; i++) {
        check_view(text, m->codecs[i].name);
        check_view(text, m->codecs[i].fmtp);
        check_view(text, sdp_fmtp_find(m->codecs[i].fmtp, "apt"));
    }
    for (size_t i = 0; i < m->extension_count; i++) {
        check_view(text, m->extensions[i].uri);
        CHECK(m->extensions[i].id != 0 && m->extensions[i].id != 15);
    }
    for (size_t i = 0; i < m->rid_count; i++)
        check_view(text, m->rids[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {data, size};
    struct sdp *sdp = malloc(sizeof *sdp);
    struct sdp_fragment fragment;
    if (sdp == NULL)
        return 0;
    if (sdp_parse(text, sdp) == STATUS_OK) {
        CHECK(sdp->media_count <= SDP_MEDIA_MAX && sdp->bundle_count <= SDP_MEDIA_MAX);
        check_media(text, &sdp->session);
        for (size_t i = 0; i < sdp->media_count; i++)
            check_media(text, &sdp->media[i]);
        for (size_t i = 0; i < sdp->bundle_count; i++)
            check_view(text, sdp->bundle[i]);
    }
    if (sdp_parse_fragment(text, &fragment) == STATUS_OK) {
        check_view(text, fragment.ufrag);
        check_view(text, fragment.pwd);
        CHECK((fragment.ufrag.size == 0) == (fragment.pwd.size == 0));
    }
    free(sdp);
    return 0;
}
