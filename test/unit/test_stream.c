/* SPDX-License-Identifier: MIT */
/* test_stream.c: what a program writes reaches its log file, its events and its counters. */
#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"
#include "supervisor/core/syslogger.h"
#include "supervisor/workers/stream.h"
#include "tmp_dir.h"
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#define BEGIN "<!--XSUPERVISOR:BEGIN-->"
#define END   "<!--XSUPERVISOR:END-->"

#define LOG_HEAD "processname:gen groupname:gen pid:77 channel:stdout\n"

/* ---- a program whose pipe is in our hand, and a listener ---- */

static char group_name[] = "gen";
static char process_name[] = "gen";
static struct process_config config;
static struct group_config group = { .name = group_name };
static struct process process;
static struct stream *stream;
static int pipe_in;

static struct event_pool *pool;
static struct event_member *member;

static void no_wake(void *arg)
{
    (void)arg;
}

static void fresh(void)
{
    memset(&config, 0, sizeof(config));
    memset(&process, 0, sizeof(process));
    config.name = process_name;
    config.channel[CHANNEL_STDOUT].chmod = -1;
    config.channel[CHANNEL_STDOUT].owner_uid = (uid_t)-1;
    config.channel[CHANNEL_STDOUT].owner_gid = (gid_t)-1;
    process.config = &config;
    process.group_config = &group;
    process.display_name = process_name;
    stream_set_strip_ansi(false);
    (void)unlink(tmp_path("out"));
}

static void start(const char *log)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    pipe_in = ends[1];
    free(process.logfile[CHANNEL_STDOUT]);
    process.logfile[CHANNEL_STDOUT] = log ? strdup(log) : NULL;
    CU_ASSERT_EQUAL_FATAL(stream_open(&process, CHANNEL_STDOUT, ends[0], &stream), 0);
    stream_set_pid(stream, 77);
}

static void say_bytes(const char *data, size_t len)
{
    CU_ASSERT_EQUAL(write(pipe_in, data, len), (ssize_t)len);
    CU_ASSERT_NOT_EQUAL(stream_on_readable(stream, clock_now_ns()), STREAM_EOF);
}

static void say(const char *text)
{
    say_bytes(text, strlen(text));
}

static void end(void)
{
    (void)close(pipe_in);
    CU_ASSERT_EQUAL(stream_on_readable(stream, clock_now_ns()), STREAM_EOF);
    CU_ASSERT_EQUAL(stream_fd(stream), -1);
    stream_close(stream);
    free(process.logfile[CHANNEL_STDOUT]);
    process.logfile[CHANNEL_STDOUT] = NULL;
}

static bool out_is(const char *text)
{
    return tmp_is(tmp_path("out"), text);
}

static uint64_t counted(const _Atomic uint64_t *counter)
{
    return atomic_load(counter);
}

static bool counters_are(uint64_t n_read, uint64_t dropped)
{
    struct channel_counters *c = &process.counters[CHANNEL_STDOUT];
    return counted(&c->bytes_read) == n_read && counted(&c->bytes_dropped) == dropped &&
           counted(&c->bytes_stored) == n_read - dropped;
}

static void listen_for(enum event_type type)
{
    struct event_pool_config wanted = { .name = "pool",
                                        .mask = event_type_mask(type),
                                        .buffer_size = 100 };
    CU_ASSERT_EQUAL_FATAL(event_pool_new(&wanted, &pool), 0);
    CU_ASSERT_EQUAL_FATAL(event_member_new(pool, "listener", no_wake, NULL, &member), 0);
    event_member_set_ready(member, true);
}

/* The next event's payload is exactly text. */
static bool heard(const char *text)
{
    size_t len = 0;
    uint64_t serial;
    const char *envelope = event_member_take(member, &len, &serial);
    const char *payload = envelope ? memchr(envelope, '\n', len) : NULL;
    bool same = payload && strlen(text) == len - (size_t)(payload + 1 - envelope) &&
                memcmp(payload + 1, text, strlen(text)) == 0;
    if (!same)
        fprintf(stderr, "heard <%.*s>, not <%s>\n", envelope ? (int)len : 6,
                envelope ? envelope : "(none)", text);
    if (envelope) {
        event_member_finish(member, EVENT_ACCEPTED);
        event_member_set_ready(member, true);
    }
    return same;
}

static bool heard_nothing(void)
{
    size_t len = 0;
    uint64_t serial;
    return event_member_take(member, &len, &serial) == NULL;
}

static void stop_listening(void)
{
    event_pool_unsubscribe(pool);
    event_member_free(member);
    event_pool_free(pool);
}

/* ---- plain output ---- */

static void bytes_pass_untouched(void)
{
    fresh();
    start(tmp_path("out"));
    say("one\n");
    say_bytes("a\0b\xff", 4);
    say("\033[0m");
    CU_ASSERT_EQUAL(stream_on_readable(stream, clock_now_ns()), STREAM_DRAINED);
    CU_ASSERT_EQUAL(stream_deadline_ns(stream), NS_NEVER);
    CU_ASSERT_EQUAL(stream_sink_fd(stream), -1);
    end();
    size_t len = 0;
    char *data = tmp_read(tmp_path("out"), &len);
    CU_ASSERT(data && len == 12 && memcmp(data, "one\na\0b\xff\033[0m", 12) == 0);
    free(data);
    CU_ASSERT(counters_are(12, 0));
}

static void a_restart_appends(void)
{
    fresh();
    start(tmp_path("out"));
    say("one\n");
    end();
    start(tmp_path("out"));
    say("two\n");
    end();
    CU_ASSERT(out_is("one\ntwo\n"));
}

static void without_log_file_output_is_read_all_the_same(void)
{
    fresh();
    start(NULL);
    say("gone\n");
    end();
    CU_ASSERT(counters_are(5, 0));
}

static void a_log_file_that_cannot_be_opened_is_a_spawn_error(void)
{
    fresh();
    process.logfile[CHANNEL_STDOUT] = strdup(tmp_path("no/such"));
    int ends[2];
    CU_ASSERT_EQUAL(pipe2(ends, O_CLOEXEC), 0);
    stream = NULL;
    CU_ASSERT_EQUAL(stream_open(&process, CHANNEL_STDOUT, ends[0], &stream), -ENOENT);
    CU_ASSERT_PTR_NULL(stream);
    CU_ASSERT_EQUAL(fcntl(ends[0], F_GETFD), FD_CLOEXEC); /* still the caller's */
    free(process.logfile[CHANNEL_STDOUT]);
    process.logfile[CHANNEL_STDOUT] = NULL;
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void what_a_dead_program_left_is_read(void)
{
    fresh();
    start(tmp_path("out"));
    CU_ASSERT_EQUAL(write(pipe_in, "last words", 10), 10);
    stream_drain_at_exit(stream, clock_now_ns()); /* a grandchild still holds the pipe */
    CU_ASSERT(out_is("last words"));
    CU_ASSERT(counters_are(10, 0));
    end();
}

static void a_flood_is_stored_whole(void)
{
    fresh();
    start(tmp_path("out"));
    config.channel[CHANNEL_STDOUT].logfile_maxbytes = 0;
    pid_t child = fork();
    if (child == 0) {
        char line[32];
        for (unsigned i = 0; i < 200000; i++) {
            int n = snprintf(line, sizeof(line), "%u\n", i);
            if (write(pipe_in, line, (size_t)n) != n)
                _exit(1);
        }
        _exit(0);
    }
    (void)close(pipe_in);
    pipe_in = -1;
    enum stream_result result;
    while ((result = stream_on_readable(stream, clock_now_ns())) != STREAM_EOF) {
    }
    end();
    char *data = tmp_read(tmp_path("out"), NULL);
    const char *at = data;
    unsigned i = 0;
    for (char *next; at && *at; at = next + 1, i++) {
        if (strtoul(at, &next, 10) != i)
            break;
    }
    CU_ASSERT_EQUAL(i, 200000);
    CU_ASSERT(counters_are((uint64_t)(at - data), 0));
    free(data);
}

/* ---- colours ---- */

static void strip_ansi_follows_the_table(void)
{
    static const char *const table[][2] = {
        { "a \033[0m b", "a  b" },
        { "\033[?25lq", "q" },
        { "\033[10Gx mn", "n" },
        { "\033]0;t\007x", "\033]0;t\007x" },
        { "a \033[", "a " },
        { "a\033[3", "a" },
        { "4mcut", "4mcut" },
        { "\033", "\033" },
        { "\033[1m\033[2mx\033[3", "x" },
        { "plain\n", "plain\n" },
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        fresh();
        stream_set_strip_ansi(true);
        start(tmp_path("out"));
        say(table[i][0]);
        end();
        CU_ASSERT(out_is(table[i][1]));
        CU_ASSERT(counters_are(strlen(table[i][0]), 0));
    }
}

/* ---- capture ---- */

static void start_capture(int64_t max_bytes, bool events)
{
    fresh();
    config.channel[CHANNEL_STDOUT].capture_maxbytes = max_bytes;
    config.channel[CHANNEL_STDOUT].events_enabled = events;
    start(tmp_path("out"));
}

static void a_captured_text_is_an_event_and_not_in_the_log(void)
{
    listen_for(EVENT_PROCESS_COMMUNICATION);
    start_capture(1024, false);
    say("pre" BEGIN "hello comm" END "post\n");
    CU_ASSERT(heard("processname:gen groupname:gen pid:77\nhello comm"));
    say(BEGIN END);
    CU_ASSERT(heard("processname:gen groupname:gen pid:77\n"));
    say(BEGIN "data\xff" BEGIN END);
    CU_ASSERT(heard("processname:gen groupname:gen pid:77\nUndecodable: b'data\\xff" BEGIN "'"));
    end();
    CU_ASSERT(out_is("prepost\n"));
    stop_listening();
}

static void tokens_may_be_split_anywhere(void)
{
    static const char text[] = "ab<" BEGIN "cd<!" END "ef<!--XSUPER\n" BEGIN "gh" END "<";
    listen_for(EVENT_PROCESS_COMMUNICATION);
    for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
        start_capture(1024, false);
        say_bytes(text, cut);
        say(text + cut);
        end();
        CU_ASSERT(out_is("ab<ef<!--XSUPER\n<"));
        CU_ASSERT(counters_are(sizeof(text) - 1, 0));
        CU_ASSERT(heard("processname:gen groupname:gen pid:77\ncd<!"));
        CU_ASSERT(heard("processname:gen groupname:gen pid:77\ngh"));
    }
    start_capture(1024, false);
    for (const char *c = text; *c; c++)
        say_bytes(c, 1);
    end();
    CU_ASSERT(out_is("ab<ef<!--XSUPER\n<"));
    stop_listening();
}

static void only_what_may_begin_a_token_is_held_back(void)
{
    start_capture(1024, false);
    say("bye\n");
    CU_ASSERT(out_is("bye\n"));
    say("x <!--X");
    CU_ASSERT(out_is("bye\nx "));
    CU_ASSERT(counters_are(6, 0));
    end(); /* and goes out at the end */
    CU_ASSERT(out_is("bye\nx <!--X"));
    CU_ASSERT(counters_are(11, 0));
}

static void a_capture_keeps_its_newest_bytes_exactly(void)
{
    listen_for(EVENT_PROCESS_COMMUNICATION);
    start_capture(10, false);
    say(BEGIN "0123456789abcdef" END);
    CU_ASSERT(heard("processname:gen groupname:gen pid:77\n6789abcdef"));
    say(BEGIN "01234");
    say("56789");
    say("a");
    say("bcdefghi");
    say("xyz" END);
    CU_ASSERT(heard("processname:gen groupname:gen pid:77\ncdefghixyz"));
    end();
    stop_listening();
}

static void an_unfinished_capture_goes_to_the_log(void)
{
    listen_for(EVENT_PROCESS_COMMUNICATION);
    start_capture(1024, false);
    say("a" BEGIN "text<!--");
    end();
    CU_ASSERT(out_is("atext<!--"));
    CU_ASSERT(heard_nothing());
    stop_listening();
}

static void clearing_empties_the_capture_too(void)
{
    listen_for(EVENT_PROCESS_COMMUNICATION);
    start_capture(1024, false);
    say("before" BEGIN "old");
    CU_ASSERT_EQUAL(stream_clear(stream), 0);
    say("new" END "after");
    CU_ASSERT(heard("processname:gen groupname:gen pid:77\nnew"));
    end();
    CU_ASSERT(out_is("after"));
    stop_listening();
}

/* ---- events ---- */

static void start_events(void)
{
    fresh();
    config.channel[CHANNEL_STDOUT].events_enabled = true;
    start(tmp_path("out"));
}

static void each_read_is_an_event(void)
{
    listen_for(EVENT_PROCESS_LOG);
    start_events();
    say("plain out\n");
    CU_ASSERT(heard(LOG_HEAD "plain out\n"));
    say("bad \xff b'\\\t\r\n");
    CU_ASSERT(heard(LOG_HEAD "Undecodable: b\"bad \\xff b'\\\\\\t\\r\\n\""));
    end();
    stop_listening();
}

static void a_split_character_waits_for_its_rest(void)
{
    listen_for(EVENT_PROCESS_LOG);
    start_events();
    say("caf\xc3");
    CU_ASSERT(heard(LOG_HEAD "caf"));
    CU_ASSERT(out_is("caf\xc3")); /* the file does not wait */
    say("\xa9 red\n");
    CU_ASSERT(heard(LOG_HEAD "\xc3\xa9 red\n"));
    say("\xf0\x9f");
    CU_ASSERT(heard_nothing());
    say("\x98");
    CU_ASSERT(heard_nothing());
    say("\x80");
    CU_ASSERT(heard(LOG_HEAD "\xf0\x9f\x98\x80"));
    say("end\xe6");
    CU_ASSERT(heard(LOG_HEAD "end"));
    end();
    CU_ASSERT(heard(LOG_HEAD "Undecodable: b'\\xe6'"));
    stop_listening();
}

static void captured_text_is_also_a_log_event(void)
{
    listen_for(EVENT_PROCESS_LOG);
    start_capture(1024, true);
    say("a" BEGIN "b" END "c");
    CU_ASSERT(heard(LOG_HEAD "a"));
    CU_ASSERT(heard(LOG_HEAD "b"));
    CU_ASSERT(heard(LOG_HEAD "c"));
    end();
    stop_listening();
}

static void tapped(const char *data, size_t len, void *arg)
{
    struct iovec *seen = arg;
    memcpy((char *)seen->iov_base + seen->iov_len, data, len);
    seen->iov_len += len;
}

static void a_listeners_stdout_is_protocol_only(void)
{
    listen_for(EVENT_PROCESS_LOG);
    fresh();
    config.channel[CHANNEL_STDOUT].events_enabled = true;
    config.channel[CHANNEL_STDOUT].capture_maxbytes = 100;
    process.member = member;
    start(tmp_path("out"));
    char bytes[64];
    struct iovec seen = { bytes, 0 };
    stream_set_tap(stream, tapped, &seen);
    say("READY\n" BEGIN);
    end();
    CU_ASSERT(heard_nothing());
    CU_ASSERT(seen.iov_len == 30 && memcmp(bytes, "READY\n" BEGIN, 30) == 0);
    CU_ASSERT(out_is("READY\n" BEGIN));
    stop_listening();
}

/* ---- the daemon's log and syslog ---- */

static void at_debug_the_daemons_log_shows_the_output(void)
{
    struct log_config debug = { .path = tmp_path("daemon"), .level = LOG_LEVEL_DEBG };
    CU_ASSERT_EQUAL(log_open(&debug), 0);
    fresh();
    start(tmp_path("out"));
    say("hello\n");
    say("\xff");
    end();
    CU_ASSERT(tmp_has(tmp_path("daemon"), " DEBG 'gen' stdout output:\nhello\n\n"));
    CU_ASSERT(tmp_has(tmp_path("daemon"), " DEBG 'gen' stdout output:\nUndecodable: b'\\xff'\n"));
    struct log_config info = { .path = tmp_path("daemon"), .level = LOG_LEVEL_INFO };
    CU_ASSERT_EQUAL(log_open(&info), 0);
}

static void syslog_gets_each_line_under_the_programs_name(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", tmp_path("syslog"));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CU_ASSERT_EQUAL(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    syslogger_set_path(addr.sun_path);
    syslogger_set_ident("supervisord");
    fresh();
    config.channel[CHANNEL_STDOUT].syslog = true;
    start(tmp_path("out"));
    say("one\n\ntwo\n\n");
    end();
    CU_ASSERT(out_is("one\n\ntwo\n\n"));
    static const char *const wanted[] = { " supervisord: gen one", " supervisord: gen ",
                                          " supervisord: gen two" };
    for (unsigned i = 0; i < 3; i++) {
        char record[256] = "";
        ssize_t n = recv(fd, record, sizeof(record) - 1, 0);
        CU_ASSERT(n > 0 && strlen(record) > strlen(wanted[i]));
        CU_ASSERT_STRING_EQUAL(record + strlen(record) - strlen(wanted[i]), wanted[i]);
    }
    char more[8];
    CU_ASSERT_EQUAL(recv(fd, more, sizeof(more), 0), -1);
    (void)close(fd);
    syslogger_set_path("/dev/log");
}

/* ---- lines with time and name ---- */

static void start_format(const char *format)
{
    static char section[] = "program:prog";
    static char text[256];
    fresh();
    config.section = section;
    (void)snprintf(text, sizeof(text), "%s", format);
    config.channel[CHANNEL_STDOUT].format = text;
    start(tmp_path("out"));
}

static void lines_get_what_the_format_says(void)
{
    start_format("[%(program_name)s/%(process_name)s %(stream)s] %(message)s 100%% %(odd)s %x");
    say("one\ntwo\n\nunfin");
    CU_ASSERT(
        out_is("[prog/gen stdout] one 100% %(odd)s %x\n[prog/gen stdout] two 100% %(odd)s %x\n"
               "[prog/gen stdout]  100% %(odd)s %x\n"));
    CU_ASSERT(counters_are(9, 0));
    say("ished\n");
    end();
    CU_ASSERT(tmp_has(tmp_path("out"), "\n[prog/gen stdout] unfinished 100%"));
    CU_ASSERT(counters_are(20, 0));
}

static void a_format_without_message_does_not_lose_it(void)
{
    start_format("%(stream)s: ");
    say("x\n");
    end();
    CU_ASSERT(out_is("stdout: x\n"));
}

static void a_timestamp_stands_before_each_line(void)
{
    fresh();
    config.channel[CHANNEL_STDOUT].timestamp = true;
    start(tmp_path("out"));
    say("one\ntwo\n");
    end();
    char *text = tmp_read(tmp_path("out"), NULL);
    int day;
    int ms[2];
    int n = 0;
    CU_ASSERT(text &&
              sscanf(text, "%*d-%*d-%2d %*d:%*d:%*d,%3d one\n%*d-%*d-%*d %*d:%*d:%*d,%3d two%n",
                     &day, &ms[0], &ms[1], &n) == 3);
    CU_ASSERT(text && n > 0 && strcmp(text + n, "\n") == 0);
    free(text);
}

static void an_unfinished_line_goes_out_after_a_pause(void)
{
    start_format("> %(message)s");
    uint64_t before_ns = clock_now_ns();
    say("password: ");
    uint64_t due_ns = stream_deadline_ns(stream);
    CU_ASSERT(due_ns >= before_ns + 900 * NS_PER_MS && due_ns <= clock_now_ns() + NS_PER_SEC);
    stream_on_time(stream, due_ns - 1);
    CU_ASSERT(out_is(""));
    stream_on_time(stream, due_ns);
    CU_ASSERT(out_is("> password: \n"));
    CU_ASSERT_EQUAL(stream_deadline_ns(stream), NS_NEVER);
    say("secret\nlast");
    end(); /* and at the end */
    CU_ASSERT(out_is("> password: \n> secret\n> last\n"));
    CU_ASSERT(counters_are(21, 0));
}

static void a_line_without_end_becomes_several(void)
{
    start_format("%(message)s");
    static char data[32768];
    memset(data, 'x', sizeof(data));
    for (unsigned i = 0; i < 5; i++)
        say_bytes(data, sizeof(data));
    end();
    CU_ASSERT_EQUAL(tmp_size(tmp_path("out")), 5 * 32768 + 3);
    CU_ASSERT(counters_are(5 * 32768, 0));
}

static void json_lines_hold_any_byte(void)
{
    start_format("json");
    say("say \"hi\"\n\t\xff\n");
    end();
    CU_ASSERT(tmp_has(tmp_path("out"),
                      "\", \"program\": \"prog\", \"process\": \"gen\", \"stream\": "
                      "\"stdout\", \"message\": \"say \\\"hi\\\"\"}\n"));
    CU_ASSERT(tmp_has(tmp_path("out"), "\"message\": \"\\t\\ufffd\"}\n"));
}

static void events_and_the_debug_echo_stay_as_they_were(void)
{
    listen_for(EVENT_PROCESS_LOG);
    fresh();
    config.channel[CHANNEL_STDOUT].events_enabled = true;
    config.channel[CHANNEL_STDOUT].timestamp = true;
    start(tmp_path("out"));
    say("plain");
    CU_ASSERT(heard(LOG_HEAD "plain"));
    end();
    stop_listening();
}

/* ---- sinks that fail ---- */

static void a_full_disk_is_counted_and_marked(void)
{
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    int said[2]; /* the limit holds for the daemon's log as well, unless that is a pipe */
    CU_ASSERT_EQUAL(pipe2(said, O_CLOEXEC | O_NONBLOCK), 0);
    char name[32];
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", said[1]);
    struct log_config to_pipe = { .path = name, .level = LOG_LEVEL_INFO };
    CU_ASSERT_EQUAL(log_open(&to_pipe), 0);
    fresh();
    start(tmp_path("out"));
    say("stored\n");
    struct rlimit old;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit small = { .rlim_cur = 10, .rlim_max = old.rlim_max };
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    say("1234567"); /* three bytes fit */
    for (unsigned i = 0; i < 100; i++)
        say("lost\n");
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &old), 0);
    CU_ASSERT(counters_are(7 + 7 + 500, 4 + 500));
    CU_ASSERT_NOT_EQUAL(stream_deadline_ns(stream), NS_NEVER);
    stream_on_time(stream, stream_deadline_ns(stream));
    CU_ASSERT_EQUAL(stream_deadline_ns(stream), NS_NEVER);
    say("again\n");
    end();
    CU_ASSERT(
        out_is("stored\n123\nsupervisor: 504 bytes of output were lost here (File too large)\n"
               "again\n"));
    CU_ASSERT(counters_are(7 + 7 + 500 + 6, 504));
    (void)signal(SIGXFSZ, before);
    char text[4096] = "";
    CU_ASSERT(read(said[0], text, sizeof(text) - 1) > 0);
    const char *first = strstr(text, "WARN 'gen' stdout: cannot write ");
    CU_ASSERT(first && strstr(first, "/out: File too large; dropping output"));
    CU_ASSERT(first && !strstr(first + 20, "WARN 'gen' stdout: cannot")); /* said once */
    CU_ASSERT(strstr(text, "/out works again, 504 bytes of output were dropped\n") != NULL);
    struct log_config to_file = { .path = tmp_path("daemon"), .level = LOG_LEVEL_INFO };
    CU_ASSERT_EQUAL(log_open(&to_file), 0);
    (void)close(said[0]);
    (void)close(said[1]);
}

static void a_pipe_nobody_reads_pauses_then_drops(void)
{
    fresh();
    CU_ASSERT_EQUAL(mkfifo(tmp_path("fifo"), 0600), 0);
    int reader = open(tmp_path("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    start(tmp_path("fifo"));
    char data[4096];
    memset(data, 'x', sizeof(data));
    uint64_t n = 0;
    while (stream_fd(stream) >= 0 && n < (1 << 20)) {
        say_bytes(data, sizeof(data));
        n += sizeof(data);
    }
    CU_ASSERT_EQUAL(stream_fd(stream), -1); /* reading pauses: nothing is lost yet */
    CU_ASSERT(stream_sink_fd(stream) >= 0);
    CU_ASSERT_EQUAL(counted(&process.counters[CHANNEL_STDOUT].bytes_dropped), 0);
    uint64_t give_up_ns = stream_deadline_ns(stream);
    CU_ASSERT(give_up_ns > clock_now_ns());
    stream_on_time(stream, give_up_ns); /* patience ends */
    CU_ASSERT(stream_fd(stream) >= 0);
    uint64_t lost = counted(&process.counters[CHANNEL_STDOUT].bytes_dropped);
    CU_ASSERT(lost > 0 && lost <= sizeof(data));
    say("dropped at once");
    CU_ASSERT(counters_are(n + 15, lost + 15));

    static char sink[1 << 20];
    size_t got = 0;
    for (ssize_t r; (r = read(reader, sink + got, sizeof(sink) - 1 - got)) > 0;)
        got += (size_t)r;
    stream_on_time(stream, clock_now_ns()); /* POLLOUT */
    say("fine");
    end();
    for (ssize_t r; (r = read(reader, sink + got, sizeof(sink) - 1 - got)) > 0;)
        got += (size_t)r;
    sink[got] = '\0';
    CU_ASSERT(strstr(sink, "\nsupervisor: ") && strstr(sink, "bytes of output were lost here"));
    CU_ASSERT_STRING_EQUAL(sink + got - 4, "fine");
    CU_ASSERT(counters_are(n + 19, lost + 15));
    (void)close(reader);
}

static void a_slow_reader_loses_nothing(void)
{
    fresh();
    CU_ASSERT_EQUAL(mkfifo(tmp_path("slow"), 0600), 0);
    int reader = open(tmp_path("slow"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    start(tmp_path("slow"));
    char data[4096];
    memset(data, 'x', sizeof(data));
    uint64_t n = 0;
    size_t got = 0;
    char sink[8192];
    for (unsigned i = 0; i < 400; i++) {
        if (stream_fd(stream) >= 0) {
            say_bytes(data, sizeof(data));
            n += sizeof(data);
        } else {
            ssize_t r = read(reader, sink, sizeof(sink));
            got += r > 0 ? (size_t)r : 0;
            stream_on_time(stream, clock_now_ns());
        }
    }
    while (stream_fd(stream) < 0) {
        ssize_t r = read(reader, sink, sizeof(sink));
        got += r > 0 ? (size_t)r : 0;
        stream_on_time(stream, clock_now_ns());
    }
    end();
    for (ssize_t r; (r = read(reader, sink, sizeof(sink))) > 0;)
        got += (size_t)r;
    CU_ASSERT_EQUAL(got, n);
    CU_ASSERT(counters_are(n, 0));
    (void)close(reader);
}

static void a_stopped_programs_file_can_be_cleared(void)
{
    fresh();
    start(tmp_path("out"));
    say("text\n");
    end();
    CU_ASSERT_EQUAL(stream_clear_path(tmp_path("out")), 0);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("out")), 0);
    CU_ASSERT_EQUAL(stream_clear_path(tmp_path("none")), 0);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("none")), -1);
    CU_ASSERT_EQUAL(stream_clear_path("/dev/null"), 0);
    CU_ASSERT_EQUAL(tmp_size("/dev/null"), 0);
}

static void rotation_on_request_keeps_the_limits_of_the_running(void)
{
    fresh();
    config.channel[CHANNEL_STDOUT].logfile_maxbytes = 10;
    config.channel[CHANNEL_STDOUT].logfile_backups = 2;
    start(tmp_path("out"));
    say("one\n");
    CU_ASSERT_EQUAL(stream_rotate(stream), 0);
    CU_ASSERT_EQUAL(stream_clear_path(tmp_path("out")), 0);
    say("two two two\nthree\n");
    end();
    CU_ASSERT(out_is("three\n"));
    CU_ASSERT(tmp_is(tmp_path("out.1"), "two two two\n"));
    CU_ASSERT(tmp_is(tmp_path("out.2"), "one\n"));
}

static void the_configs_wishes_for_the_file_are_passed_on(void)
{
    fresh();
    config.channel[CHANNEL_STDOUT].logfile_maxbytes = 10;
    config.channel[CHANNEL_STDOUT].logfile_backups = 2;
    config.channel[CHANNEL_STDOUT].compress = true;
    config.channel[CHANNEL_STDOUT].chmod = 0640;
    start(tmp_path("wishes"));
    struct stat st;
    CU_ASSERT(stat(tmp_path("wishes"), &st) == 0 && (st.st_mode & 0777) == 0640);
    say("more than ten bytes\n");
    for (unsigned i = 0; i < 1000 && tmp_size(tmp_path("wishes.1.gz")) < 1; i++)
        tmp_nap_ms(10);
    end();
    CU_ASSERT(tmp_size(tmp_path("wishes.1.gz")) > 0);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("wishes")), 0);

    fresh();
    config.channel[CHANNEL_STDOUT].rotate = LOGROTATE_HOURLY;
    config.channel[CHANNEL_STDOUT].logfile_backups = 2;
    start(tmp_path("hourly"));
    say("old\n");
    end();
    struct timespec past[2] = { { .tv_sec = time(NULL) - 7200 }, { .tv_sec = time(NULL) - 7200 } };
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, tmp_path("hourly"), past, 0), 0);
    start(tmp_path("hourly"));
    say("new\n");
    end();
    CU_ASSERT(tmp_is(tmp_path("hourly.1"), "old\n"));
    CU_ASSERT(tmp_is(tmp_path("hourly"), "new\n"));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(bytes_pass_untouched),
        UNIT_TEST(a_restart_appends),
        UNIT_TEST(without_log_file_output_is_read_all_the_same),
        UNIT_TEST(a_log_file_that_cannot_be_opened_is_a_spawn_error),
        UNIT_TEST(what_a_dead_program_left_is_read),
        UNIT_TEST(a_flood_is_stored_whole),
        UNIT_TEST(strip_ansi_follows_the_table),
        UNIT_TEST(a_captured_text_is_an_event_and_not_in_the_log),
        UNIT_TEST(tokens_may_be_split_anywhere),
        UNIT_TEST(only_what_may_begin_a_token_is_held_back),
        UNIT_TEST(a_capture_keeps_its_newest_bytes_exactly),
        UNIT_TEST(an_unfinished_capture_goes_to_the_log),
        UNIT_TEST(clearing_empties_the_capture_too),
        UNIT_TEST(each_read_is_an_event),
        UNIT_TEST(a_split_character_waits_for_its_rest),
        UNIT_TEST(captured_text_is_also_a_log_event),
        UNIT_TEST(a_listeners_stdout_is_protocol_only),
        UNIT_TEST(at_debug_the_daemons_log_shows_the_output),
        UNIT_TEST(syslog_gets_each_line_under_the_programs_name),
        UNIT_TEST(lines_get_what_the_format_says),
        UNIT_TEST(a_format_without_message_does_not_lose_it),
        UNIT_TEST(a_timestamp_stands_before_each_line),
        UNIT_TEST(an_unfinished_line_goes_out_after_a_pause),
        UNIT_TEST(a_line_without_end_becomes_several),
        UNIT_TEST(json_lines_hold_any_byte),
        UNIT_TEST(events_and_the_debug_echo_stay_as_they_were),
        UNIT_TEST(a_full_disk_is_counted_and_marked),
        UNIT_TEST(a_pipe_nobody_reads_pauses_then_drops),
        UNIT_TEST(a_slow_reader_loses_nothing),
        UNIT_TEST(a_stopped_programs_file_can_be_cleared),
        UNIT_TEST(rotation_on_request_keeps_the_limits_of_the_running),
        UNIT_TEST(the_configs_wishes_for_the_file_are_passed_on),
    };
    tmp_dir_make();
    struct log_config log = { .path = tmp_path("daemon"), .level = LOG_LEVEL_INFO };
    int status = log_open(&log) == 0 ? UNIT_RUN("stream", tests) : 2;
    tmp_dir_remove();
    return status;
}
