/* SPDX-License-Identifier: MIT */
/* tmp_dir.h: a directory for one test's files, and small ways to look into them. */
#ifndef TEST_TMP_DIR_H
#define TEST_TMP_DIR_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char tmp_dir[64];
static _Thread_local char tmp_names[8][160];
static _Thread_local unsigned tmp_next;

/* The path of name in the directory; good for the next seven calls. */
static inline const char *tmp_path(const char *name)
{
    char *path = tmp_names[tmp_next++ % 8];
    (void)snprintf(path, sizeof(tmp_names[0]), "%s/%s", tmp_dir, name);
    return path;
}

static inline void tmp_dir_make(void)
{
    (void)snprintf(tmp_dir, sizeof(tmp_dir), "/tmp/supervisor-unit-XXXXXX");
    if (!mkdtemp(tmp_dir))
        abort();
}

static inline void tmp_dir_remove_tree(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *path = NULL;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            asprintf(&path, "%s/%s", dir, e->d_name) < 0)
            continue;
        if (e->d_type == DT_DIR)
            tmp_dir_remove_tree(path);
        else
            (void)unlink(path);
        free(path);
    }
    if (d)
        (void)closedir(d);
    (void)rmdir(dir);
}

static inline void tmp_dir_remove(void)
{
    tmp_dir_remove_tree(tmp_dir);
}

/* The file's bytes, NUL behind them; NULL if it is not there. To free(). */
static inline char *tmp_read(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "re");
    if (ret_len)
        *ret_len = 0;
    if (!f)
        return NULL;
    struct stat st;
    char *data = NULL;
    size_t len = 0;
    if (fstat(fileno(f), &st) == 0 && (data = malloc((size_t)st.st_size + 1)) != NULL) {
        len = fread(data, 1, (size_t)st.st_size, f);
        data[len] = '\0';
    }
    (void)fclose(f);
    if (ret_len)
        *ret_len = len;
    return data;
}

/* -1: not there. */
static inline long tmp_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static inline bool tmp_is(const char *path, const char *text)
{
    size_t len;
    char *data = tmp_read(path, &len);
    bool same = data && len == strlen(text) && memcmp(data, text, len) == 0;
    if (!same)
        fprintf(stderr, "%s is <%s>, not <%s>\n", path, data ? data : "(none)", text);
    free(data);
    return same;
}

static inline bool tmp_has(const char *path, const char *text)
{
    char *data = tmp_read(path, NULL);
    bool has = data && strstr(data, text);
    if (!has)
        fprintf(stderr, "%s is <%s>, without <%s>\n", path, data ? data : "(none)", text);
    free(data);
    return has;
}

static inline void tmp_nap_ms(long ms)
{
    struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&ts, NULL);
}

#endif
