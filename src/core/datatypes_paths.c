/* SPDX-License-Identifier: MIT */
/* datatypes_paths.c: names, files, people and addresses. */
#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F);
}

static char *trimmed(const char *text)
{
    const char *end = text + strlen(text);
    while (is_blank(*text))
        text++;
    while (end > text && is_blank(end[-1]))
        end--;
    return strndup(text, (size_t)(end - text));
}

int parse_name(const char *text, char **ret, struct buf *error)
{
    CLEANUP_FREE char *name = trimmed(text);
    if (!name)
        return -ENOMEM;
    static const char refused[] = " :/";
    for (const char *c = refused; *c; c++) {
        if (!strchr(name, *c))
            continue;
        buf_puts(error, "Invalid name: ");
        text_repr(error, text);
        buf_printf(error, " because of character: '%c'", *c);
        return -EINVAL;
    }
    if (!*name) {
        buf_puts(error, "Invalid name: ");
        text_repr(error, text);
        buf_puts(error, " because it is empty");
        return -EINVAL;
    }
    *ret = take_ptr(&name);
    return 0;
}

/* ---- paths ---- */

char *path_expand_home(const char *text)
{
    if (*text != '~')
        return strdup(text);
    size_t len = strcspn(text, "/");
    const char *home = NULL;
    if (len == 1) {
        home = getenv("HOME");
        if (!home) {
            const struct passwd *me = getpwuid(getuid());
            home = me ? me->pw_dir : NULL;
        }
    } else {
        CLEANUP_FREE char *user = strndup(text + 1, len - 1);
        const struct passwd *found = user ? getpwnam(user) : NULL;
        home = found ? found->pw_dir : NULL;
    }
    if (!home)
        return strdup(text);
    struct buf path = BUF_INIT;
    size_t home_len = strlen(home);
    while (home_len > 0 && home[home_len - 1] == '/')
        home_len--;
    buf_append(&path, home, home_len);
    buf_puts(&path, text + len);
    if (path.len == 0)
        buf_putc(&path, '/');
    char *result = path.error ? NULL : strdup(buf_text(&path));
    buf_free(&path);
    return result;
}

/* Append one component to an absolute path that has no dots. */
static void path_step(struct buf *path, const char *step, size_t len)
{
    if (len == 0 || (len == 1 && step[0] == '.'))
        return;
    if (len == 2 && step[0] == '.' && step[1] == '.') {
        while (path->len > 0 && path->data[path->len - 1] != '/')
            buf_truncate(path, path->len - 1);
        if (path->len > 0)
            buf_truncate(path, path->len - 1);
        return;
    }
    buf_putc(path, '/');
    buf_append(path, step, len);
}

static void path_walk(struct buf *path, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "/");
        path_step(path, text, len);
        text += len + (text[len] == '/');
    }
}

char *path_normalize(const char *text)
{
    CLEANUP_FREE char *full = path_expand_home(text);
    if (!full)
        return NULL;
    struct buf path = BUF_INIT;
    if (*full != '/') {
        CLEANUP_FREE char *cwd = getcwd(NULL, 0);
        if (cwd)
            path_walk(&path, cwd);
    }
    path_walk(&path, full);
    if (path.len == 0)
        buf_putc(&path, '/');
    char *result = path.error ? NULL : strdup(buf_text(&path));
    buf_free(&path);
    return result;
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int parse_existing_directory(const char *text, char **ret, struct buf *error)
{
    CLEANUP_FREE char *path = path_expand_home(text);
    if (!path)
        return -ENOMEM;
    if (!is_directory(path)) {
        buf_printf(error, "%s is not an existing directory", text);
        return -EINVAL;
    }
    *ret = take_ptr(&path);
    return 0;
}

int parse_existing_parent(const char *text, char **ret, struct buf *error)
{
    CLEANUP_FREE char *path = path_expand_home(text);
    if (!path)
        return -ENOMEM;
    const char *slash = strrchr(path, '/');
    if (slash) {
        CLEANUP_FREE char *parent = strndup(path, slash == path ? 1 : (size_t)(slash - path));
        if (!parent)
            return -ENOMEM;
        if (!is_directory(parent)) {
            buf_printf(error, "The directory named as part of the path %s does not exist", text);
            return -EINVAL;
        }
    }
    *ret = take_ptr(&path);
    return 0;
}

int parse_logfile(const char *text, enum logfile_kind *ret_kind, char **ret_path, bool *ret_syslog,
                  struct buf *error)
{
    bool syslog = strcasecmp(text, "syslog") == 0;
    enum logfile_kind kind = LOGFILE_NONE;
    char *path = NULL;
    if (strcasecmp(text, "auto") == 0) {
        kind = LOGFILE_AUTO;
    } else if (*text && !syslog && strcasecmp(text, "none") != 0 && strcasecmp(text, "off") != 0) {
        int status = parse_existing_parent(text, &path, error);
        if (status < 0)
            return status;
        kind = LOGFILE_PATH;
    }
    *ret_kind = kind;
    *ret_path = path;
    *ret_syslog = syslog;
    return 0;
}

/* ---- people ---- */

int parse_user(const char *text, uid_t *ret, struct buf *error)
{
    struct buf ignored = BUF_INIT;
    int64_t id;
    bool numeric = parse_integer(text, &id, &ignored) == 0;
    buf_free(&ignored);
    const struct passwd *found = NULL;
    if (!numeric)
        found = getpwnam(text);
    else if (id >= 0 && id < UINT32_MAX)
        found = getpwuid((uid_t)id);
    if (!found) {
        buf_printf(error, "Invalid user %s %s", numeric ? "id" : "name", text);
        return -EINVAL;
    }
    *ret = found->pw_uid;
    return 0;
}

int user_primary_group(uid_t uid, gid_t *ret)
{
    const struct passwd *found = getpwuid(uid);
    if (!found)
        return -ENOENT;
    *ret = found->pw_gid;
    return 0;
}

int parse_group(const char *text, gid_t *ret, struct buf *error)
{
    struct buf ignored = BUF_INIT;
    int64_t id;
    bool numeric = parse_integer(text, &id, &ignored) == 0;
    buf_free(&ignored);
    const struct group *found = NULL;
    if (!numeric)
        found = getgrnam(text);
    else if (id >= 0 && id < UINT32_MAX)
        found = getgrgid((gid_t)id);
    if (!found) {
        buf_printf(error, "Invalid group %s %s", numeric ? "id" : "name", text);
        return -EINVAL;
    }
    *ret = found->gr_gid;
    return 0;
}

int parse_owner(const char *text, uid_t *ret_uid, gid_t *ret_gid, struct buf *error)
{
    const char *colon = strchr(text, ':');
    CLEANUP_FREE char *user = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
    if (!user)
        return -ENOMEM;
    uid_t uid;
    gid_t gid = (gid_t)-1;
    int status = parse_user(user, &uid, error);
    if (status == 0 && colon)
        status = parse_group(colon + 1, &gid, error);
    if (status < 0)
        return status;
    *ret_uid = uid;
    *ret_gid = gid;
    return 0;
}

/* ---- addresses ---- */

static int parse_port(const char *text, uint16_t *ret, struct buf *error)
{
    int64_t port;
    int status = parse_integer(text, &port, error);
    if (status < 0)
        return status;
    if (port < 1)
        buf_printf(error, "%s is below lower bound (1)", text);
    else if (port > UINT16_MAX)
        buf_printf(error, "%s is above upper bound (65535)", text);
    else
        *ret = (uint16_t)port;
    return port < 1 || port > UINT16_MAX ? -EINVAL : 0;
}

int parse_inet_address(const char *text, char **ret_host, uint16_t *ret_port, struct buf *error)
{
    const char *colon = strrchr(text, ':');
    uint16_t port;
    if (!colon) {
        struct buf ignored = BUF_INIT;
        int status = parse_port(text, &port, &ignored);
        buf_free(&ignored);
        if (status < 0) {
            buf_puts(error, "not a valid port number: ");
            text_repr(error, text);
            buf_putc(error, ' ');
            return status;
        }
    } else if (!colon[1]) {
        buf_puts(error, "no port number specified in ''");
        return -EINVAL;
    } else {
        int status = parse_port(colon + 1, &port, error);
        if (status < 0)
            return status;
    }
    const char *start = text, *end = colon ? colon : text;
    if (end - start >= 2 && *start == '[' && end[-1] == ']') { /* an IPv6 address */
        start++;
        end--;
    }
    if (end - start == 1 && *start == '*')
        end = start;
    char *host = strndup(start, (size_t)(end - start));
    if (!host)
        return -ENOMEM;
    for (char *c = host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    *ret_host = host;
    *ret_port = port;
    return 0;
}
