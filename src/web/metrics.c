/* SPDX-License-Identifier: MIT */
/* metrics.c: facts -> Prometheus text, or OpenMetrics where the scraper asks for it.
 *
 * A format in which all samples of one name stand together: the facts are copied once, then
 * each family is one pass over the copy. The node_supervisord_* names are those of the collector
 * that dashboards were made for.
 * Source: Prometheus exposition formats; OpenMetrics 1.0.
 */
#include "metrics.h"

#include "asked.h"
#include "events.h"
#include "reply.h"
#include "sampler.h"
#include "supervisor/core/clock.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"
#include "supervisor/core/process_table.h"
#include "supervisor/core/utf8.h"
#include "supervisor/version.h"
#include "supervisor/workers/crew.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#define NOT_READY_SHOWN 50

/* What the families need of one program. */
struct row {
    const struct process *process;
    char *labels; /* name="x",group="y" */
    enum process_state state;
    int64_t start_wall;
    int exit_status;
    uint64_t state_age_ns, restarts;
    unsigned n_exits;
    bool has_usage;
    struct usage usage;
};

struct page {
    struct buf out;
    bool is_open; /* OpenMetrics */
    struct row *rows;
    size_t n_rows;
};

void metrics_label(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    while (len) {
        int n = utf8_char_len(text, len);
        if (n <= 0)
            buf_puts(out, "\xef\xbf\xbd");
        else if (*text == '\n')
            buf_puts(out, "\\n");
        else if (*text == '"' || *text == '\\')
            buf_printf(out, "\\%c", *text);
        else
            buf_append(out, text, (size_t)n);
        n = n > 0 ? n : 1;
        text += n;
        len -= (size_t)n;
    }
}

/* The largest q of a media type in an Accept header; negative: it is not there. */
static double accept_quality(const char *accept, const char *type)
{
    double best = -1;
    for (const char *item = accept; *item;) {
        size_t len = strcspn(item, ",");
        const char *found = item + strspn(item, " \t");
        if (strncasecmp(found, type, strlen(type)) == 0) {
            const char *q = memmem(item, len, "q=", 2);
            double quality = q ? strtod(q + 2, NULL) : 1;
            best = quality > best ? quality : best;
        }
        item += len;
        item += *item == ',';
    }
    return best;
}

bool metrics_wants_openmetrics(const char *accept)
{
    if (!accept)
        return false;
    double open = accept_quality(accept, "application/openmetrics-text");
    return open > 0 && open >= accept_quality(accept, "text/plain");
}

/* ---- families ---- */

/* A counter is called NAME_total; what is said of it in OpenMetrics is said of NAME. */
static void family(struct page *page, const char *name, const char *type, const char *help)
{
    const char *suffix = strcmp(type, "counter") == 0 && !page->is_open ? "_total" : "";
    buf_printf(&page->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix,
               type);
}

static void gauge(struct page *page, const char *name, const char *help, double value)
{
    family(page, name, "gauge", help);
    buf_printf(&page->out, "%s %.15g\n", name, value);
}

static void counter(struct page *page, const char *name, const char *help, double value)
{
    family(page, name, "counter", help);
    buf_printf(&page->out, "%s_total %.15g\n", name, value);
}

/* One value of one program; false: it has none. */
typedef bool row_value(const struct row *row, double *ret_value);

static bool value_up(const struct row *row, double *ret)
{
    *ret = row->state == PROCESS_RUNNING;
    return true;
}

static bool value_state(const struct row *row, double *ret)
{
    *ret = (double)row->state;
    return true;
}

static bool value_exit_status(const struct row *row, double *ret)
{
    *ret = row->exit_status;
    return true;
}

static bool value_start_time(const struct row *row, double *ret)
{
    *ret = (double)row->start_wall;
    return row->start_wall > 0;
}

static bool value_state_age(const struct row *row, double *ret)
{
    *ret = (double)row->state_age_ns / 1e9;
    return true;
}

static bool value_restarts(const struct row *row, double *ret)
{
    *ret = (double)row->restarts;
    return true;
}

static bool value_exits(const struct row *row, double *ret)
{
    *ret = row->n_exits;
    return true;
}

static bool value_cpu(const struct row *row, double *ret)
{
    *ret = (double)row->usage.stat.cpu_ms / 1e3;
    return row->has_usage;
}

static bool value_rss(const struct row *row, double *ret)
{
    *ret = (double)row->usage.stat.rss_bytes;
    return row->has_usage;
}

static bool value_processes(const struct row *row, double *ret)
{
    *ret = row->usage.stat.processes;
    return row->has_usage;
}

static bool value_threads(const struct row *row, double *ret)
{
    *ret = row->usage.stat.threads;
    return row->has_usage;
}

static bool value_open_fds(const struct row *row, double *ret)
{
    *ret = row->usage.open_fds;
    return row->has_usage && row->usage.open_fds >= 0;
}

static const struct {
    const char *name, *type, *help;
    row_value *value;
} row_families[] = {
    { "node_supervisord_up", "gauge", "Is the program RUNNING?", value_up },
    { "node_supervisord_state", "gauge",
      "State: 0 STOPPED, 10 STARTING, 20 RUNNING, 30 BACKOFF, 40 STOPPING, 100 EXITED, 200 FATAL, "
      "1000 UNKNOWN.",
      value_state },
    { "node_supervisord_exit_status", "gauge", "Last exit status, -1 if a signal ended it.",
      value_exit_status },
    { "node_supervisord_start_time_seconds", "gauge", "When it was last started.",
      value_start_time },
    { "supervisord_process_state_seconds", "gauge", "Time since it entered its state.",
      value_state_age },
    { "supervisord_process_restarts", "counter", "Restarts that nobody asked for.",
      value_restarts },
    { "supervisord_process_exits", "counter", "Ends of the program, for whatever reason.",
      value_exits },
    { "supervisord_process_cpu_seconds", "counter",
      "CPU time of the running program and its descendants.", value_cpu },
    { "supervisord_process_resident_memory_bytes", "gauge",
      "Resident memory of the program and its descendants.", value_rss },
    { "supervisord_process_processes", "gauge", "The program and its living descendants.",
      value_processes },
    { "supervisord_process_threads", "gauge", "Threads of the program and its descendants.",
      value_threads },
    { "supervisord_process_open_fds", "gauge", "Descriptors that the program itself has open.",
      value_open_fds },
};

static void append_number(struct buf *out, double value)
{
    /* Most are whole: cheaper to write, and no digit of a byte count is lost. */
    if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value)
        buf_printf(out, " %" PRId64 "\n", (int64_t)value);
    else
        buf_printf(out, " %.3f\n", value);
}

static void append_sample(struct page *page, const char *name, const char *suffix,
                          const struct row *row, double value)
{
    struct buf *out = &page->out;
    buf_puts(out, name);
    buf_puts(out, suffix);
    buf_putc(out, '{');
    buf_puts(out, row->labels);
    buf_putc(out, '}');
    append_number(out, value);
}

static void append_row_families(struct page *page)
{
    for (size_t f = 0; f < sizeof(row_families) / sizeof(row_families[0]); f++) {
        const char *name = row_families[f].name;
        const char *suffix = strcmp(row_families[f].type, "counter") == 0 ? "_total" : "";
        family(page, name, row_families[f].type, row_families[f].help);
        for (size_t i = 0; i < page->n_rows; i++) {
            double value;
            if (row_families[f].value(&page->rows[i], &value))
                append_sample(page, name, suffix, &page->rows[i], value);
        }
    }
}

static void append_log_family(struct page *page, const char *name, const char *help,
                              uint64_t (*count)(const struct channel_counters *))
{
    family(page, name, "counter", help);
    for (size_t i = 0; i < page->n_rows; i++) {
        const struct row *row = &page->rows[i];
        for (enum channel c = CHANNEL_STDOUT; c < CHANNELS; c++) {
            if (c == CHANNEL_STDERR && row->process->config->redirect_stderr)
                continue;
            buf_printf(&page->out, "%s_total{%s,stream=\"%s\"} %" PRIu64 "\n", name, row->labels,
                       channel_name(c), count(&row->process->counters[c]));
        }
    }
}

static uint64_t count_read(const struct channel_counters *counters)
{
    return atomic_load(&counters->bytes_read);
}

static uint64_t count_stored(const struct channel_counters *counters)
{
    return atomic_load(&counters->bytes_stored);
}

static uint64_t count_dropped(const struct channel_counters *counters)
{
    return atomic_load(&counters->bytes_dropped);
}

static void append_log_families(struct page *page)
{
    append_log_family(page, "supervisord_process_log_read_bytes", "Output read from the program.",
                      count_read);
    append_log_family(page, "supervisord_process_log_stored_bytes",
                      "Output stored in the program's log file.", count_stored);
    append_log_family(page, "supervisord_process_log_dropped_bytes",
                      "Output that could not be stored.", count_dropped);
}

/* ---- pools of event listeners ---- */

static double pool_queued(const struct event_pool_stats *s)
{
    return (double)s->queued;
}
static double pool_queued_bytes(const struct event_pool_stats *s)
{
    return (double)s->queued_bytes;
}
static double pool_published(const struct event_pool_stats *s)
{
    return (double)s->published;
}
static double pool_delivered(const struct event_pool_stats *s)
{
    return (double)s->delivered;
}
static double pool_discarded(const struct event_pool_stats *s)
{
    return (double)s->discarded;
}

static void append_pool_families(struct page *page)
{
    static const struct {
        const char *name, *type, *help;
        double (*value)(const struct event_pool_stats *stats);
    } families[] = {
        { "supervisord_event_queue_length", "gauge", "Events that wait for a listener.",
          pool_queued },
        { "supervisord_event_queue_bytes", "gauge", "Their bytes.", pool_queued_bytes },
        { "supervisord_events_published", "counter", "Events queued for the listeners.",
          pool_published },
        { "supervisord_events_delivered", "counter", "Events that listeners processed.",
          pool_delivered },
        { "supervisord_events_discarded", "counter", "Events lost to a full queue.",
          pool_discarded },
    };
    for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
        bool is_counter = strcmp(families[f].type, "counter") == 0;
        family(page, families[f].name, families[f].type, families[f].help);
        for (size_t i = 0; i < process_table.n_groups; i++) {
            const struct group *group = process_table.groups[i];
            struct event_pool_stats stats;
            if (!group->pool)
                continue;
            event_pool_stats(group->pool, &stats);
            buf_printf(&page->out, "%s%s{group=\"", families[f].name, is_counter ? "_total" : "");
            metrics_label(&page->out, group->config->name);
            buf_printf(&page->out, "\"} %.15g\n", families[f].value(&stats));
        }
    }
}

/* ---- the daemon ---- */

static void append_state_counts(struct page *page)
{
    static const enum process_state states[] = {
#define X(name, code) PROCESS_##name,
        PROCESS_STATES(X)
#undef X
    };
    family(page, "supervisord_processes", "gauge", "Programs by state.");
    for (size_t s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
        unsigned n = 0;
        for (size_t i = 0; i < page->n_rows; i++)
            n += page->rows[i].state == states[s];
        buf_printf(&page->out, "supervisord_processes{state=\"%s\"} %u\n",
                   process_state_name(states[s]), n);
    }
}

static void append_own_usage(struct page *page)
{
    struct rusage usage;
    struct rlimit limit;
    struct procstat_line line;
    int open_fds = procstat_open_fds(getpid());

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        counter(page, "supervisord_cpu_seconds", "CPU time of the daemon itself.",
                (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                    ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6);
    if (procstat_own_line(&line) == 0)
        gauge(page, "supervisord_resident_memory_bytes", "Resident memory of the daemon itself.",
              (double)line.rss_pages * (double)sysconf(_SC_PAGESIZE));
    if (open_fds >= 0)
        gauge(page, "supervisord_open_fds", "Descriptors the daemon has open.", open_fds);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        gauge(page, "supervisord_max_fds", "Descriptors the daemon may have open.",
              (double)limit.rlim_cur);
    }
}

/* Waiting calls count with the time they waited, so this tells more of them than of us above 1 s.
 */
static void append_latency(struct page *page, const struct http_stats *stats)
{
    static const char name[] = "supervisord_http_answer_seconds";
    static const char *const limits[HTTP_LATENCIES] = { "0.001", "0.01", "0.1", "1.0", "10.0" };
    family(page, name, "histogram", "From the arrival of a request to its answer.");
    for (size_t i = 0; i < HTTP_LATENCIES; i++)
        buf_printf(&page->out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, limits[i],
                   stats->answered_within[i]);
    buf_printf(&page->out,
               "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.6f\n%s_count %" PRIu64 "\n", name,
               stats->answers, name, (double)stats->answer_ns / 1e9, name, stats->answers);
}

static void append_http(struct page *page)
{
    struct http_stats stats;
    http_stats(&stats);
    gauge(page, "supervisord_http_connections", "Open connections.", stats.connections);
    gauge(page, "supervisord_http_streams", "Open connections that follow a log or events.",
          stats.streams);
    counter(page, "supervisord_http_requests", "Requests, of methods and pages.",
            (double)stats.requests);
    counter(page, "supervisord_http_unauthorized", "Requests without the right credentials.",
            (double)stats.unauthorized);
    counter(page, "supervisord_http_refused", "Connections closed to make room.",
            (double)stats.refused);
    append_latency(page, &stats);
}

static void append_daemon(struct page *page)
{
    family(page, "supervisord_build_info", "gauge", "The daemon's version.");
    buf_printf(&page->out, "supervisord_build_info{version=\"%s\",release=\"%s\"} 1\n",
               SUPERVISOR_VERSION, SUPERVISOR_C_VERSION);
    gauge(page, "supervisord_state", "1 RUNNING, 0 RESTARTING, -1 SHUTDOWN, 2 FATAL.", crew_mood());
    append_state_counts(page);
    gauge(page, "supervisord_workers", "Threads that look after programs.", crew_workers());
    append_own_usage(page);
    append_http(page);
    gauge(page, "supervisord_event_streams", "Dashboards and others that follow what changes.",
          events_streams());
    counter(page, "supervisord_event_streams_lagged", "Of these, ended because they were too slow.",
            (double)events_lagged());
    counter(page, "supervisord_log_dropped_lines", "Lines of the daemon's log that were lost.",
            (double)log_dropped());
}

/* ---- the page ---- */

static int row_fill(struct row *row, struct process *p, uint64_t now_ns)
{
    struct process_facts facts;
    struct buf labels = BUF_INIT;

    process_facts(p, &facts);
    buf_puts(&labels, "name=\"");
    metrics_label(&labels, p->config->name);
    buf_puts(&labels, "\",group=\"");
    metrics_label(&labels, p->group_config->name);
    buf_putc(&labels, '"');
    if (labels.error)
        return labels.error;
    *row = (struct row){
        .process = p,
        .labels = labels.data,
        .state = facts.state,
        .start_wall = facts.start_wall,
        .exit_status = facts.exit_status,
        .state_age_ns = now_ns > facts.state_ns ? now_ns - facts.state_ns : 0,
        .restarts = facts.restarts,
        .n_exits = facts.n_exits,
    };
    row->has_usage = facts.pid > 0 && sampler_usage(facts.pid, &row->usage);
    return 0;
}

static int page_read(struct page *page)
{
    size_t n;
    struct process **processes = process_table_sorted(&n);
    uint64_t now_ns = clock_now_ns();
    page->rows = calloc(n + 1, sizeof(*page->rows));
    if (!page->rows)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (row_fill(&page->rows[i], processes[i], now_ns) < 0)
            return -1;
        page->n_rows++;
    }
    return 0;
}

static void answer_metrics(struct http_request *request)
{
    struct page page = { .is_open =
                             metrics_wants_openmetrics(http_request_header(request, "Accept")) };

    if (page_read(&page) == 0) {
        append_row_families(&page);
        append_log_families(&page);
        append_pool_families(&page);
        append_daemon(&page);
        if (page.is_open)
            buf_puts(&page.out, "# EOF\n");
        http_reply_buf(request, 200,
                       page.is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                    : "text/plain; version=0.0.4; charset=utf-8",
                       &page.out);
    } else {
        http_reply_error(request, 500);
    }
    for (size_t i = 0; i < page.n_rows; i++)
        free(page.rows[i].labels);
    free(page.rows);
}

void metrics_handle(struct http_request *request, void *arg)
{
    (void)arg;
    answer_when_sampled(request, answer_metrics);
}

/* ---- is it well? ---- */

void metrics_handle_health(struct http_request *request, void *arg)
{
    (void)arg;
    http_reply_static(request, 200, "text/plain", "OK\n", 3);
}

static bool is_ready(struct process *p, struct process_facts *facts)
{
    process_facts(p, facts);
    if (!p->config->autostart || facts->state == PROCESS_RUNNING)
        return true;
    if (facts->state != PROCESS_EXITED || !facts->n_exits)
        return false;
    return facts->exits[(facts->n_exits - 1) % PROCESS_EXITS_KEPT].expected;
}

void metrics_handle_ready(struct http_request *request, void *arg)
{
    size_t n, n_not = 0;
    struct process **processes = process_table_sorted(&n);
    struct buf out = BUF_INIT;

    (void)arg;
    if (crew_mood() != DAEMON_RUNNING)
        buf_printf(&out, "supervisord is in state %s\n", daemon_mood_name(crew_mood()));
    for (size_t i = 0; i < n; i++) {
        struct process_facts facts;
        if (is_ready(processes[i], &facts))
            continue;
        if (n_not++ < NOT_READY_SHOWN)
            buf_printf(&out, "%s is %s\n", processes[i]->display_name,
                       process_state_name(facts.state));
    }
    if (n_not > NOT_READY_SHOWN)
        buf_printf(&out, "and %zu more\n", n_not - NOT_READY_SHOWN);
    bool ready = out.len == 0;
    if (ready)
        buf_puts(&out, "OK\n");
    http_reply_buf(request, ready ? 200 : 503, "text/plain;charset=utf-8", &out);
}
