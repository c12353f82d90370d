/* SPDX-License-Identifier: MIT */
/* env_file.c: reads files of environment variables. */
#include "env_file.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *skip_blanks(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static void trim_end(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
}

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return *text == '\0';
}

/* Take the quotes off, in place. false: the closing one is missing or not at the end. */
static bool unquote(char *value)
{
    char quote = value[0];
    if (quote != '\'' && quote != '"')
        return true;
    char *to = value;
    const char *from = value + 1;
    while (*from && *from != quote) {
        if (quote == '"' && *from == '\\' && from[1] && strchr("\\\"$", from[1]))
            from++;
        *to++ = *from++;
    }
    bool closed = *from == quote && from[1] == '\0';
    *to = '\0';
    return closed;
}

/* 0, -ENOMEM, or -EINVAL for a line that is none of ours. */
static int read_line(char *line, struct env_list *env)
{
    char *name = skip_blanks(line);
    trim_end(name);
    if (*name == '\0' || *name == '#')
        return 0;
    if (strncmp(name, "export", 6) == 0 && (name[6] == ' ' || name[6] == '\t'))
        name = skip_blanks(name + 6);
    char *equals = strchr(name, '=');
    if (!equals)
        return -EINVAL;
    *equals = '\0';
    char *value = skip_blanks(equals + 1);
    if (!is_name(name) || !unquote(value))
        return -EINVAL;
    return env_list_set(env, name, value);
}

static int read_lines(FILE *stream, const char *path, struct env_list *env, char *ret_text,
                      size_t size)
{
    CLEANUP_FREE char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    for (unsigned number = 1; (len = getline(&line, &cap, stream)) >= 0; number++) {
        bool too_much = len > ENV_FILE_LINE_MAX || number > ENV_FILE_LINES_MAX;
        int r = too_much || strlen(line) != (size_t)len ? -EINVAL : read_line(line, env);
        if (r == -ENOMEM)
            return r;
        if (r < 0) {
            (void)snprintf(ret_text, size, "environment file %s, line %u: not NAME=value", path,
                           number);
            return r;
        }
    }
    return ferror(stream) ? -EIO : 0;
}

/* Without O_NONBLOCK a FIFO that nobody writes to would hold us up. */
static int open_regular(const char *path, FILE **ret_stream)
{
    struct stat st;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    *ret_stream = fdopen(fd, "re");
    if (!*ret_stream)
        return -errno;
    (void)take_fd(&fd); /* the stream's */
    return 0;
}

int env_file_read(const struct env_file *file, struct env_list *env, char *ret_text, size_t size)
{
    CLEANUP_FCLOSE FILE *stream = NULL;
    int r = open_regular(file->path, &stream);
    if (r == -ENOENT && file->optional)
        return 0;
    ret_text[0] = '\0';
    if (r == 0)
        r = read_lines(stream, file->path, env, ret_text, size);
    if (r < 0 && r != -ENOMEM && !ret_text[0])
        (void)snprintf(ret_text, size, "cannot read environment file %s: %s", file->path,
                       strerror(-r));
    return r;
}
