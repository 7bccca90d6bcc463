#include "wire/dependency_descriptor.h"

#define MANDATORY_BYTES 3
#define LAYER_SAME 0
#define LAYER_NEXT_TEMPORAL 1
#define LAYER_NEXT_SPATIAL 2
#define LAYER_END 3
#define INDICATION_NONE 0
#define INDICATION_SWITCH 2

struct bit_reader {
    struct bytes data;
    size_t at; /* bits */
    bool failed;
};

static uint8_t read_bits(struct bit_reader *r, unsigned count)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++, r->at++) {
        if (r->at / 8 >= r->data.size) {
            r->failed = true;
            return 0;
        }
        value = value << 1 | ((unsigned)r->data.data[r->at / 8] >> (7 - r->at % 8) & 1u);
    }
    return (uint8_t)value;
}

enum status dependency_descriptor_parse(struct bytes data, struct dependency_descriptor *out)
{
    struct reader r = reader_of(data);
    uint8_t first = read_u8(&r);
    uint16_t frame_number = read_u16(&r);
    if (r.failed)
        return STATUS_TRUNCATED;
    uint8_t flags = data.size > MANDATORY_BYTES ? read_u8(&r) : 0;
    *out = (struct dependency_descriptor){
        .first_packet_in_frame = (first & 0x80) != 0,
        .last_packet_in_frame = (first & 0x40) != 0,
        .template_id = first & 0x3f,
        .frame_number = frame_number,
        .has_structure = (flags & 0x80) != 0,
        .has_targets = (flags & 0x40) != 0,
        .has_own_indications = (flags & 0x20) != 0,
    };
    return STATUS_OK;
}

/* template_layers(): the templates' layers in rising order. */
static enum status read_templates(struct bit_reader *r, struct dependency_structure *s)
{
    unsigned temporal = 0;
    unsigned spatial = 0;
    for (unsigned next = LAYER_SAME; next != LAYER_END; s->template_count++) {
        temporal = next == LAYER_NEXT_SPATIAL ? 0 : temporal + (next == LAYER_NEXT_TEMPORAL);
        spatial += next == LAYER_NEXT_SPATIAL;
        if (s->template_count == DEPENDENCY_TEMPLATES_MAX || temporal > 7 || spatial > 3)
            return STATUS_MALFORMED;
        s->temporal[s->template_count] = (uint8_t)temporal;
        s->spatial[s->template_count] = (uint8_t)spatial;
        next = read_bits(r, 2);
        if (r->failed)
            return STATUS_TRUNCATED;
    }
    return STATUS_OK;
}

static uint64_t read_indications(struct bit_reader *r, unsigned targets)
{
    uint64_t indications = 0;
    for (unsigned t = 0; t < targets; t++)
        indications |= (uint64_t)read_bits(r, 2) << (2 * t);
    return indications;
}

static unsigned indication(uint64_t indications, unsigned target)
{
    return (unsigned)(indications >> (2 * target) & 3);
}

/* decode_target_layers(): a target's layer is the highest that has something for it. */
static void find_target_layers(struct dependency_structure *s)
{
    for (unsigned t = 0; t < s->target_count; t++) {
        for (unsigned i = 0; i < s->template_count; i++) {
            if (indication(s->indications[i], t) == INDICATION_NONE)
                continue;
            if (s->temporal[i] > s->target_temporal[t])
                s->target_temporal[t] = s->temporal[i];
            if (s->spatial[i] > s->target_spatial[t])
                s->target_spatial[t] = s->spatial[i];
        }
    }
}

enum status dependency_structure_parse(struct bytes data, struct dependency_structure *out)
{
    struct dependency_descriptor descriptor;
    struct dependency_structure s = {0};
    enum status status = dependency_descriptor_parse(data, &descriptor);
    if (status != STATUS_OK)
        return status;
    if (!descriptor.has_structure)
        return STATUS_NOT_FOUND;
    struct bit_reader r = {.data = data, .at = 8 * MANDATORY_BYTES + 5};
    s.id_offset = read_bits(&r, 6);
    s.target_count = (uint8_t)(read_bits(&r, 5) + 1);
    status = read_templates(&r, &s);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < s.template_count; i++)
        s.indications[i] = read_indications(&r, s.target_count);
    if (r.failed)
        return STATUS_TRUNCATED;
    find_target_layers(&s);
    *out = s;
    return STATUS_OK;
}

/* A frame's own indications stand behind the targets that are active; behind a structure, whose
 * rest we do not read, they are out of reach and the template's are taken. */
static uint64_t indications_of(const struct dependency_structure *s, unsigned template,
                               const struct dependency_descriptor *descriptor, struct bytes data)
{
    if (!descriptor->has_own_indications || descriptor->has_structure)
        return s->indications[template];
    struct bit_reader r = {.data = data, .at = 8 * MANDATORY_BYTES + 5};
    if (descriptor->has_targets)
        r.at += s->target_count;
    uint64_t own = read_indications(&r, s->target_count);
    return r.failed ? s->indications[template] : own;
}

enum status dependency_structure_find(const struct dependency_structure *s, struct bytes data,
                                      struct dependency_layers *out)
{
    struct dependency_descriptor descriptor;
    enum status status = dependency_descriptor_parse(data, &descriptor);
    if (status != STATUS_OK)
        return status;
    unsigned template = (descriptor.template_id + 64u - s->id_offset) % 64;
    if (template >= s->template_count)
        return STATUS_NOT_FOUND;
    uint64_t indications = indications_of(s, template, &descriptor, data);
    uint8_t top = 0;
    for (unsigned t = 0; t < s->target_count; t++)
        top = s->target_spatial[t] > top ? s->target_spatial[t] : top;
    *out = (struct dependency_layers){.temporal = s->temporal[template],
                                      .spatial = s->spatial[template],
                                      .opens = s->temporal[template]};
    for (unsigned t = 0; t < s->target_count; t++) {
        if (s->target_spatial[t] == top && indication(indications, t) == INDICATION_SWITCH &&
            s->target_temporal[t] > out->opens)
            out->opens = s->target_temporal[t];
    }
    return STATUS_OK;
}
