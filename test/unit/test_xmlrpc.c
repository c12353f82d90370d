/* SPDX-License-Identifier: MIT */
/* test_xmlrpc.c: the wire, byte for byte, and what a decoder must take or refuse. */
#include "unit.h"

#include "supervisor/core/buf.h"
#include "supervisor/rpc/xmlrpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static void assert_written(struct buf *out, const char *expected)
{
    CU_ASSERT_EQUAL(out->error, 0);
    CU_ASSERT_STRING_EQUAL(buf_text(out), expected);
    buf_free(out);
}

static void true_is_written_in_129_bytes(void)
{
    struct buf out = BUF_INIT;
    xmlrpc_write_response_begin(&out);
    xmlrpc_write_bool(&out, true);
    xmlrpc_write_response_end(&out);
    CU_ASSERT_EQUAL(out.len, 129);
    assert_written(&out, "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n"
                         "<value><boolean>1</boolean></value>\n</param>\n</params>\n"
                         "</methodResponse>\n");
}

static void common_replies_have_the_known_lengths(void)
{
    struct buf out = BUF_INIT;
    xmlrpc_write_response_begin(&out);
    xmlrpc_write_string(&out, "3.0");
    xmlrpc_write_response_end(&out);
    CU_ASSERT_EQUAL(out.len, 129);
    buf_reset(&out);
    xmlrpc_write_response_begin(&out);
    xmlrpc_write_struct_begin(&out);
    xmlrpc_write_member_int(&out, "statecode", 1);
    xmlrpc_write_member_string(&out, "statename", "RUNNING");
    xmlrpc_write_struct_end(&out);
    xmlrpc_write_response_end(&out);
    CU_ASSERT_EQUAL(out.len, 279);
    buf_reset(&out);
    xmlrpc_write_response_begin(&out);
    xmlrpc_write_array_begin(&out);
    xmlrpc_write_array_end(&out);
    xmlrpc_write_response_end(&out);
    CU_ASSERT_EQUAL(out.len, 138);
    buf_reset(&out);
    xmlrpc_write_fault(&out, FAULT_UNKNOWN_METHOD, NULL);
    CU_ASSERT_EQUAL(out.len, 269);
    buf_reset(&out);
    xmlrpc_write_fault(&out, FAULT_NO_FILE, NULL);
    CU_ASSERT_EQUAL(out.len, 263);
    buf_reset(&out);
    xmlrpc_write_fault(&out, FAULT_BAD_ARGUMENTS, NULL);
    CU_ASSERT_EQUAL(out.len, 268);
    buf_reset(&out);
    xmlrpc_write_fault(&out, FAULT_ALREADY_STARTED, "cat");
    CU_ASSERT_EQUAL(out.len, 276);
    buf_free(&out);
}

static void a_fault_is_written_like_the_reference_writes_it(void)
{
    struct buf out = BUF_INIT;
    xmlrpc_write_fault(&out, FAULT_ALREADY_STARTED, "cat");
    assert_written(&out, "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n"
                         "<member>\n<name>faultCode</name>\n<value><int>60</int></value>\n"
                         "</member>\n<member>\n<name>faultString</name>\n"
                         "<value><string>ALREADY_STARTED: cat</string></value>\n</member>\n"
                         "</struct></value>\n</fault>\n</methodResponse>\n");
}

static void an_empty_detail_still_has_its_colon(void)
{
    struct buf out = BUF_INIT;
    xmlrpc_write_fault(&out, FAULT_BAD_NAME, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&out), "<string>BAD_NAME: </string>"));
    buf_free(&out);
}

static void a_tail_is_written_in_241_bytes(void)
{
    struct buf out = BUF_INIT;
    xmlrpc_write_response_begin(&out);
    xmlrpc_write_array_begin(&out);
    xmlrpc_write_string(&out, "hello\n");
    xmlrpc_write_int(&out, 6);
    xmlrpc_write_bool(&out, false);
    xmlrpc_write_array_end(&out);
    xmlrpc_write_response_end(&out);
    CU_ASSERT_EQUAL(out.len, 241);
    buf_free(&out);
}

static void integers_beyond_32_bits_become_i8(void)
{
    struct buf out = BUF_INIT;
    xmlrpc_write_int(&out, INT32_MAX);
    xmlrpc_write_int(&out, (int64_t)INT32_MAX + 1);
    xmlrpc_write_int(&out, INT32_MIN);
    xmlrpc_write_int(&out, INT64_MIN);
    assert_written(&out, "<value><int>2147483647</int></value>\n"
                         "<value><i8>2147483648</i8></value>\n"
                         "<value><int>-2147483648</int></value>\n"
                         "<value><i8>-9223372036854775808</i8></value>\n");
}

#define FFFD "\xef\xbf\xbd"

static void text_is_escaped_and_repaired(void)
{
    static const struct {
        const char *in;
        size_t len;
        const char *out;
    } rows[] = {
#define ROW(in, out) { in, sizeof(in) - 1, out }
        ROW("", ""),
        ROW("a<b>&c\"'", "a&lt;b&gt;&amp;c\"'"),
        ROW("\t\r\n", "\t\r\n"),
        ROW("a\0b\x01\x1b[31m", "a" FFFD "b" FFFD FFFD "[31m"),
        ROW("\x7f", "\x7f"),
        ROW("caf\xc3\xa9", "caf\xc3\xa9"),
        ROW("\xc3", FFFD),
        ROW("\xa9x", FFFD "x"),
        ROW("\xff\xfe", FFFD FFFD),
        ROW("\xc0\x80", FFFD FFFD),                 /* overlong */
        ROW("\xed\xa0\x80", FFFD FFFD FFFD),        /* a surrogate */
        ROW("\xef\xbf\xbe\xef\xbf\xbf", FFFD FFFD), /* U+FFFE, U+FFFF */
        ROW("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"),
        ROW("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD), /* beyond U+10FFFF */
        ROW("\xf0\x9f\x98", FFFD FFFD FFFD),          /* cut */
#undef ROW
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = BUF_INIT;
        xmlrpc_write_text(&out, rows[i].in, rows[i].len);
        CU_ASSERT_STRING_EQUAL(buf_text(&out), rows[i].out);
        buf_free(&out);
    }
}

static void a_request_is_written_as_pythons_client_does(void)
{
    struct buf out = BUF_INIT;
    xmlrpc_write_call_begin(&out, "supervisor.startProcess");
    xmlrpc_write_param_begin(&out);
    xmlrpc_write_string(&out, "a:b");
    xmlrpc_write_param_end(&out);
    xmlrpc_write_param_begin(&out);
    xmlrpc_write_bool(&out, true);
    xmlrpc_write_param_end(&out);
    xmlrpc_write_call_end(&out);
    assert_written(&out, "<?xml version='1.0'?>\n<methodCall>\n"
                         "<methodName>supervisor.startProcess</methodName>\n<params>\n<param>\n"
                         "<value><string>a:b</string></value>\n</param>\n<param>\n"
                         "<value><boolean>1</boolean></value>\n</param>\n</params>\n"
                         "</methodCall>\n");
}

/* ---- reading requests ---- */

/* The parameters of <methodCall> with this inside, decoded and written again; or the error's name.
 */
static char *decoded(const char *document)
{
    struct xmlrpc_call call;
    struct buf out = BUF_INIT;
    int r = xmlrpc_decode_call(document, strlen(document), &call);
    if (r < 0)
        return strdup(r == -EBADMSG ? "bad" : r == -ENOMSG ? "no method" : "?");
    for (size_t i = 0; i < call.params.n; i++) {
        const struct value *v = &call.params.items[i];
        if (v->kind == VALUE_BIGINT || v->kind == VALUE_DATETIME)
            buf_puts(&out, v->kind == VALUE_BIGINT ? "big " : "time ");
        xmlrpc_write_value(&out, v);
    }
    xmlrpc_call_free(&call);
    char *text = strdup(buf_text(&out));
    buf_free(&out);
    return text;
}

static char *decoded_params(const char *inside)
{
    struct buf document = BUF_INIT;
    buf_printf(&document, "<methodCall><methodName>m</methodName><params>%s</params></methodCall>",
               inside);
    char *text = decoded(buf_text(&document));
    buf_free(&document);
    return text;
}

static void values_mean_what_they_mean_to_the_reference(void)
{
    static const char *const rows[][2] = {
        { "<param><value><int> +4_2 </int></value></param>", "<value><int>42</int></value>\n" },
        { "<param><value><i4>-7</i4></value></param>", "<value><int>-7</int></value>\n" },
        { "<param><value><int></int></value></param>", "bad" },
        { "<param><value><int>1.5</int></value></param>", "bad" },
        { "<param><value><int>0x5</int></value></param>", "bad" },
        { "<param><value><int>_1</int></value></param>", "bad" },
        { "<param><value><int>99999999999999999999</int></value></param>",
          "big <value><string>99999999999999999999</string></value>\n" },
        { "<param><value><boolean>1</boolean></value></param>",
          "<value><boolean>1</boolean></value>\n" },
        { "<param><value><boolean>true</boolean></value></param>",
          "<value><boolean>1</boolean></value>\n" },
        { "<param><value><boolean>0</boolean></value></param>",
          "<value><boolean>0</boolean></value>\n" },
        { "<param><value><boolean>yes</boolean></value></param>", "bad" },
        { "<param><value><string></string></value></param>", "<value><string></string></value>\n" },
        { "<param><value> text </value></param>", "<value><string> text </string></value>\n" },
        { "<param><value></value></param>", "<value><string></string></value>\n" },
        { "<param><value/></param>", "<value><string></string></value>\n" },
        { "<param><value>\n<string>x</string>\n</value></param>",
          "<value><string>x</string></value>\n" },
        { "<param><value><double>1e3</double></value></param>",
          "<value><double>1000</double></value>\n" },
        { "<param><value><double>abc</double></value></param>", "bad" },
        { "<param><value><double></double></value></param>", "bad" },
        { "<param><value><double>0x10</double></value></param>", "bad" },
        { "<param><value><base64>aGVs bG8=</base64></value></param>",
          "<value><string>hello</string></value>\n" },
        { "<param><value><base64>!!!</base64></value></param>",
          "<value><string></string></value>\n" },
        { "<param><value><base64>/w==</base64></value></param>", "bad" },
        { "<param><value><base64>aGV</base64></value></param>", "bad" },
        { "<param><value><dateTime.iso8601>20261122T19:44:28</dateTime.iso8601></value></param>",
          "time <value><string>20261122T19:44:28</string></value>\n" },
        { "<param><value><dateTime.iso8601>2026-11-22</dateTime.iso8601></value></param>", "bad" },
        { "<param><value><array><data><value>a</value><value><int>1</int></value></data></array>"
          "</value></param>",
          "<value><array><data>\n<value><string>a</string></value>\n<value><int>1</int></value>\n"
          "</data></array></value>\n" },
        { "<param><value><array/></value></param>", "bad" },
        { "<param><value><struct><member><name>k</name><value>v</value></member></struct></value>"
          "</param>",
          "<value><struct>\n<member>\n<name>k</name>\n<value><string>v</string></value>\n"
          "</member>\n</struct></value>\n" },
        { "<param><value><struct><member><name>k</name></member></struct></value></param>", "bad" },
        { "<param><value><nil/></value></param>", "<value><nil/></value>\n" },
        { "<param xmlns:ex='u'><value><ex:nil/></value></param>", "<value><nil/></value>\n" },
        { "<param><value><ex:nil/></value></param>", "bad" },
        { "<param><value><i8>5</i8></value></param>", "<value><string>5</string></value>\n" },
        { "<param><value><x>5</x></value></param>", "<value><string>5</string></value>\n" },
        { "<value>x</value>", "<value><string>x</string></value>\n" },
        { "<param><string>x</string></param>", "<value><string>x</string></value>\n" },
        { "<param/>", "bad" },
        { "<param><value><string>a<!-- c -->b<![CDATA[<]]>&#65;&amp;</string></value></param>",
          "<value><string>ab&lt;A&amp;</string></value>\n" },
        { "<param><value>&#1;</value></param>", "bad" },
        { "<param><value>&nosuch;</value></param>", "bad" },
        { "", "" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = decoded_params(rows[i][0]);
        if (strcmp(text, rows[i][1]) != 0)
            (void)printf("row %zu: %s -> %s\n", i, rows[i][0], text);
        CU_ASSERT_STRING_EQUAL(text, rows[i][1]);
        free(text);
    }
}

static void documents_are_taken_or_refused_as_a_whole(void)
{
    static const char *const rows[][2] = {
        { "<methodCall><methodName>m</methodName></methodCall>", "" },
        { "<methodName>m</methodName>", "" },
        { "<other><methodName>m</methodName><params/></other>", "" },
        { "<?xml version='1.0' encoding='ISO-8859-1'?><methodName>m</methodName>", "" },
        { "<?xml version='1.0' encoding='UTF-16'?><methodName>m</methodName>", "" },
        { "\xef\xbb\xbf<methodName>m</methodName>", "" },
        { " \n<methodName>m</methodName>", "" },
        { " <?xml version='1.0'?><methodName>m</methodName>", "bad" },
        { "<methodName>m</methodName>x", "bad" },
        { "<methodCall xmlns='urn:x'><methodName>m</methodName></methodCall>", "no method" },
        { "<methodCall><methodName></methodName></methodCall>", "no method" },
        { "<methodCall/>", "no method" },
        { "", "bad" },
        { "x", "bad" },
        { "<methodCall>", "bad" },
        { "<methodName>\xe9</methodName>", "bad" },
        { "<!DOCTYPE x><methodName>m</methodName>", "bad" },
        { "<!DOCTYPE x [<!ENTITY a 'cat'>]><methodName>&a;</methodName>", "bad" },
        { "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><methodName>m</methodName>", "bad" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = decoded(rows[i][0]);
        CU_ASSERT_STRING_EQUAL(text, rows[i][1]);
        free(text);
    }
}

static void the_last_method_name_wins(void)
{
    static const char text[] = "<x><methodName>a</methodName><methodName> b </methodName></x>";
    struct xmlrpc_call call;
    CU_ASSERT_EQUAL_FATAL(xmlrpc_decode_call(text, sizeof(text) - 1, &call), 0);
    CU_ASSERT_STRING_EQUAL(call.method, " b "); /* and blanks are kept */
    xmlrpc_call_free(&call);
}

static void a_utf16_body_is_refused_whatever_the_parser_would_guess(void)
{
    static const char text[] = "<\0m\0>\0<\0/\0m\0>";
    struct xmlrpc_call call;
    CU_ASSERT_EQUAL(xmlrpc_decode_call(text, sizeof(text), &call), -EBADMSG);
}

static int decode_nested(unsigned depth)
{
    struct buf text = BUF_INIT;
    struct xmlrpc_call call;
    for (unsigned i = 0; i < depth - 1; i++)
        buf_puts(&text, "<a>");
    buf_puts(&text, "<methodName>m</methodName>");
    for (unsigned i = 0; i < depth - 1; i++)
        buf_puts(&text, "</a>");
    int r = xmlrpc_decode_call(buf_text(&text), text.len, &call);
    if (r == 0)
        xmlrpc_call_free(&call);
    buf_free(&text);
    return r;
}

static void nesting_has_a_limit(void)
{
    CU_ASSERT_EQUAL(decode_nested(XMLRPC_DEPTH_MAX), 0);
    CU_ASSERT_EQUAL(decode_nested(XMLRPC_DEPTH_MAX + 1), -EBADMSG);
    CU_ASSERT_EQUAL(decode_nested(100000), -EBADMSG);
}

static void elements_have_a_limit(void)
{
    struct buf text = BUF_INIT;
    struct xmlrpc_call call;
    buf_puts(&text, "<x><methodName>m</methodName><params>");
    for (int i = 0; i < 300000; i++)
        buf_puts(&text, "<a/>");
    buf_puts(&text, "</params></x>");
    CU_ASSERT_EQUAL(xmlrpc_decode_call(buf_text(&text), text.len, &call), -EBADMSG);
    buf_free(&text);
}

/* head, then before0after before1after ..., then tail */
static int decode_text(const char *head, const char *before, const char *after, unsigned times,
                       const char *tail)
{
    struct buf text = BUF_INIT;
    struct xmlrpc_call call;
    buf_puts(&text, head);
    for (unsigned i = 0; i < times; i++)
        buf_printf(&text, "%s%u%s", before, i, after);
    buf_puts(&text, tail);
    int r = xmlrpc_decode_call(buf_text(&text), text.len, &call);
    if (r == 0)
        xmlrpc_call_free(&call);
    buf_free(&text);
    return r;
}

static void tags_have_a_limit_and_comments_have_none(void)
{
    static const char end[] = "><methodName>m</methodName></x>";
    CU_ASSERT_EQUAL(decode_text("<x ", "a", "='1' ", 50, end), 0);
    CU_ASSERT_EQUAL(decode_text("<x ", "a", "='1' ", 1000, end), -EBADMSG);
    CU_ASSERT_EQUAL(decode_text("<x b='>' ", "a", "='>' ", 1000, end), -EBADMSG); /* quoted ends */
    CU_ASSERT_EQUAL(decode_text("<x b='<!--' ", "a", "='-->' ", 1000, end), -EBADMSG);
    CU_ASSERT_EQUAL(decode_text("<x><!-- ", "<y ", " ", 1000, "--><methodName>m</methodName></x>"),
                    0);
    CU_ASSERT_EQUAL(decode_text("<x><methodName><![CDATA[", "<", "", 1000, "]]></methodName></x>"),
                    0);
    CU_ASSERT_EQUAL(decode_text("<x><!--", "", "", 1000, ""), -EBADMSG);
}

/* ---- reading responses ---- */

static void a_fault_is_read(void)
{
    struct buf out = BUF_INIT;
    struct xmlrpc_response response;
    xmlrpc_write_fault(&out, FAULT_BAD_NAME, "x<y");
    CU_ASSERT_EQUAL_FATAL(xmlrpc_decode_response(buf_text(&out), out.len, &response), 0);
    CU_ASSERT_TRUE(response.is_fault);
    CU_ASSERT_EQUAL(response.fault_code, 10);
    CU_ASSERT_STRING_EQUAL(response.fault_string, "BAD_NAME: x<y");
    xmlrpc_response_free(&response);
    buf_free(&out);
}

static void a_value_survives_the_way_there_and_back(void)
{
    struct buf out = BUF_INIT;
    struct xmlrpc_response response;
    xmlrpc_write_response_begin(&out);
    xmlrpc_write_struct_begin(&out);
    xmlrpc_write_member_int(&out, "big", INT64_C(5000000000));
    xmlrpc_write_member_bool(&out, "yes", true);
    xmlrpc_write_member_string(&out, "text", "<&> caf\xc3\xa9");
    xmlrpc_write_struct_end(&out);
    xmlrpc_write_response_end(&out);
    CU_ASSERT_EQUAL_FATAL(xmlrpc_decode_response(buf_text(&out), out.len, &response), 0);
    CU_ASSERT_FALSE(response.is_fault);
    CU_ASSERT_EQUAL(value_member_int(&response.value, "big", 0), INT64_C(5000000000));
    CU_ASSERT_TRUE(value_member_bool(&response.value, "yes", false));
    CU_ASSERT_STRING_EQUAL(value_member_string(&response.value, "text", ""), "<&> caf\xc3\xa9");
    CU_ASSERT_STRING_EQUAL(value_member_string(&response.value, "none", "fallback"), "fallback");
    xmlrpc_response_free(&response);
    buf_free(&out);
}

static void a_log_of_many_megabytes_can_be_read(void)
{
    struct buf out = BUF_INIT;
    struct xmlrpc_response response;
    const size_t len = 12 * 1024 * 1024;
    char *text = malloc(len + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'x', len);
    text[len] = '\0';
    xmlrpc_write_response_begin(&out);
    xmlrpc_write_string_n(&out, text, len);
    xmlrpc_write_response_end(&out);
    CU_ASSERT_EQUAL_FATAL(xmlrpc_decode_response(buf_text(&out), out.len, &response), 0);
    CU_ASSERT_EQUAL(response.value.len, len);
    xmlrpc_response_free(&response);
    buf_free(&out);
    free(text);
}

static const struct unit_test tests[] = {
    UNIT_TEST(true_is_written_in_129_bytes),
    UNIT_TEST(common_replies_have_the_known_lengths),
    UNIT_TEST(a_fault_is_written_like_the_reference_writes_it),
    UNIT_TEST(an_empty_detail_still_has_its_colon),
    UNIT_TEST(a_tail_is_written_in_241_bytes),
    UNIT_TEST(integers_beyond_32_bits_become_i8),
    UNIT_TEST(text_is_escaped_and_repaired),
    UNIT_TEST(a_request_is_written_as_pythons_client_does),
    UNIT_TEST(values_mean_what_they_mean_to_the_reference),
    UNIT_TEST(documents_are_taken_or_refused_as_a_whole),
    UNIT_TEST(the_last_method_name_wins),
    UNIT_TEST(a_utf16_body_is_refused_whatever_the_parser_would_guess),
    UNIT_TEST(nesting_has_a_limit),
    UNIT_TEST(elements_have_a_limit),
    UNIT_TEST(tags_have_a_limit_and_comments_have_none),
    UNIT_TEST(a_fault_is_read),
    UNIT_TEST(a_value_survives_the_way_there_and_back),
    UNIT_TEST(a_log_of_many_megabytes_can_be_read),
};

int main(void)
{
    return UNIT_RUN("xmlrpc", tests);
}
