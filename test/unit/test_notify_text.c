/* SPDX-License-Identifier: MIT */
/* test_notify_text.c: events in the words of a command or an address. */
#include "../../src/workers/notify_text.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/datatypes.h"
#include "unit.h"

#include <jansson.h>
#include <string.h>

static const char exited[] =
    "ver:3.0 server:host serial:21 pool:notify:x poolserial:10 eventname:PROCESS_STATE_EXITED "
    "len:82 bytelen:82\n"
    "processname:web_0 groupname:web from_state:RUNNING expected:0 pid:24890 exitstatus:3";

static const char *variable(const char *envelope, const char *name)
{
    static char value[256];
    struct env_list env = { 0 };
    CU_ASSERT_EQUAL_FATAL(notify_fill_env(&env, envelope, strlen(envelope), 7), 0);
    const char *found = env_list_get(&env, name);
    (void)snprintf(value, sizeof(value), "%s", found ? found : "(unset)");
    env_list_free(&env);
    return value;
}

static void a_command_finds_the_words_in_its_environment(void)
{
    CU_ASSERT_STRING_EQUAL(variable(exited, "NOTIFY_EVENT"), "PROCESS_STATE_EXITED");
    CU_ASSERT_STRING_EQUAL(variable(exited, "NOTIFY_SERIAL"), "21");
    CU_ASSERT_STRING_EQUAL(variable(exited, "NOTIFY_SKIPPED"), "7");
    CU_ASSERT_STRING_EQUAL(variable(exited, "NOTIFY_PROCESSNAME"), "web_0");
    CU_ASSERT_STRING_EQUAL(variable(exited, "NOTIFY_FROM_STATE"), "RUNNING");
    CU_ASSERT_STRING_EQUAL(variable(exited, "NOTIFY_EXITSTATUS"), "3");
}

static void a_payload_cannot_pretend_to_be_another_event(void)
{
    static const char remote[] = "ver:3.0 server:s serial:1 eventname:REMOTE_COMMUNICATION len:9\n"
                                 "event:FAKE serial:99 skipped:0 LD_PRELOAD:x =:y\ndata:1";
    CU_ASSERT_STRING_EQUAL(variable(remote, "NOTIFY_EVENT"), "REMOTE_COMMUNICATION");
    CU_ASSERT_STRING_EQUAL(variable(remote, "NOTIFY_SERIAL"), "1");
    CU_ASSERT_STRING_EQUAL(variable(remote, "NOTIFY_SKIPPED"), "7");
    CU_ASSERT_STRING_EQUAL(variable(remote, "LD_PRELOAD"), "(unset)");
    CU_ASSERT_STRING_EQUAL(variable(remote, "NOTIFY_LD_PRELOAD"), "(unset)");
    CU_ASSERT_STRING_EQUAL(variable(remote, "NOTIFY_DATA"), "(unset)"); /* first line only */
}

static void an_address_gets_json(void)
{
    struct buf out = BUF_INIT;
    notify_append_json(&out, exited, strlen(exited), 2);
    json_t *root = json_loadb(out.data, out.len, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "event")),
                           "PROCESS_STATE_EXITED");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "server")), "host");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(root, "serial")), 21);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(root, "skipped")), 2);
    json_t *tokens = json_object_get(root, "tokens");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(tokens, "groupname")), "web");
    CU_ASSERT_PTR_NOT_NULL(strstr(json_string_value(json_object_get(root, "text")),
                                  "PROCESS_STATE_EXITED on host: processname:web_0 "));
    json_decref(root);
    buf_free(&out);
}

static void any_payload_is_still_json(void)
{
    static const char *const envelopes[] = {
        "ver:3.0 server:s serial:0 eventname:SUPERVISOR_STATE_CHANGE_RUNNING len:0\n",
        "ver:3.0 server:s serial:0 eventname:REMOTE_COMMUNICATION len:9\ntype:\"\\\n\x01\xff\"",
        "ver:3.0 server:s serial:0 eventname:REMOTE_COMMUNICATION len:9\ntype:caf\xc3", /* cut */
    };
    for (size_t i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); i++) {
        struct buf out = BUF_INIT;
        notify_append_json(&out, envelopes[i], strlen(envelopes[i]), 0);
        json_t *root = json_loadb(out.data, out.len, 0, NULL);
        CU_ASSERT_PTR_NOT_NULL(root);
        json_decref(root);
        buf_free(&out);
    }
}

static void the_rate_is_limited_and_what_was_skipped_is_counted(void)
{
    struct notify_rate rate = { .n = 2, .secs = 10 };
    uint64_t now_ns = 5 * NS_PER_SEC;
    CU_ASSERT_TRUE(notify_rate_allows(&rate, now_ns));
    CU_ASSERT_TRUE(notify_rate_allows(&rate, now_ns + NS_PER_SEC));
    CU_ASSERT_FALSE(notify_rate_allows(&rate, now_ns + 2 * NS_PER_SEC));
    CU_ASSERT_FALSE(notify_rate_allows(&rate, now_ns + 10 * NS_PER_SEC - 1));
    CU_ASSERT_EQUAL(rate.skipped, 2);
    CU_ASSERT_TRUE(notify_rate_allows(&rate, now_ns + 10 * NS_PER_SEC));
    rate = (struct notify_rate){ .n = 0 };
    for (int i = 0; i < 1000; i++)
        CU_ASSERT_TRUE(notify_rate_allows(&rate, now_ns));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_command_finds_the_words_in_its_environment),
        UNIT_TEST(a_payload_cannot_pretend_to_be_another_event),
        UNIT_TEST(an_address_gets_json),
        UNIT_TEST(any_payload_is_still_json),
        UNIT_TEST(the_rate_is_limited_and_what_was_skipped_is_counted),
    };
    return UNIT_RUN("notify_text", tests);
}
