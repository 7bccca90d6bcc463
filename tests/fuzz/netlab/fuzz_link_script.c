/* Lines that set an emulated line: whatever is typed, a model is only ever given sound settings. */
#include "netlab/link_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct link_change change;
    struct link_model *model;
    if (link_script_parse_line(bytes_of(data, size), &change) != STATUS_OK)
        return 0;
    struct link_config config = link_config_default();
    link_change_apply(&change, &config);
    if (link_model_create(&model, 1) != STATUS_OK)
        return 0;
    if (link_model_set_config(model, 0, &config) == STATUS_OK) {
        for (usec_t now = 0; now < 20; now++)
            link_model_handle_packet(model, now, bytes_of("packet", 6));
        CHECK(link_model_next_timeout(model) >= 0);
    }
    link_model_free(model);
    return 0;
}
