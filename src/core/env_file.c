/* SPDX-License-Identifier: MIT */
/* env_file.c: files of KEY=value, line by line. */
#include "supervisor/core/env_file.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The inside of quotes; p stands behind the opening one. Returns what follows the closing one,
 * NULL if there is none. */
static const char *take_quoted(const char *p, const char *end, char quote, struct buf *value)
{
    for (; p < end && *p != quote; p++) {
        if (*p == '\\' && quote == '"' && p + 1 < end)
            buf_putc(value, *++p == 'n' ? '\n' : *p);
        else
            buf_putc(value, *p);
    }
    return p < end ? p + 1 : NULL;
}

/* The value between p and end, both without blanks. */
static bool take_value(const char *p, const char *end, struct buf *value)
{
    if (p < end && (*p == '"' || *p == '\'')) {
        const char *rest = take_quoted(p + 1, end, *p, value);
        return rest == end; /* nothing may follow */
    }
    buf_append(value, p, (size_t)(end - p));
    return true;
}

/* One line without its end and without blanks at its ends. false: it is none. */
static bool take_line(const char *p, const char *end, struct buf *name, struct buf *value)
{
    static const char export[] = "export";
    size_t len = strlen(export);
    if ((size_t)(end - p) > len && memcmp(p, export, len) == 0 && is_blank(p[len]))
        for (p += len; p < end && is_blank(*p); p++)
            ;
    const char *equals = memchr(p, '=', (size_t)(end - p));
    if (!equals)
        return false;
    const char *name_end = equals;
    while (name_end > p && is_blank(name_end[-1]))
        name_end--;
    buf_append(name, p, (size_t)(name_end - p));
    if (name->len == 0 || strpbrk(buf_text(name), " \t\"'"))
        return false;
    for (p = equals + 1; p < end && is_blank(*p); p++)
        ;
    return take_value(p, end, value);
}

int env_file_parse(const char *name, const char *text, struct env_list *list, struct buf *error)
{
    struct env_list read = { 0 };
    struct buf key = BUF_INIT, value = BUF_INIT;
    int status = 0;
    unsigned line = 0;
    for (const char *p = text; *p && status == 0;) {
        const char *line_end = strchrnul(p, '\n'), *end = line_end;
        line++;
        while (p < end && is_blank(*p))
            p++;
        while (end > p && is_blank(end[-1]))
            end--;
        buf_reset(&key);
        buf_reset(&value);
        if (p < end && *p != '#') {
            if (!take_line(p, end, &key, &value)) {
                buf_printf(error, "%s:%u: not NAME=value", name, line); /* maybe a secret: unseen */
                status = -EINVAL;
            } else {
                status = key.error || value.error
                             ? -ENOMEM
                             : env_list_add(&read, buf_text(&key), buf_text(&value));
            }
        }
        p = line_end + (*line_end != '\0');
    }
    if (status == 0)
        status = env_list_merge(list, &read);
    env_list_free(&read);
    buf_free(&key);
    buf_free(&value);
    return status;
}

static int read_content(const char *path, struct buf *content)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    char block[8192];
    ssize_t n;
    while ((n = read(fd, block, sizeof(block))) > 0)
        buf_append(content, block, (size_t)n);
    if (n < 0)
        return -errno;
    if (content->len > 0 && memchr(content->data, '\0', content->len))
        return -EILSEQ;
    return content->error;
}

int env_files_read(const struct env_file_list *files, struct env_list *list, struct buf *error)
{
    int status = 0;
    for (size_t i = 0; i < files->n && status == 0; i++) {
        const struct env_file *file = &files->files[i];
        struct buf content = BUF_LIMITED(ENV_FILE_MAX);
        status = read_content(file->path, &content);
        if (status == -ENOENT && file->optional)
            status = 0;
        else if (status < 0 && status != -ENOMEM)
            buf_printf(error, "can't read environment file %s: %s", file->path, strerror(-status));
        else if (status == 0)
            status = env_file_parse(file->path, buf_text(&content), list, error);
        buf_free(&content);
    }
    return status;
}
