/* SPDX-License-Identifier: MIT */
/* test_datatypes.c: every type, its values and its sentences. */
#include "supervisor/core/buf.h"
#include "supervisor/core/datatypes.h"
#include "tmp_dir.h"
#include "unit.h"

#include <errno.h>
#include <sys/resource.h>

static struct buf error = BUF_INIT;

/* Is the sentence of the last failure this? Empties it. */
static bool said(const char *sentence)
{
    bool same = strcmp(buf_text(&error), sentence) == 0;
    if (!same)
        fprintf(stderr, "said <%s>, not <%s>\n", buf_text(&error), sentence);
    buf_free(&error);
    return same;
}

static void repr_is_pythons(void)
{
    static const char *const rows[][2] = {
        { "", "''" },
        { "abc", "'abc'" },
        { "it's", "\"it's\"" },
        { "it's \"so\"", "'it\\'s \"so\"'" },
        { "a\\b\n\t\r", "'a\\\\b\\n\\t\\r'" },
        { "\x01\x7F", "'\\x01\\x7f'" },
        { "\xC3\xA9", "'\xC3\xA9'" },
        { "\xC2\xA0", "'\\xa0'" },
        { "\xE2\x80\xA8", "'\\u2028'" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        text_repr(&error, rows[i][0]);
        CU_ASSERT_TRUE(said(rows[i][1]));
    }
}

static void integers_are_pythons(void)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        { "5", 5 },    { "+5", 5 },       { "-5", -5 },
        { " 5\n", 5 }, { "1_000", 1000 }, { "010", 10 },
        { "0", 0 },    { "-0", 0 },       { "99999999999999999999", INT64_MAX },
    };
    static const char *const bad[] = { "",   "0x10", "1.5", "abc", "--1", "1__0",
                                       "_1", "1_",   "5 5", "+",   "-" };
    int64_t value;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        CU_ASSERT_EQUAL(parse_integer(good[i].text, &value, &error), 0);
        CU_ASSERT_EQUAL(value, good[i].value);
    }
    value = 42;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char sentence[80];
        (void)snprintf(sentence, sizeof(sentence), "invalid literal for int() with base 10: '%s'",
                       bad[i]);
        CU_ASSERT_EQUAL(parse_integer(bad[i], &value, &error), -EINVAL);
        CU_ASSERT_TRUE(said(sentence));
    }
    CU_ASSERT_EQUAL(value, 42);
}

static void booleans_are_eight_words(void)
{
    static const char *const yes[] = { "yes", "true", "on", "1", "TRUE", "Yes" };
    static const char *const no[] = { "no", "false", "off", "0", "OFF" };
    bool value = false;
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        CU_ASSERT_TRUE(parse_boolean(yes[i], &value, &error) == 0 && value);
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
        CU_ASSERT_TRUE(parse_boolean(no[i], &value, &error) == 0 && !value);
    CU_ASSERT_EQUAL(parse_boolean("maybe", &value, &error), -EINVAL);
    CU_ASSERT_TRUE(said("not a valid boolean value: 'maybe'"));
    CU_ASSERT_EQUAL(parse_boolean(" true", &value, &error), -EINVAL);
    CU_ASSERT_TRUE(said("not a valid boolean value: ' true'"));
}

static void byte_sizes_have_three_suffixes(void)
{
    int64_t value;
    CU_ASSERT_TRUE(parse_byte_size("50MB", &value, &error) == 0 && value == 52428800);
    CU_ASSERT_TRUE(parse_byte_size("50 mb", &value, &error) == 0 && value == 52428800);
    CU_ASSERT_TRUE(parse_byte_size("1KB", &value, &error) == 0 && value == 1024);
    CU_ASSERT_TRUE(parse_byte_size("1gb", &value, &error) == 0 && value == 1073741824);
    CU_ASSERT_TRUE(parse_byte_size("-1", &value, &error) == 0 && value == -1);
    CU_ASSERT_TRUE(parse_byte_size("99999999999GB", &value, &error) == 0 && value == INT64_MAX);
    static const char *const bad[][2] = { { "1.5MB", "1.5" }, { "1k", "1k" }, { "1B", "1b" },
                                          { "1tb", "1tb" },   { "", "" },     { "MB", "" } };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char sentence[80];
        (void)snprintf(sentence, sizeof(sentence), "invalid literal for int() with base 10: '%s'",
                       bad[i][1]);
        CU_ASSERT_EQUAL(parse_byte_size(bad[i][0], &value, &error), -EINVAL);
        CU_ASSERT_TRUE(said(sentence));
    }
}

static void octals_may_have_a_prefix(void)
{
    int64_t value;
    static const char *const good[] = { "022", "22", "0o22", "0O22", "0o_22", " 22 ", "+22" };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        CU_ASSERT_TRUE(parse_octal(good[i], &value, &error) == 0 && value == 022);
    CU_ASSERT_EQUAL(parse_octal("9", &value, &error), -EINVAL);
    CU_ASSERT_TRUE(said("9 can not be converted to an octal type"));
    CU_ASSERT_EQUAL(parse_octal("", &value, &error), -EINVAL);
    CU_ASSERT_TRUE(said(" can not be converted to an octal type"));
}

static void signals_are_names_and_numbers(void)
{
    static const struct {
        const char *text;
        int value;
    } good[] = { { "TERM", 15 },   { "sigterm", 15 }, { " int ", 2 }, { "15", 15 },
                 { "0015", 15 },   { "0", 0 },        { "64", 64 },   { "RTMIN", 34 },
                 { "SIG_IGN", 1 }, { "IOT", 6 },      { "poll", 29 }, { "SIG_DFL", 0 } };
    static const char *const numbers[] = { "32", "33", "35", "63", "65", "-1", "4294967311" };
    static const char *const names[] = { "RTMIN+1", "FOO", "", "SIG", "SIGSIGTERM" };
    int value;
    char sentence[80];
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        CU_ASSERT_EQUAL(parse_signal(good[i].text, &value, &error), 0);
        CU_ASSERT_EQUAL(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        (void)snprintf(sentence, sizeof(sentence), "value '%s' is not a valid signal number",
                       numbers[i]);
        CU_ASSERT_EQUAL(parse_signal(numbers[i], &value, &error), -EINVAL);
        CU_ASSERT_TRUE(said(sentence));
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        (void)snprintf(sentence, sizeof(sentence), "value '%s' is not a valid signal name",
                       names[i]);
        CU_ASSERT_EQUAL(parse_signal(names[i], &value, &error), -EINVAL);
        CU_ASSERT_TRUE(said(sentence));
    }
    CU_ASSERT_STRING_EQUAL(signal_name(9), "KILL");
    CU_ASSERT_PTR_NULL(signal_name(33));
}

static void exit_codes_are_bits(void)
{
    struct process_config process = { .exitcodes = { 0 } };
    CU_ASSERT_EQUAL(parse_exitcodes(" 0 ,2,255", process.exitcodes, &error), 0);
    CU_ASSERT_TRUE(process_config_expects(&process, 0) && process_config_expects(&process, 2));
    CU_ASSERT_TRUE(process_config_expects(&process, 255) && !process_config_expects(&process, 1));
    CU_ASSERT_FALSE(process_config_expects(&process, 256) || process_config_expects(&process, -1));
    CU_ASSERT_EQUAL(parse_exitcodes("", process.exitcodes, &error), 0);
    CU_ASSERT_FALSE(process_config_expects(&process, 0));
    static const char *const bad[] = { "256", "-1", "a", "0,", ",0", "0 2" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char sentence[80];
        (void)snprintf(sentence, sizeof(sentence), "not a valid list of exit codes: '%s'", bad[i]);
        CU_ASSERT_EQUAL(parse_exitcodes(bad[i], process.exitcodes, &error), -EINVAL);
        CU_ASSERT_TRUE(said(sentence));
    }
}

static void words_are_out_of_their_lists(void)
{
    enum autorestart restart;
    enum log_level level;
    enum exit_on on;
    enum killmode mode;
    CU_ASSERT_TRUE(parse_autorestart("Unexpected", &restart, &error) == 0 &&
                   restart == AUTORESTART_UNEXPECTED);
    CU_ASSERT_TRUE(parse_autorestart("ON", &restart, &error) == 0 && restart == AUTORESTART_ALWAYS);
    CU_ASSERT_TRUE(parse_autorestart("0", &restart, &error) == 0 && restart == AUTORESTART_NEVER);
    CU_ASSERT_EQUAL(parse_autorestart("FOO", &restart, &error), -EINVAL);
    CU_ASSERT_TRUE(said("invalid 'autorestart' value 'foo'"));
    CU_ASSERT_TRUE(parse_log_level("BLATHER", &level, &error) == 0 && level == LOG_LEVEL_BLAT);
    CU_ASSERT_EQUAL(parse_log_level("warning", &level, &error), -EINVAL);
    CU_ASSERT_TRUE(said("bad logging level name 'warning'"));
    CU_ASSERT_TRUE(parse_exit_on("fatal", &on, &error) == 0 && on == EXIT_ON_FATAL);
    CU_ASSERT_EQUAL(parse_exit_on("x", &on, &error), -EINVAL);
    buf_free(&error);
    CU_ASSERT_TRUE(parse_killmode("tree", &mode, &error) == 0 && mode == KILLMODE_TREE);
    CU_ASSERT_EQUAL(parse_killmode("", &mode, &error), -EINVAL);
    buf_free(&error);
}

static void durations_rates_and_limits_are_read(void)
{
    int64_t n, secs;
    double factor;
    struct rlimit_config limit;
    enum logrotate rotate;
    int minute;
    CU_ASSERT_TRUE(parse_duration("90", &n, &error) == 0 && n == 90);
    CU_ASSERT_TRUE(parse_duration("15m", &n, &error) == 0 && n == 900);
    CU_ASSERT_TRUE(parse_duration("14D", &n, &error) == 0 && n == 14 * 86400);
    CU_ASSERT_EQUAL(parse_duration("-1", &n, &error), -EINVAL);
    CU_ASSERT_EQUAL(parse_duration("m", &n, &error), -EINVAL);
    CU_ASSERT_TRUE(parse_rate("5/60", &n, &secs, &error) == 0 && n == 5 && secs == 60);
    CU_ASSERT_EQUAL(parse_rate("5", &n, &secs, &error), -EINVAL);
    CU_ASSERT_EQUAL(parse_rate("5/0", &n, &secs, &error), -EINVAL);
    CU_ASSERT_TRUE(parse_retries("Infinite", &n, &error) == 0 && n == STARTRETRIES_INFINITE);
    CU_ASSERT_TRUE(parse_decimal("1.5", &factor, &error) == 0 && factor == 1.5);
    CU_ASSERT_EQUAL(parse_decimal("nan", &factor, &error), -EINVAL);
    CU_ASSERT_TRUE(parse_rlimit("100:unlimited", &limit, &error) == 0 && limit.soft == 100 &&
                   limit.hard == (uint64_t)RLIM_INFINITY);
    CU_ASSERT_TRUE(parse_rlimit("1MB", &limit, &error) == 0 && limit.hard == 1 << 20);
    CU_ASSERT_EQUAL(parse_rlimit("2:1", &limit, &error), -EINVAL);
    CU_ASSERT_EQUAL(parse_rlimit("", &limit, &error), -EINVAL);
    CU_ASSERT_TRUE(parse_rotate("03:30", &rotate, &minute, &error) == 0 &&
                   rotate == LOGROTATE_DAILY && minute == 210);
    CU_ASSERT_EQUAL(parse_rotate("24:00", &rotate, &minute, &error), -EINVAL);
    buf_free(&error);
}

static void processors_are_ranges(void)
{
    struct cpu_list cpus;
    CU_ASSERT_EQUAL(parse_cpu_list("0,2-3,9", &cpus, &error), 0);
    CU_ASSERT_EQUAL(cpus.bits[0], 0x0D);
    CU_ASSERT_EQUAL(cpus.bits[1], 0x02);
    static const char *const bad[] = { "", "3-2", "1024", "-1", "1,", "a", "1-" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CU_ASSERT_EQUAL(parse_cpu_list(bad[i], &cpus, &error), -EINVAL);
    buf_free(&error);
}

static void names_have_no_blank_colon_or_slash(void)
{
    char *name = NULL;
    CU_ASSERT_EQUAL(parse_name(" a,b* ", &name, &error), 0);
    CU_ASSERT_STRING_EQUAL(name, "a,b*");
    free(name);
    CU_ASSERT_EQUAL(parse_name("a/b:c d", &name, &error), -EINVAL);
    CU_ASSERT_TRUE(said("Invalid name: 'a/b:c d' because of character: ' '"));
    CU_ASSERT_EQUAL(parse_name("a/b:c", &name, &error), -EINVAL);
    CU_ASSERT_TRUE(said("Invalid name: 'a/b:c' because of character: ':'"));
    CU_ASSERT_EQUAL(parse_name("  ", &name, &error), -EINVAL);
    CU_ASSERT_TRUE(said("Invalid name: '  ' because it is empty"));
}

static void paths_lose_their_dots(void)
{
    static const char *const rows[][2] = {
        { "/a/../b/./c//", "/b/c" }, { "/..", "/" }, { "/a", "/a" }, { "/a/b/..", "/a" }
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *path = path_normalize(rows[i][0]);
        CU_ASSERT_STRING_EQUAL(path, rows[i][1]);
        free(path);
    }
    CU_ASSERT_EQUAL_FATAL(setenv("HOME", "/h/", 1), 0);
    char *path = path_expand_home("~/x");
    CU_ASSERT_STRING_EQUAL(path, "/h/x");
    free(path);
    path = path_expand_home("~nosuchuser/x");
    CU_ASSERT_STRING_EQUAL(path, "~nosuchuser/x");
    free(path);
}

static void log_files_have_four_special_names(void)
{
    enum logfile_kind kind;
    char *path;
    bool syslog;
    CU_ASSERT_TRUE(parse_logfile("Auto", &kind, &path, &syslog, &error) == 0 &&
                   kind == LOGFILE_AUTO && !path && !syslog);
    CU_ASSERT_TRUE(parse_logfile("off", &kind, &path, &syslog, &error) == 0 &&
                   kind == LOGFILE_NONE && !path && !syslog);
    CU_ASSERT_TRUE(parse_logfile("SYSLOG", &kind, &path, &syslog, &error) == 0 &&
                   kind == LOGFILE_NONE && syslog);
    CU_ASSERT_TRUE(parse_logfile("/tmp/x", &kind, &path, &syslog, &error) == 0 &&
                   kind == LOGFILE_PATH && path);
    free(path);
    CU_ASSERT_EQUAL(parse_logfile("/nosuch/x", &kind, &path, &syslog, &error), -EINVAL);
    CU_ASSERT_TRUE(said("The directory named as part of the path /nosuch/x does not exist"));
}

static void users_are_looked_up(void)
{
    uid_t uid;
    gid_t gid;
    CU_ASSERT_TRUE(parse_user("root", &uid, &error) == 0 && uid == 0);
    CU_ASSERT_TRUE(parse_user("0", &uid, &error) == 0 && uid == 0);
    CU_ASSERT_EQUAL(parse_user("nosuchuser", &uid, &error), -EINVAL);
    CU_ASSERT_TRUE(said("Invalid user name nosuchuser"));
    CU_ASSERT_EQUAL(parse_user("65599", &uid, &error), -EINVAL);
    CU_ASSERT_TRUE(said("Invalid user id 65599"));
    CU_ASSERT_EQUAL(parse_user("-1", &uid, &error), -EINVAL);
    CU_ASSERT_TRUE(said("Invalid user id -1"));
    CU_ASSERT_TRUE(parse_owner("root", &uid, &gid, &error) == 0 && gid == (gid_t)-1);
    CU_ASSERT_TRUE(parse_owner("0:root", &uid, &gid, &error) == 0 && gid == 0);
    CU_ASSERT_EQUAL(parse_owner("root:nosuch", &uid, &gid, &error), -EINVAL);
    buf_free(&error);
}

static void addresses_split_at_the_last_colon(void)
{
    static const struct {
        const char *text, *host;
        unsigned port;
    } good[] = { { "9001", "", 9001 },          { ":9001", "", 9001 },
                 { "*:9001", "", 9001 },        { "LOCALHOST:80", "localhost", 80 },
                 { "[::1]:9001", "::1", 9001 }, { "[::]:9001", "::", 9001 } };
    static const char *const bad[][2] = {
        { "abc", "not a valid port number: 'abc' " },
        { "", "not a valid port number: '' " },
        { "0", "not a valid port number: '0' " },
        { "70000", "not a valid port number: '70000' " },
        { "h:", "no port number specified in ''" },
        { "h:x", "invalid literal for int() with base 10: 'x'" },
        { "h:0", "0 is below lower bound (1)" },
        { "h:70000", "70000 is above upper bound (65535)" },
    };
    char *host;
    uint16_t port;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        CU_ASSERT_EQUAL_FATAL(parse_inet_address(good[i].text, &host, &port, &error), 0);
        CU_ASSERT_STRING_EQUAL(host, good[i].host);
        CU_ASSERT_EQUAL(port, good[i].port);
        free(host);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        CU_ASSERT_EQUAL(parse_inet_address(bad[i][0], &host, &port, &error), -EINVAL);
        CU_ASSERT_TRUE(said(bad[i][1]));
    }
}

/* "NAME=value|NAME=value", or "!sentence" */
static void check_environment(const char *text, const char *expected)
{
    struct env_list list = { 0 };
    struct buf got = BUF_INIT;
    if (parse_environment(text, &list, NULL, &error) < 0)
        buf_printf(&got, "!%s", buf_text(&error));
    for (size_t i = 0; i < list.n; i++)
        buf_printf(&got, "%s%s=%s", i ? "|" : "", list.vars[i].name, list.vars[i].value);
    if (strcmp(buf_text(&got), expected) != 0)
        fprintf(stderr, "<%s>: <%s>, not <%s>\n", text, buf_text(&got), expected);
    CU_ASSERT_STRING_EQUAL(buf_text(&got), expected);
    buf_free(&got);
    buf_free(&error);
    env_list_free(&list);
}

static void environments_are_quoted_as_in_a_shell(void)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "A=1,B=2", "A=1|B=2" },
        { "A = 1 , B = 2", "A=1|B=2" },
        { "A=\"1\",\n B=\"2\"", "A=1|B=2" },
        { "A=\"1,2\"", "A=1,2" },
        { "A=\"a#b\"", "A=a#b" },
        { "A=\"\"", "A=" },
        { "A=1,", "A=1" },
        { "A=a b", "A=a" },
        { "A=/usr/bin:/bin", "A=/usr/bin:/bin" },
        { "A=a.b+c-d(e):f", "A=a.b+c-d(e):f" },
        { "A=$HOME", "A=$" },
        { "A=a#b", "A=a" },
        { "A=\"1\" # c,B=2", "A=1" },
        { "A=\"1\";B=\"2\"", "A=1|B=2" },
        { "A=1|B=2", "A=1|B=2" },
        { "A=\"a\\nb\"", "A=a\\nb" },
        { "A=\"x\\\"y\"", "A=x\"y" },
        { "A=\"a\\\\b\"", "A=a\\b" },
        { "A=a\\ b", "A=a b" },
        { "A=a\\,b", "A=a,b" },
        { "A=x\"y z\"w", "A=xy zw" },
        { "A=\"x\"\"y\"", "A=xy" },
        { "A=\"it's\"", "A=it's" },
        { "A='say \"hi\"'", "A=say \"hi\"" },
        { "\"A\"=1", "A=1" },
        { "A==b", "A==" },
        { "A=1,A=2", "A=2" },
        { "A=1,B=2,A=3", "A=3|B=2" },
        { "1A=1", "1A=1" },
        { "A=\xC3\xA9", "A=\xC3\xA9" },
        { "A=\"x", "!No closing quotation" },
        { "A='x\\'y'", "!No closing quotation" },
        { "A=\"\\\"", "!No closing quotation" },
        { "A=\\", "!No escaped character" },
    };
    static const char *const bad[] = {
        "A=1 B=2", "A=1,,B=2",  ",A=1",  "A",     "A=",    "A=,B=1",
        "A:1",     "A=\"x\",B", "A=a@b", "A=a=b", "A=[x]", "A=1\nB=2"
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        check_environment(rows[i][0], rows[i][1]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char sentence[120];
        (void)snprintf(sentence, sizeof(sentence),
                       "!Unexpected end of key/value pairs in value '%s'", bad[i]);
        check_environment(bad[i], sentence);
    }
}

static void odd_separators_are_noticed(void)
{
    struct env_list list = { 0 };
    bool odd = true;
    CU_ASSERT_EQUAL(parse_environment("A=1,B=2", &list, &odd, &error), 0);
    CU_ASSERT_FALSE(odd);
    env_list_free(&list);
    CU_ASSERT_EQUAL(parse_environment("A=$HOME", &list, &odd, &error), 0);
    CU_ASSERT_TRUE(odd);
    env_list_free(&list);
}

static void environments_merge_and_keep_their_order(void)
{
    struct env_list a = { 0 }, b = { 0 };
    CU_ASSERT_EQUAL(parse_environment("A=1,B=2", &a, NULL, &error), 0);
    CU_ASSERT_EQUAL(parse_environment("B=3,C=4", &b, NULL, &error), 0);
    CU_ASSERT_EQUAL(env_list_merge(&a, &b), 0);
    CU_ASSERT_EQUAL_FATAL(a.n, 3);
    CU_ASSERT_STRING_EQUAL(a.vars[1].value, "3");
    CU_ASSERT_STRING_EQUAL(env_list_get(&a, "C"), "4");
    CU_ASSERT_EQUAL(env_list_set(&a, "C", "5"), 0);
    CU_ASSERT_EQUAL(env_list_set(&a, "D", "6"), 0);
    CU_ASSERT_STRING_EQUAL(env_list_get(&a, "D"), "6");
    CU_ASSERT_PTR_NULL(env_list_get(&a, "E"));
    env_list_free(&a);
    env_list_free(&b);
}

static void check_words(const char *text, const char *expected)
{
    char **argv = NULL;
    struct buf got = BUF_INIT;
    if (shell_words_split(text, &argv, &error) < 0)
        buf_printf(&got, "!%s", buf_text(&error));
    for (char **word = argv; word && *word; word++)
        buf_printf(&got, "%s<%s>", word == argv ? "" : " ", *word);
    CU_ASSERT_STRING_EQUAL(buf_text(&got), expected);
    buf_free(&got);
    buf_free(&error);
    text_list_free(argv);
}

static void commands_split_as_in_a_shell(void)
{
    static const char *const rows[][2] = {
        { "a \"b c\" 'd e' f\\ g", "<a> <b c> <d e> <f g>" },
        { "a \"b\\\"c\" \"b\\nc\"", "<a> <b\"c> <b\\nc>" },
        { "a \"\" b", "<a> <> <b>" },
        { "\"a b\"/c", "<a b/c>" },
        { "a#b # c", "<a#b> <#> <c>" },
        { "a;b|c>e $X ~ *", "<a;b|c>e> <$X> <~> <*>" },
        { "a\n\tb\r\nc", "<a> <b> <c>" },
        { "a \\\nb", "<a> <\nb>" },
        { "", "" },
        { "  \n ", "" },
        { "a \"x", "!No closing quotation" },
        { "a x\\", "!No escaped character" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        check_words(rows[i][0], rows[i][1]);
}

static void comma_lists_are_trimmed(void)
{
    char **list;
    size_t n;
    CU_ASSERT_EQUAL_FATAL(parse_text_list(" a ,b\n c,", &list, &n), 0);
    CU_ASSERT_EQUAL_FATAL(n, 3);
    CU_ASSERT_STRING_EQUAL(list[0], "a");
    CU_ASSERT_STRING_EQUAL(list[1], "b\n c");
    CU_ASSERT_STRING_EQUAL(list[2], "");
    CU_ASSERT_PTR_NULL(list[3]);
    text_list_free(list);
    CU_ASSERT_EQUAL_FATAL(parse_text_list("", &list, &n), 0);
    CU_ASSERT_EQUAL(n, 0);
    text_list_free(list);
}

static void environment_files_stand_below_the_directory(void)
{
    struct env_file_list list = { 0 };
    CU_ASSERT_EQUAL_FATAL(parse_env_files("a.env, -/b/../c", "/d", &list, &error), 0);
    CU_ASSERT_EQUAL_FATAL(list.n, 2);
    CU_ASSERT_STRING_EQUAL(list.files[0].path, "/d/a.env");
    CU_ASSERT_FALSE(list.files[0].optional);
    CU_ASSERT_STRING_EQUAL(list.files[1].path, "/c");
    CU_ASSERT_TRUE(list.files[1].optional);
    env_file_list_free(&list);
    CU_ASSERT_EQUAL(parse_env_files("a,,b", "/d", &list, &error), -EINVAL);
    buf_free(&error);
}

static const struct unit_test tests[] = {
    UNIT_TEST(repr_is_pythons),
    UNIT_TEST(integers_are_pythons),
    UNIT_TEST(booleans_are_eight_words),
    UNIT_TEST(byte_sizes_have_three_suffixes),
    UNIT_TEST(octals_may_have_a_prefix),
    UNIT_TEST(signals_are_names_and_numbers),
    UNIT_TEST(exit_codes_are_bits),
    UNIT_TEST(words_are_out_of_their_lists),
    UNIT_TEST(durations_rates_and_limits_are_read),
    UNIT_TEST(processors_are_ranges),
    UNIT_TEST(names_have_no_blank_colon_or_slash),
    UNIT_TEST(paths_lose_their_dots),
    UNIT_TEST(log_files_have_four_special_names),
    UNIT_TEST(users_are_looked_up),
    UNIT_TEST(addresses_split_at_the_last_colon),
    UNIT_TEST(environments_are_quoted_as_in_a_shell),
    UNIT_TEST(odd_separators_are_noticed),
    UNIT_TEST(environments_merge_and_keep_their_order),
    UNIT_TEST(commands_split_as_in_a_shell),
    UNIT_TEST(comma_lists_are_trimmed),
    UNIT_TEST(environment_files_stand_below_the_directory),
};

int main(void)
{
    return UNIT_RUN("datatypes", tests);
}
