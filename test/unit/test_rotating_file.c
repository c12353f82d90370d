/* SPDX-License-Identifier: MIT */
/* test_rotating_file.c: what is appended is in the files, in order, whatever happens to them. */
#include "../../src/core/rotation_time.h"
#include "supervisor/core/rotating_file.h"
#include "tmp_dir.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <zlib.h>

#define LINE 100

static struct rotating_file *open_file(const char *name, uint64_t max_bytes, unsigned backups)
{
    struct rotating_file_config config = { .path = tmp_path(name),
                                           .max_bytes = max_bytes,
                                           .backups = backups };
    struct rotating_file *file = NULL;
    CU_ASSERT_EQUAL(rotating_file_open(&config, &file), 0);
    return file;
}

static void append(struct rotating_file *file, const char *data, size_t len)
{
    size_t stored = 0;
    CU_ASSERT_EQUAL(rotating_file_append(file, data, len, &stored), 0);
    CU_ASSERT_EQUAL(stored, len);
}

static void append_text(struct rotating_file *file, const char *text)
{
    append(file, text, strlen(text));
}

/* Line number n: 100 bytes with the newline. */
static void make_line(char line[LINE + 1], unsigned n)
{
    (void)snprintf(line, LINE + 1, "%099u\n", n);
}

static void append_lines(struct rotating_file *file, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char line[LINE + 1];
        make_line(line, i);
        append(file, line, LINE);
    }
}

/* Does the file hold exactly the lines from..to-1? */
static bool has_lines(const char *name, unsigned from, unsigned to)
{
    size_t len = 0;
    char *data = tmp_read(tmp_path(name), &len);
    bool right = data && len == (size_t)(to - from) * LINE;
    for (unsigned i = from; right && i < to; i++) {
        char line[LINE + 1];
        make_line(line, i);
        right = memcmp(data + (i - from) * LINE, line, LINE) == 0;
    }
    free(data);
    return right;
}

/* FILE.n ... FILE.1 FILE as one text, to free(). */
static char *joined(const char *name, unsigned backups, size_t *ret_len)
{
    char *all = NULL;
    size_t len = 0;
    for (unsigned i = backups + 1; i-- > 0;) {
        char file[64];
        (void)snprintf(file, sizeof(file), i ? "%s.%u" : "%s", name, i);
        size_t n;
        char *data = tmp_read(tmp_path(file), &n);
        if (!data)
            continue;
        all = realloc(all, len + n + 1);
        memcpy(all + len, data, n + 1);
        len += n;
        free(data);
    }
    *ret_len = len;
    return all;
}

static void sixty_lines_leave_three_full_backups(void)
{
    struct rotating_file *file = open_file("table", 1000, 3);
    append_lines(file, 0, 60);
    rotating_file_close(file);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("table")), 0);
    CU_ASSERT(has_lines("table.1", 50, 60));
    CU_ASSERT(has_lines("table.2", 40, 50));
    CU_ASSERT(has_lines("table.3", 30, 40));
    CU_ASSERT_EQUAL(tmp_size(tmp_path("table.4")), -1);
}

static void without_backups_the_file_is_emptied(void)
{
    struct rotating_file *file = open_file("zero", 1000, 0);
    append_lines(file, 0, 23);
    rotating_file_close(file);
    CU_ASSERT(has_lines("zero", 20, 23));
    CU_ASSERT_EQUAL(tmp_size(tmp_path("zero.1")), -1);
}

static void one_big_write_rotates_like_its_lines(void)
{
    struct rotating_file *file = open_file("big", 1000, 3);
    char data[60 * LINE];
    for (unsigned i = 0; i < 60; i++) {
        char line[LINE + 1];
        make_line(line, i);
        memcpy(data + i * LINE, line, LINE);
    }
    append(file, data, sizeof(data));
    rotating_file_close(file);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("big")), 0);
    CU_ASSERT(has_lines("big.1", 50, 60));
    CU_ASSERT(has_lines("big.3", 30, 40));
}

static void a_line_that_reaches_the_limit_is_not_cut(void)
{
    struct rotating_file *file = open_file("cut", 10, 5);
    append_text(file, "12345678");
    append_text(file, "9 is still ");
    append_text(file, "line one\nline two\n");
    rotating_file_close(file);
    CU_ASSERT(tmp_is(tmp_path("cut.1"), "123456789 is still line one\n"));
    CU_ASSERT(tmp_is(tmp_path("cut"), "line two\n"));
}

static void a_line_without_end_is_cut_within_the_slack(void)
{
    struct rotating_file *file = open_file("endless", 1000, 100);
    static char data[200000];
    memset(data, 'x', sizeof(data));
    append(file, data, sizeof(data));
    rotating_file_close(file);
    size_t len = 0;
    char *all = joined("endless", 100, &len);
    CU_ASSERT_EQUAL(len, sizeof(data));
    free(all);
    for (unsigned i = 1; i < 40; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "endless.%u", i);
        CU_ASSERT(tmp_size(tmp_path(name)) <= 1000 + 4096);
    }
}

static void random_chunks_lose_no_byte(void)
{
    struct rotating_file *file = open_file("random", 5000, 1000);
    unsigned seed = 12345;
    char chunk[3000];
    unsigned n = 0;
    size_t total = 0;
    for (unsigned i = 0; i < 800; i++) {
        size_t len = 0;
        while (len < (size_t)(rand_r(&seed) % 2500))
            len += (size_t)snprintf(chunk + len, sizeof(chunk) - len, "%u%s", n++,
                                    rand_r(&seed) % 8 ? " " : "\n");
        append(file, chunk, len);
        total += len;
    }
    rotating_file_close(file);
    size_t len = 0;
    char *all = joined("random", 1000, &len);
    CU_ASSERT_EQUAL(len, total);
    const char *at = all;
    for (unsigned i = 0; i < n; i++) {
        char *end;
        CU_ASSERT_EQUAL(strtoul(at, &end, 10), i);
        at = end + 1;
    }
    free(all);
}

static void a_file_over_the_limit_takes_one_more_line(void)
{
    struct rotating_file *file = open_file("over", 0, 2);
    append_lines(file, 0, 20);
    rotating_file_close(file);
    file = open_file("over", 1000, 2);
    append_lines(file, 20, 22);
    rotating_file_close(file);
    CU_ASSERT(has_lines("over.1", 0, 21));
    CU_ASSERT(has_lines("over", 21, 22));
}

static void a_failed_step_is_resumed_not_repeated(void)
{
    struct rotating_file *file = open_file("steps", 100, 3);
    append_lines(file, 0, 2); /* two rotations: .1 holds 1, .2 holds 0 */
    CU_ASSERT(has_lines("steps.2", 0, 1));
    CU_ASSERT_EQUAL(mkdir(tmp_path("steps.3"), 0755), 0); /* .2 cannot become .3 */
    append_lines(file, 2, 6);
    CU_ASSERT_NOT_EQUAL(rotating_file_rotate_error(file), 0);
    CU_ASSERT(has_lines("steps", 2, 6)); /* nothing lost meanwhile */
    CU_ASSERT(has_lines("steps.1", 1, 2));
    CU_ASSERT(has_lines("steps.2", 0, 1));
    CU_ASSERT_EQUAL(rmdir(tmp_path("steps.3")), 0);
    CU_ASSERT_EQUAL(rotating_file_rotate(file), 0);
    CU_ASSERT_EQUAL(rotating_file_rotate_error(file), 0);
    append_lines(file, 6, 7);
    rotating_file_close(file);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("steps")), 0);
    CU_ASSERT(has_lines("steps.1", 6, 7));
    CU_ASSERT(has_lines("steps.2", 2, 6));
    CU_ASSERT(has_lines("steps.3", 1, 2));
}

static void without_a_descriptor_the_old_file_goes_on(void)
{
    struct rotating_file *file = open_file("nofd", 200, 2);
    append_lines(file, 0, 1);
    struct rlimit old;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit none = { .rlim_cur = 3, .rlim_max = old.rlim_max };
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
    append_lines(file, 1, 3);
    CU_ASSERT_EQUAL(rotating_file_rotate_error(file), -EMFILE);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
    CU_ASSERT(has_lines("nofd.1", 0, 3));
    CU_ASSERT_EQUAL(rotating_file_rotate(file), 0);
    append_lines(file, 3, 4);
    rotating_file_close(file);
    CU_ASSERT(has_lines("nofd.1", 0, 3));
    CU_ASSERT(has_lines("nofd", 3, 4));
}

static void a_full_disk_tells_what_was_stored(void)
{
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rotating_file *file = open_file("full", 0, 0);
    struct rlimit old;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit small = { .rlim_cur = 250, .rlim_max = old.rlim_max };
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    char data[400];
    memset(data, 'x', sizeof(data));
    size_t stored;
    CU_ASSERT_EQUAL(rotating_file_append(file, data, sizeof(data), &stored), -EFBIG);
    CU_ASSERT_EQUAL(stored, 250);
    CU_ASSERT_EQUAL(rotating_file_append(file, data, sizeof(data), &stored), -EFBIG);
    CU_ASSERT_EQUAL(stored, 0);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &old), 0);
    append(file, data, sizeof(data));
    rotating_file_close(file);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("full")), 650);
    (void)signal(SIGXFSZ, before);

    struct rotating_file_config config = { .path = "/dev/full", .max_bytes = 10, .backups = 1 };
    CU_ASSERT_EQUAL(rotating_file_open(&config, &file), 0);
    CU_ASSERT_EQUAL(rotating_file_append(file, data, sizeof(data), &stored), -ENOSPC);
    CU_ASSERT_EQUAL(stored, 0);
    CU_ASSERT_EQUAL(rotating_file_clear(file), 0);
    rotating_file_close(file);
    CU_ASSERT_EQUAL(access("/dev/full", F_OK), 0);
}

static void sharers_rotate_once(void)
{
    struct rotating_file *one = open_file("shared", 1000, 3);
    CU_ASSERT_EQUAL(symlink(tmp_dir, tmp_path("other")), 0);
    struct rotating_file *two = open_file("other/shared", 1000, 3);
    CU_ASSERT_PTR_EQUAL(one, two);
    append_lines(one, 0, 9);
    append_lines(two, 9, 11);
    struct rotating_file *three = open_file("shared", 1000, 3); /* after the rename */
    CU_ASSERT_PTR_EQUAL(one, three);
    rotating_file_close(one);
    append_lines(two, 11, 12);
    rotating_file_close(two);
    rotating_file_close(three);
    CU_ASSERT(has_lines("shared.1", 0, 10));
    CU_ASSERT(has_lines("shared", 10, 12));
    CU_ASSERT_EQUAL(unlink(tmp_path("other")), 0);
}

static void a_sharer_of_a_removed_file_gets_a_file_with_a_name(void)
{
    struct rotating_file *one = open_file("removed", 0, 0);
    append_text(one, "old\n");
    CU_ASSERT_EQUAL(unlink(tmp_path("removed")), 0);
    struct rotating_file *two = open_file("removed", 0, 0); /* a restart of the daemon, say */
    CU_ASSERT_PTR_EQUAL(one, two);
    append_text(two, "new\n");
    rotating_file_close(one);
    rotating_file_close(two);
    CU_ASSERT(tmp_is(tmp_path("removed"), "new\n"));
}

static void a_file_moved_away_is_left_alone(void)
{
    struct rotating_file *file = open_file("moved", 0, 0);
    append_text(file, "old\n");
    CU_ASSERT_FALSE(rotating_file_was_moved(file));
    CU_ASSERT_EQUAL(rename(tmp_path("moved"), tmp_path("moved.old")), 0);
    CU_ASSERT(rotating_file_was_moved(file));
    unsigned n = 0; /* until the append looks at the name again */
    while (tmp_size(tmp_path("moved")) < 4 && n++ < 1000) {
        append_text(file, "new\n");
        tmp_nap_ms(10);
    }
    CU_ASSERT_FALSE(rotating_file_was_moved(file));
    rotating_file_close(file);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("moved")) + tmp_size(tmp_path("moved.old")), 4 + 4 * (long)n);
}

static void a_directory_that_comes_back_gets_its_file_back(void)
{
    CU_ASSERT_EQUAL(mkdir(tmp_path("gone"), 0755), 0);
    struct rotating_file *file = open_file("gone/log", 0, 0);
    append_text(file, "one\n");
    tmp_dir_remove_tree(tmp_path("gone"));
    size_t stored;
    int error = 0;
    for (unsigned n = 0; !error && n < 1000; n++) {
        error = rotating_file_append(file, "lost\n", 5, &stored);
        tmp_nap_ms(10);
    }
    CU_ASSERT_EQUAL(error, -ENOENT);
    CU_ASSERT_EQUAL(stored, 0);
    CU_ASSERT_EQUAL(mkdir(tmp_path("gone"), 0755), 0);
    append_text(file, "two\n");
    rotating_file_close(file);
    CU_ASSERT(tmp_is(tmp_path("gone/log"), "two\n"));
}

static void truncated_by_somebody_else_it_goes_on_without_a_hole(void)
{
    struct rotating_file *file = open_file("trunc", 1000, 2);
    append_lines(file, 0, 10); /* rotates: append mode must survive it */
    append_lines(file, 10, 19);
    CU_ASSERT_EQUAL(truncate(tmp_path("trunc"), 0), 0);
    append_lines(file, 19, 21);
    rotating_file_close(file);
    CU_ASSERT(has_lines("trunc", 19, 21));
    CU_ASSERT(has_lines("trunc.1", 0, 10));
}

static void clearing_keeps_readers_of_the_old_file(void)
{
    struct rotating_file *file = open_file("clear", 0, 0);
    append_text(file, "old\n");
    int reader = open(tmp_path("clear"), O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(rotating_file_clear(file), 0);
    append_text(file, "new\n");
    char text[8];
    CU_ASSERT_EQUAL(read(reader, text, sizeof(text)), 4);
    CU_ASSERT_EQUAL(memcmp(text, "old\n", 4), 0);
    (void)close(reader);
    rotating_file_close(file);
    CU_ASSERT(tmp_is(tmp_path("clear"), "new\n"));
}

static void reopening_follows_the_name(void)
{
    struct rotating_file *file = open_file("reopen", 0, 0);
    append_text(file, "one\n");
    CU_ASSERT_EQUAL(rename(tmp_path("reopen"), tmp_path("reopen.x")), 0);
    append_text(file, "two\n");
    CU_ASSERT_EQUAL(rotating_file_reopen(file), 0);
    append_text(file, "three\n");
    rotating_file_close(file);
    CU_ASSERT(tmp_is(tmp_path("reopen.x"), "one\ntwo\n"));
    CU_ASSERT(tmp_is(tmp_path("reopen"), "three\n"));
}

static void a_full_pipe_says_so_and_is_never_rotated(void)
{
    CU_ASSERT_EQUAL(mkfifo(tmp_path("fifo"), 0600), 0);
    struct rotating_file *file = open_file("fifo", 10, 1); /* nobody reads: must not wait */
    static char data[1 << 20];
    memset(data, 'x', sizeof(data));
    size_t stored;
    CU_ASSERT_EQUAL(rotating_file_append(file, data, sizeof(data), &stored), -EAGAIN);
    CU_ASSERT(stored > 0 && stored < sizeof(data));
    CU_ASSERT(rotating_file_fd(file) >= 0);
    CU_ASSERT_EQUAL(rotating_file_clear(file), 0);
    CU_ASSERT_EQUAL(rotating_file_rotate(file), 0);
    rotating_file_close(file);
    struct stat st;
    CU_ASSERT(stat(tmp_path("fifo"), &st) == 0 && S_ISFIFO(st.st_mode));
}

/* /dev/stdout is a name for somebody else's file, even where that is a regular one. */
static void a_borrowed_descriptor_is_not_renamed(void)
{
    int saved = dup(STDOUT_FILENO);
    int out = open(tmp_path("stdout"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT(saved >= 0 && out >= 0 && dup2(out, STDOUT_FILENO) >= 0);
    CU_ASSERT_EQUAL(symlink("/dev/stdout", tmp_path("link")), 0);
    struct rotating_file *file = open_file("link", 10, 2);
    append_text(file, "more than ten bytes\nand more\n");
    CU_ASSERT_FALSE(rotating_file_is_regular(file));
    rotating_file_close(file);
    CU_ASSERT(dup2(saved, STDOUT_FILENO) >= 0);
    (void)close(saved);
    (void)close(out);
    CU_ASSERT(tmp_is(tmp_path("stdout"), "more than ten bytes\nand more\n"));
    CU_ASSERT_EQUAL(tmp_size(tmp_path("link.1")), -1);
}

static void a_socket_behind_dev_stdout_takes_bytes(void)
{
    int ends[2];
    CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    int saved = dup(STDOUT_FILENO);
    CU_ASSERT(dup2(ends[0], STDOUT_FILENO) >= 0);
    struct rotating_file_config config = { .path = "/dev/stdout", .max_bytes = 10, .backups = 1 };
    struct rotating_file *file = NULL;
    int error = rotating_file_open(&config, &file);
    static char data[1 << 22];
    size_t stored = 0;
    int full = error ? error : rotating_file_append(file, data, sizeof(data), &stored);
    CU_ASSERT(dup2(saved, STDOUT_FILENO) >= 0);
    CU_ASSERT_EQUAL(error, 0);
    CU_ASSERT_EQUAL(full, -EAGAIN);
    CU_ASSERT(stored > 0);
    rotating_file_close(file);
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* ---- by the clock, compressed, too old, owned ---- */

static time_t local(int year, int month, int day, int hour, int minute)
{
    struct tm tm = { .tm_year = year - 1900,
                     .tm_mon = month - 1,
                     .tm_mday = day,
                     .tm_hour = hour,
                     .tm_min = minute,
                     .tm_isdst = -1 };
    return mktime(&tm);
}

static void the_clock_wants_a_new_file_at_full_hours_and_days(void)
{
    (void)setenv("TZ", "Europe/Berlin", 1);
    tzset();
    time_t noon = local(2026, 11, 25, 12, 30); /* a Wednesday */
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_NONE, 0, noon), 0);
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_HOURLY, 0, noon), local(2026, 11, 25, 13, 0));
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_HOURLY, 0, local(2026, 11, 25, 13, 0)),
                    local(2026, 11, 25, 14, 0));
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_DAILY, 0, noon), local(2026, 11, 26, 0, 0));
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_DAILY, 12 * 60 + 31, noon),
                    local(2026, 11, 25, 12, 31));
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_DAILY, 12 * 60 + 30, noon),
                    local(2026, 11, 26, 12, 30));
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_DAILY, 0, local(2026, 12, 31, 23, 59)),
                    local(2027, 1, 1, 0, 0));
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_WEEKLY, 0, noon), local(2026, 11, 30, 0, 0));
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_WEEKLY, 0, local(2026, 11, 29, 1, 0)),
                    local(2026, 11, 30, 0, 0));
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_WEEKLY, 0, local(2026, 11, 30, 0, 0)),
                    local(2026, 12, 7, 0, 0));
    /* The night of 25 hours: the hour after 02:xx summer time is 02:00 winter time. */
    time_t fall = local(2026, 10, 25, 1, 30) + 3600;
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_HOURLY, 0, fall), fall + 1800);
    CU_ASSERT_EQUAL(rotation_time_next(LOGROTATE_DAILY, 0, fall), local(2026, 10, 26, 0, 0));
    /* 02:30 does not exist on the night of 23 hours: some time then, and not never. */
    time_t spring = local(2026, 3, 29, 0, 0);
    time_t next = rotation_time_next(LOGROTATE_DAILY, 150, spring);
    CU_ASSERT(next > spring && next <= local(2026, 3, 29, 4, 0));
}

static struct rotating_file *open_with(const char *name, struct rotating_file_config config)
{
    config.path = tmp_path(name);
    struct rotating_file *file = NULL;
    CU_ASSERT_EQUAL(rotating_file_open(&config, &file), 0);
    return file;
}

static void age(const char *name, time_t secs)
{
    struct timespec times[2] = { { .tv_sec = time(NULL) - secs }, { .tv_sec = time(NULL) - secs } };
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, tmp_path(name), times, 0), 0);
}

static void yesterdays_file_starts_anew_with_the_first_bytes(void)
{
    struct rotating_file_config daily = { .backups = 3, .rotate_period = LOGROTATE_DAILY };
    struct rotating_file *file = open_with("daily", daily);
    append_text(file, "yesterday\n");
    rotating_file_close(file);
    age("daily", 25 * 3600);
    file = open_with("daily", daily);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("daily.1")), -1);
    append_text(file, "today\n");
    append_text(file, "today\n");
    rotating_file_close(file);
    CU_ASSERT(tmp_is(tmp_path("daily.1"), "yesterday\n"));
    CU_ASSERT(tmp_is(tmp_path("daily"), "today\ntoday\n"));
    CU_ASSERT_EQUAL(tmp_size(tmp_path("daily.2")), -1);
}

static bool wait_for_size(const char *name, long size)
{
    for (unsigned i = 0; i < 1000; i++) {
        long now = tmp_size(tmp_path(name));
        if (size < 0 ? now < 0 : now >= size)
            return true;
        tmp_nap_ms(10);
    }
    return false;
}

static bool unpacks_to_lines(const char *name, unsigned from, unsigned to)
{
    gzFile f = gzopen(tmp_path(name), "rbe");
    bool right = f != NULL;
    for (unsigned i = from; right && i < to; i++) {
        char line[LINE + 1];
        char found[LINE + 1] = "";
        make_line(line, i);
        right = gzread(f, found, LINE) == LINE && strcmp(line, found) == 0;
    }
    char more;
    right = right && gzread(f, &more, 1) == 0;
    if (f)
        (void)gzclose(f);
    return right;
}

static void rotated_files_are_compressed_behind_the_writers_back(void)
{
    struct rotating_file_config config = { .max_bytes = 1000, .backups = 3, .compress = true };
    struct rotating_file *file = open_with("pack", config);
    for (unsigned round = 0; round < 5; round++) {
        append_lines(file, round * 10, round * 10 + 10);
        CU_ASSERT(wait_for_size("pack.1", -1) && wait_for_size("pack.1.gz", 1));
    }
    append_lines(file, 50, 53);
    rotating_file_close(file);
    CU_ASSERT(has_lines("pack", 50, 53));
    CU_ASSERT(unpacks_to_lines("pack.1.gz", 40, 50));
    CU_ASSERT(unpacks_to_lines("pack.2.gz", 30, 40));
    CU_ASSERT(unpacks_to_lines("pack.3.gz", 20, 30));
    CU_ASSERT_EQUAL(tmp_size(tmp_path("pack.4.gz")), -1);
    CU_ASSERT(wait_for_size("pack.packed", -1));
    CU_ASSERT_EQUAL(tmp_size(tmp_path("pack.gz.new")), -1);
}

/* Rotations overtake the compression: whatever has which form then, every line is there once. */
static void compressing_and_rotating_at_once_lose_no_line(void)
{
    struct rotating_file_config config = { .max_bytes = 50000, .backups = 100, .compress = true };
    struct rotating_file *file = open_with("race", config);
    append_lines(file, 0, 20000);
    rotating_file_close(file);
    unsigned n = 0;
    for (unsigned i = 1; i <= 40; i++) {
        char plain[32];
        char packed[32];
        (void)snprintf(plain, sizeof(plain), "race.%u", i);
        (void)snprintf(packed, sizeof(packed), "race.%u.gz", i);
        CU_ASSERT(wait_for_size(packed, 1));
        CU_ASSERT(wait_for_size(plain, -1));
        n += unpacks_to_lines(packed, (40 - i) * 500, (41 - i) * 500);
    }
    CU_ASSERT_EQUAL(n, 40);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("race")), 0);
}

static void old_rotated_files_are_removed(void)
{
    struct rotating_file_config config = { .max_bytes = 100, .backups = 3, .max_age_secs = 3600 };
    struct rotating_file *file = open_with("old", config);
    append_lines(file, 0, 2);
    (void)close(open(tmp_path("old.9.gz"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    (void)close(open(tmp_path("old.keep"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    (void)close(open(tmp_path("older.1"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    age("old.2", 4000);
    age("old.9.gz", 4000);
    age("old.keep", 4000);
    age("older.1", 4000);
    append_lines(file, 2, 3); /* old.2 becomes old.3 */
    CU_ASSERT(wait_for_size("old.3", -1));
    CU_ASSERT(wait_for_size("old.9.gz", -1));
    CU_ASSERT(has_lines("old.1", 2, 3) && has_lines("old.2", 1, 2));
    CU_ASSERT_EQUAL(tmp_size(tmp_path("old.keep")), 0);
    CU_ASSERT_EQUAL(tmp_size(tmp_path("older.1")), 0);
    rotating_file_close(file);
}

static void mode_and_owner_hold_for_every_new_file(void)
{
    struct rotating_file_config config = { .max_bytes = 100,
                                           .backups = 1,
                                           .mode = 0640,
                                           .set_owner = true,
                                           .owner_uid = (uid_t)-1,
                                           .owner_gid = getgid() };
    struct rotating_file *file = open_with("mode", config);
    struct stat st;
    CU_ASSERT(stat(tmp_path("mode"), &st) == 0 && (st.st_mode & 0777) == 0640);
    append_lines(file, 0, 1);
    CU_ASSERT(stat(tmp_path("mode"), &st) == 0 && (st.st_mode & 0777) == 0640 && st.st_size == 0);
    CU_ASSERT_EQUAL(rotating_file_clear(file), 0);
    CU_ASSERT(stat(tmp_path("mode"), &st) == 0 && (st.st_mode & 0777) == 0640);
    rotating_file_close(file);
}

/* ---- sharers in threads ---- */

enum { WRITERS = 4, LINES_EACH = 2000 };

/* CUnit counts asserts without a lock: failures are added up and asserted on by the main thread. */
static void *write_lines(void *arg)
{
    unsigned *id = arg;
    uintptr_t failures = 0;
    struct rotating_file_config config = { .path = tmp_path("threads"),
                                           .max_bytes = 20000,
                                           .backups = 1000 };
    struct rotating_file *file = NULL;
    for (unsigned i = 0; i < LINES_EACH; i++) {
        if (i % 500 == 0) { /* a restart of its program */
            rotating_file_close(file);
            file = NULL;
            failures += rotating_file_open(&config, &file) != 0;
        }
        char line[64];
        int n = snprintf(line, sizeof(line), "%u %u\n", *id, i);
        size_t stored;
        failures += !file || rotating_file_append(file, line, (size_t)n, &stored) != 0;
    }
    rotating_file_close(file);
    return (void *)failures;
}

static void sharers_in_threads_lose_no_line(void)
{
    pthread_t threads[WRITERS];
    unsigned ids[WRITERS];
    struct rotating_file *file = open_file("threads", 20000, 1000); /* made before the race */
    for (unsigned i = 0; i < WRITERS; i++) {
        ids[i] = i;
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, write_lines, &ids[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        void *failures;
        CU_ASSERT_EQUAL(pthread_join(threads[i], &failures), 0);
        CU_ASSERT_PTR_NULL(failures);
    }
    rotating_file_close(file);
    size_t len = 0;
    char *all = joined("threads", 1000, &len);
    unsigned next[WRITERS] = { 0 };
    unsigned wrong = 0;
    for (const char *at = all; at && *at;) {
        unsigned id;
        unsigned n;
        int end;
        if (sscanf(at, "%1u %u\n%n", &id, &n, &end) != 2 || id >= WRITERS || next[id]++ != n) {
            wrong++;
            break;
        }
        at += end;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (unsigned i = 0; i < WRITERS; i++)
        CU_ASSERT_EQUAL(next[i], LINES_EACH);
    free(all);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(sixty_lines_leave_three_full_backups),
        UNIT_TEST(without_backups_the_file_is_emptied),
        UNIT_TEST(one_big_write_rotates_like_its_lines),
        UNIT_TEST(a_line_that_reaches_the_limit_is_not_cut),
        UNIT_TEST(a_line_without_end_is_cut_within_the_slack),
        UNIT_TEST(random_chunks_lose_no_byte),
        UNIT_TEST(a_file_over_the_limit_takes_one_more_line),
        UNIT_TEST(a_failed_step_is_resumed_not_repeated),
        UNIT_TEST(without_a_descriptor_the_old_file_goes_on),
        UNIT_TEST(a_full_disk_tells_what_was_stored),
        UNIT_TEST(sharers_rotate_once),
        UNIT_TEST(a_sharer_of_a_removed_file_gets_a_file_with_a_name),
        UNIT_TEST(a_file_moved_away_is_left_alone),
        UNIT_TEST(a_directory_that_comes_back_gets_its_file_back),
        UNIT_TEST(truncated_by_somebody_else_it_goes_on_without_a_hole),
        UNIT_TEST(clearing_keeps_readers_of_the_old_file),
        UNIT_TEST(reopening_follows_the_name),
        UNIT_TEST(a_full_pipe_says_so_and_is_never_rotated),
        UNIT_TEST(a_borrowed_descriptor_is_not_renamed),
        UNIT_TEST(a_socket_behind_dev_stdout_takes_bytes),
        UNIT_TEST(the_clock_wants_a_new_file_at_full_hours_and_days),
        UNIT_TEST(yesterdays_file_starts_anew_with_the_first_bytes),
        UNIT_TEST(rotated_files_are_compressed_behind_the_writers_back),
        UNIT_TEST(compressing_and_rotating_at_once_lose_no_line),
        UNIT_TEST(old_rotated_files_are_removed),
        UNIT_TEST(mode_and_owner_hold_for_every_new_file),
        UNIT_TEST(sharers_in_threads_lose_no_line),
    };
    tmp_dir_make();
    int status = UNIT_RUN("rotating_file", tests);
    tmp_dir_remove();
    return status;
}
