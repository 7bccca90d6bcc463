#include "signaling/core/turn_credentials.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The password as Python's hmac and base64 make it. */
static void a_credential_names_its_end_and_is_signed(void **state)
{
    struct turn_credentials c;
    (void)state;
    assert_int_equal(turn_credentials_make("a secret of thirty-two characters", 1800000000, 17, &c),
                     STATUS_OK);
    assert_string_equal(c.username, "1800043200:17");
    assert_string_equal(c.password, "BFe5nZdS+Po6U3nwq4POw7FUTEQ=");
}

static void the_longest_name_and_secret_fit(void **state)
{
    struct turn_credentials c;
    char secret[TURN_SECRET_BYTES];
    (void)state;
    memset(secret, 's', sizeof secret);
    secret[sizeof secret - 1] = '\0';
    assert_int_equal(turn_credentials_make(secret, INT64_MAX / 2, UINT64_MAX, &c), STATUS_OK);
    assert_string_equal(strchr(c.username, ':'), ":18446744073709551615");
    assert_int_equal(strlen(c.password), TURN_PASSWORD_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_names_its_end_and_is_signed),
        cmocka_unit_test(the_longest_name_and_secret_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
