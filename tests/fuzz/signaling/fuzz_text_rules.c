/* Names, messages and addresses of strangers: what is let through fits its room, is valid UTF-8,
 * and is let through unchanged when it comes again. */
#include "signaling/core/text_rules.h"

#include "base/check.h"
#include "base/net_addr.h"
#include "signaling/core/webhook.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM_MAX 256

static size_t count_code_points(const char *text)
{
    size_t count = 0;
    uint32_t c;
    while (text_rules_next_code_point(&text, &c))
        count++;
    CHECK(*text == '\0'); /* all of it is UTF-8 */
    return count;
}

static void clean_name(const char *text, size_t most, size_t capacity)
{
    char out[ROOM_MAX], again[ROOM_MAX];
    if (text_rules_clean(text, most, out, capacity) != STATUS_OK || capacity == 0)
        return;
    CHECK(memchr(out, '\0', capacity) != NULL && count_code_points(out) <= most);
    CHECK(text_rules_clean(out, most, again, capacity) == STATUS_OK);
    CHECK(strcmp(out, again) == 0);
}

static void take_message(const char *text, size_t most, size_t capacity)
{
    char out[ROOM_MAX], again[ROOM_MAX];
    if (text_rules_take_text(text, most, out, capacity) != STATUS_OK)
        return;
    CHECK(memchr(out, '\0', capacity) != NULL);
    CHECK(count_code_points(out) <= most && out[0] != '\0');
    CHECK(text_rules_take_text(out, most, again, capacity) == STATUS_OK);
    CHECK(strcmp(out, again) == 0);
}

static void squeeze(const char *text, size_t capacity)
{
    char out[ROOM_MAX], again[ROOM_MAX];
    if (text_rules_squeeze(text, out, capacity) != STATUS_OK)
        return;
    CHECK(memchr(out, '\0', capacity) != NULL);
    CHECK(text_rules_squeeze(out, again, capacity) == STATUS_OK && strcmp(out, again) == 0);
}

static void read_address(const char *text)
{
    struct net_addr addr, again;
    char written[NET_ADDR_TEXT_BYTES];
    (void)webhook_is_url(text);
    if (net_addr_parse_ip(text, 7, &addr) != STATUS_OK)
        return;
    CHECK(net_addr_parse_ip(net_addr_write_ip(&addr, written), 7, &again) == STATUS_OK);
    CHECK(net_addr_equal(&addr, &again));
    CHECK(net_addr_is_public(&addr) == net_addr_is_public(&again));
}

/* The first byte is the room, the second how many characters may come. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char *text = malloc(size - 1);
    CHECK(text != NULL);
    memcpy(text, data + 2, size - 2);
    text[size - 2] = '\0';
    clean_name(text, data[1], data[0]);
    take_message(text, data[1], data[0]);
    squeeze(text, data[0]);
    read_address(text);
    free(text);
    return 0;
}
