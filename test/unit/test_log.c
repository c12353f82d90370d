/* SPDX-License-Identifier: MIT */
/* test_log.c: lines reach the file in order and in form, and nobody who logs ever waits. */
#include "supervisor/core/clock.h"
#include "supervisor/core/log.h"
#include "supervisor/core/syslogger.h"
#include "tmp_dir.h"
#include "unit.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

static void open_log(const char *name, enum log_level level)
{
    struct log_config config = { .path = tmp_path(name), .level = level, .ident = "supervisord" };
    CU_ASSERT_EQUAL(log_open(&config), 0);
}

/* "2026-11-22 19:59:18,923 " */
static bool has_stamp(const char *line)
{
    static const char form[] = "dddd-dd-dd dd:dd:dd,ddd ";
    for (size_t i = 0; form[i]; i++) {
        if (form[i] == 'd' ? !isdigit((unsigned char)line[i]) : line[i] != form[i])
            return false;
    }
    return true;
}

static void lines_before_the_first_log_wait_for_it(void) /* must be the first test */
{
    log_warn("early %d", 1);
    log_debg("early, but below the level");
    open_log("early", LOG_LEVEL_INFO);
    char *text = tmp_read(tmp_path("early"), NULL);
    CU_ASSERT(text && has_stamp(text));
    CU_ASSERT_STRING_EQUAL(text + 24, "WARN early 1\n");
    free(text);
    CU_ASSERT_STRING_EQUAL(log_path(), tmp_path("early"));
}

static void only_the_first_row_of_a_message_has_a_prefix(void)
{
    open_log("rows", LOG_LEVEL_BLAT);
    log_crit("one\ntwo");
    log_blat("three");
    log_data(LOG_LEVEL_DEBG, "'cat' stdout output:\n", "a\0b\n", 4);
    size_t len = 0;
    char *text = tmp_read(tmp_path("rows"), &len);
    CU_ASSERT(has_stamp(text));
    CU_ASSERT_EQUAL(strncmp(text + 24, "CRIT one\ntwo\n", 13), 0);
    CU_ASSERT(has_stamp(text + 37));
    CU_ASSERT_EQUAL(strncmp(text + 61, "BLAT three\n", 11), 0);
    CU_ASSERT_EQUAL(len, 72 + 24 + 5 + 21 + 5);
    CU_ASSERT_EQUAL(memcmp(text + len - 5, "a\0b\n\n", 5), 0);
    free(text);
}

static void levels_are_compared_by_number(void)
{
    open_log("levels", LOG_LEVEL_WARN);
    CU_ASSERT(log_wants(LOG_LEVEL_CRIT) && log_wants(LOG_LEVEL_WARN));
    CU_ASSERT_FALSE(log_wants(LOG_LEVEL_INFO));
    log_info("no");
    CU_ASSERT_EQUAL(tmp_size(tmp_path("levels")), 0);
}

static void a_file_that_cannot_be_opened_leaves_the_old_log(void)
{
    open_log("stays", LOG_LEVEL_INFO);
    struct log_config config = { .path = tmp_path("no/such/dir"), .level = LOG_LEVEL_INFO };
    CU_ASSERT_EQUAL(log_open(&config), -ENOENT);
    log_info("still here");
    CU_ASSERT(tmp_has(tmp_path("stays"), "INFO still here\n"));
}

static void long_messages_are_whole(void)
{
    open_log("long", LOG_LEVEL_INFO);
    static char text[70000];
    memset(text, 'y', sizeof(text) - 1);
    log_info("%s", text);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("long")), 24 + 5 + (long)sizeof(text));
}

static void json_lines_are_escaped(void)
{
    struct log_config config = { .path = tmp_path("json"), .level = LOG_LEVEL_INFO, .json = true };
    CU_ASSERT_EQUAL(log_open(&config), 0);
    log_info("a \"b\"\n\\ \x01 caf\xc3\xa9 \xff");
    CU_ASSERT(tmp_has(tmp_path("json"),
                      "\", \"level\": \"INFO\", \"message\": \"a \\\"b\\\"\\n\\\\ "
                      "\\u0001 caf\xc3\xa9 \\ufffd\"}\n"));
}

static void reopening_follows_the_name_after_what_was_queued(void)
{
    open_log("reopen", LOG_LEVEL_INFO);
    CU_ASSERT_EQUAL(log_start(), 0);
    log_info("one");
    CU_ASSERT_EQUAL(rename(tmp_path("reopen"), tmp_path("reopen.1")), 0);
    log_info("two");
    CU_ASSERT_EQUAL(log_reopen(), 0);
    log_info("three");
    log_stop(5000);
    CU_ASSERT(tmp_has(tmp_path("reopen.1"), "INFO two\n"));
    CU_ASSERT(tmp_has(tmp_path("reopen"), "INFO three\n"));
    CU_ASSERT_FALSE(tmp_size(tmp_path("reopen")) > 24 + 11);
}

enum { THREADS = 4, EACH = 5000 };

static void *log_many(void *arg)
{
    for (unsigned i = 0; i < EACH; i++) {
        if (i % 100 == 0)
            tmp_nap_ms(1); /* so that the queue need not overflow */
        log_info("%u %u", *(unsigned *)arg, i);
    }
    return NULL;
}

static void threads_log_in_their_order(void)
{
    open_log("threads", LOG_LEVEL_INFO);
    uint64_t dropped = log_dropped();
    CU_ASSERT_EQUAL(log_start(), 0);
    pthread_t threads[THREADS];
    unsigned ids[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        ids[i] = i;
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, log_many, &ids[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    log_stop(5000);
    CU_ASSERT_EQUAL(log_dropped(), dropped);
    char *text = tmp_read(tmp_path("threads"), NULL);
    unsigned next[THREADS] = { 0 };
    for (char *line = text; line && *line; line = strchr(line, '\n') + 1) {
        unsigned id;
        unsigned n;
        CU_ASSERT_EQUAL_FATAL(sscanf(line + 24, "INFO %u %u", &id, &n), 2);
        CU_ASSERT(id < THREADS && next[id] == n);
        next[id] = n + 1;
    }
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL(next[i], EACH);
    free(text);
}

/* Nobody reads our standard output: the file gets its lines, the caller never waits, and the gap is
 * said. */
static void a_stopped_reader_of_stdout_holds_up_nobody(void)
{
    int ends[2];
    CU_ASSERT_EQUAL(pipe2(ends, O_CLOEXEC), 0);
    int saved = dup(STDOUT_FILENO);
    (void)fflush(stdout);
    CU_ASSERT(dup2(ends[1], STDOUT_FILENO) >= 0);
    struct log_config config = { .path = tmp_path("copy"),
                                 .level = LOG_LEVEL_INFO,
                                 .to_stdout = true };
    int error = log_open(&config);
    int started = log_start();

    uint64_t worst_ns = 0;
    unsigned lines = 0;
    uint64_t dropped = log_dropped();
    while (log_dropped() == dropped && lines < 1000000) {
        uint64_t before_ns = clock_now_ns();
        log_info("%0100u", lines++);
        uint64_t took_ns = clock_now_ns() - before_ns;
        if (took_ns > worst_ns)
            worst_ns = took_ns;
        if (lines % 50 == 0)
            tmp_nap_ms(1);
    }
    log_info("after the gap"); /* lost too: what waits for the reader is in front of it */
    static char sink[8 << 20]; /* the reader wakes up */
    size_t len = 0;
    CU_ASSERT_EQUAL(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    for (unsigned i = 0; i < 3000 && !strstr(sink + (len > 8192 ? len - 8192 : 0), "reader awake");
         i++) {
        ssize_t n = read(ends[0], sink + len, sizeof(sink) - 1 - len);
        if (n > 0)
            len += (size_t)n;
        else if (i % 50 == 49)
            log_info("reader awake");
        tmp_nap_ms(2);
    }
    log_stop(5000);
    CU_ASSERT(dup2(saved, STDOUT_FILENO) >= 0);
    (void)close(saved);

    CU_ASSERT_EQUAL(error, 0);
    CU_ASSERT_EQUAL(started, 0);
    CU_ASSERT(log_dropped() > dropped);
    CU_ASSERT(worst_ns < NS_PER_SEC);
    const char *gap = strstr(sink, "log lines were lost here: the reader is too slow\n");
    CU_ASSERT(gap && strstr(gap, "INFO reader awake\n"));
    CU_ASSERT(strstr(sink, "INFO 000") != NULL); /* whole lines before it */
    CU_ASSERT(tmp_has(tmp_path("copy"), "INFO after the gap\n"));
    char *text = tmp_read(tmp_path("copy"), NULL);
    unsigned in_file = 0;
    for (char *line = text; line && *line; line = strchr(line, '\n') + 1)
        in_file += strncmp(line + 24, "INFO 0", 6) == 0;
    CU_ASSERT_EQUAL(in_file, lines);
    free(text);
    open_log("last", LOG_LEVEL_INFO); /* let go of the pipe */
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void a_full_disk_is_said_where_lines_are_missing(void)
{
    struct log_config config = { .path = "/dev/full", .level = LOG_LEVEL_INFO };
    uint64_t dropped = log_dropped();
    CU_ASSERT_EQUAL(log_open(&config), 0);
    log_info("one");
    log_info("two");
    CU_ASSERT_EQUAL(log_dropped(), dropped + 2);
    open_log("disk", LOG_LEVEL_INFO);
    log_info("three");
    CU_ASSERT(tmp_has(tmp_path("disk"), "INFO three\n"));
}

static void a_log_that_cannot_be_rotated_says_so_and_goes_on(void)
{
    CU_ASSERT_EQUAL(mkdir(tmp_path("stuck.1"), 0755), 0);
    struct log_config config = {
        .path = tmp_path("stuck"), .level = LOG_LEVEL_INFO, .max_bytes = 60, .backups = 1
    };
    CU_ASSERT_EQUAL(log_open(&config), 0);
    for (unsigned i = 0; i < 5; i++)
        log_info("line %u", i);
    CU_ASSERT(tmp_has(tmp_path("stuck"), "INFO line 4\n"));
    char *text = tmp_read(tmp_path("stuck"), NULL);
    const char *said = text ? strstr(text, "WARN cannot rotate the log: Is a directory\n") : NULL;
    CU_ASSERT(said && !strstr(said + 10, "cannot rotate"));
    free(text);
}

static void syslog_gets_one_record_for_each_row(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", tmp_path("syslog"));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CU_ASSERT_EQUAL(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    syslogger_set_path(addr.sun_path);

    struct log_config config = { .path = "syslog",
                                 .level = LOG_LEVEL_INFO,
                                 .ident = "supervisord" };
    CU_ASSERT_EQUAL(log_open(&config), 0);
    CU_ASSERT_PTR_NULL(log_path());
    log_warn("one\ntwo");
    static const char *const wanted[] = { "WARN one\n", "WARN two\n" };
    for (unsigned i = 0; i < 2; i++) {
        char record[256] = "";
        ssize_t n = recv(fd, record, sizeof(record) - 1, 0);
        CU_ASSERT(n > 0);
        CU_ASSERT_EQUAL(strncmp(record, "<14>", 4), 0);
        const char *text = strstr(record, " supervisord: ");
        CU_ASSERT(text && has_stamp(text + 14));
        CU_ASSERT(text && strcmp(text + 14 + 24, wanted[i]) == 0);
    }
    /* A receiver that does not read: records are dropped, nobody waits. */
    uint64_t dropped = log_dropped();
    uint64_t before_ns = clock_now_ns();
    for (unsigned i = 0; i < 5000; i++)
        log_info("flood %u", i);
    CU_ASSERT(log_dropped() > dropped);
    CU_ASSERT(clock_now_ns() - before_ns < 5 * NS_PER_SEC);
    (void)close(fd);
    syslogger_set_path("/dev/log");
    open_log("last", LOG_LEVEL_INFO);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(lines_before_the_first_log_wait_for_it),
        UNIT_TEST(only_the_first_row_of_a_message_has_a_prefix),
        UNIT_TEST(levels_are_compared_by_number),
        UNIT_TEST(a_file_that_cannot_be_opened_leaves_the_old_log),
        UNIT_TEST(long_messages_are_whole),
        UNIT_TEST(json_lines_are_escaped),
        UNIT_TEST(reopening_follows_the_name_after_what_was_queued),
        UNIT_TEST(threads_log_in_their_order),
        UNIT_TEST(a_stopped_reader_of_stdout_holds_up_nobody),
        UNIT_TEST(a_full_disk_is_said_where_lines_are_missing),
        UNIT_TEST(a_log_that_cannot_be_rotated_says_so_and_goes_on),
        UNIT_TEST(syslog_gets_one_record_for_each_row),
    };
    tmp_dir_make();
    int status = UNIT_RUN("log", tests);
    tmp_dir_remove();
    return status;
}
