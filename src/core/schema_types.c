/* SPDX-License-Identifier: MIT */
/* schema_types.c: for each type, the parse callback that libconfuse calls. */
#include "list.h"
#include "schema_priv.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void schema_box_free(void *p)
{
    struct schema_box *box = p;
    if (!box)
        return;
    free(box->text);
    env_list_free(&box->environment);
    env_file_list_free(&box->env_files);
    for (size_t i = 0; i < box->n_users; i++) {
        free(box->users[i].name);
        free(box->users[i].password);
    }
    free(box->users);
    free(box);
}

/* Tell libconfuse of a failure; its error function hands the sentence to schema_set(). */
static int told(cfg_t *cfg, int status, struct buf *error)
{
    if (status < 0)
        cfg_error(cfg, "%s", status == -ENOMEM ? "out of memory" : buf_text(error));
    buf_free(error);
    return status < 0 ? -1 : 0;
}

/* ---- numbers and words: libconfuse keeps a long, a cfg_bool_t or a double ---- */

#define NUMBER_TYPE(name, ctype, parse)                                                            \
    static int name(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)                    \
    {                                                                                              \
        ctype value;                                                                               \
        struct buf error = BUF_INIT;                                                               \
        int status = parse(text, &value, &error);                                                  \
        (void)opt; /* the same for every option of the type */                                     \
        if (status == 0)                                                                           \
            *(long *)result = (long)value;                                                         \
        return told(cfg, status, &error);                                                          \
    }

#define BOOLEAN_TYPE(name, parse)                                                                  \
    static int name(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)                    \
    {                                                                                              \
        bool value;                                                                                \
        struct buf error = BUF_INIT;                                                               \
        int status = parse(text, &value, &error);                                                  \
        (void)opt; /* the same for every option of the type */                                     \
        if (status == 0)                                                                           \
            *(cfg_bool_t *)result = value ? cfg_true : cfg_false;                                  \
        return told(cfg, status, &error);                                                          \
    }

/* One of two words; the second is true. */
static int parse_choice(const char *text, const char *no, const char *yes, bool *ret,
                        struct buf *error)
{
    if (strcasecmp(text, no) != 0 && strcasecmp(text, yes) != 0) {
        buf_printf(error, "neither %s nor %s: ", no, yes);
        text_repr(error, text);
        return -EINVAL;
    }
    *ret = strcasecmp(text, yes) == 0;
    return 0;
}

static int parse_log_format(const char *text, bool *ret, struct buf *error)
{
    return parse_choice(text, "text", "json", ret, error);
}

static int parse_length_unit(const char *text, bool *ret, struct buf *error)
{
    return parse_choice(text, "characters", "bytes", ret, error);
}

static int parse_compression(const char *text, bool *ret, struct buf *error)
{
    return parse_choice(text, "none", "gzip", ret, error);
}

NUMBER_TYPE(integer_cb, int64_t, parse_integer)
NUMBER_TYPE(retries_cb, int64_t, parse_retries)
NUMBER_TYPE(duration_cb, int64_t, parse_duration)
NUMBER_TYPE(bytes_cb, int64_t, parse_byte_size)
NUMBER_TYPE(octal_cb, int64_t, parse_octal)
NUMBER_TYPE(signal_cb, int, parse_signal)
NUMBER_TYPE(autorestart_cb, enum autorestart, parse_autorestart)
NUMBER_TYPE(loglevel_cb, enum log_level, parse_log_level)
NUMBER_TYPE(exit_on_cb, enum exit_on, parse_exit_on)
NUMBER_TYPE(killmode_cb, enum killmode, parse_killmode)
BOOLEAN_TYPE(boolean_cb, parse_boolean)
BOOLEAN_TYPE(log_format_cb, parse_log_format)
BOOLEAN_TYPE(length_unit_cb, parse_length_unit)
BOOLEAN_TYPE(compression_cb, parse_compression)

static int decimal_cb(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
    double value;
    struct buf error = BUF_INIT;
    int status = parse_decimal(text, &value, &error);
    (void)opt;
    if (status == 0)
        *(double *)result = value;
    return told(cfg, status, &error);
}

/* ---- everything else: a box ---- */

static int text_type(const char *text, struct schema_box *box, struct buf *error)
{
    (void)error; /* any text will do */
    box->text = strdup(text);
    return box->text ? 0 : -ENOMEM;
}

static int path_type(const char *text, struct schema_box *box, struct buf *error)
{
    (void)error; /* any path will do */
    size_t start = strspn(text, " \t\r\n"), end = strlen(text);
    while (end > start && strchr(" \t\r\n", text[end - 1]))
        end--;
    CLEANUP_FREE char *trimmed = strndup(text + start, end - start);
    if (!trimmed)
        return -ENOMEM;
    box->text = path_normalize(trimmed);
    return box->text ? 0 : -ENOMEM;
}

/* The path that was checked, made absolute: the daemon may change its directory. */
static int checked_path(int status, char *path, struct schema_box *box)
{
    CLEANUP_FREE char *checked = path;
    if (status < 0)
        return status;
    box->text = path_normalize(checked);
    return box->text ? 0 : -ENOMEM;
}

static int directory_type(const char *text, struct schema_box *box, struct buf *error)
{
    char *path = NULL;
    int status = parse_existing_directory(text, &path, error);
    return checked_path(status, path, box);
}

static int parent_type(const char *text, struct schema_box *box, struct buf *error)
{
    char *path = NULL;
    int status = parse_existing_parent(text, &path, error);
    return checked_path(status, path, box);
}

/* The main log: exactly "syslog", a path, or (unlike the reference, which makes a file of that
 * name) nothing at all, which becomes "". */
static int main_log_type(const char *text, struct schema_box *box, struct buf *error)
{
    if (strcmp(text, "syslog") == 0)
        return text_type(text, box, error);
    if (!*text || strcasecmp(text, "none") == 0 || strcasecmp(text, "off") == 0)
        return text_type("", box, error);
    return parent_type(text, box, error);
}

static int logfile_type(const char *text, struct schema_box *box, struct buf *error)
{
    return parse_logfile(text, &box->logfile_kind, &box->text, &box->syslog, error);
}

static int user_type(const char *text, struct schema_box *box, struct buf *error)
{
    int status = parse_user(text, &box->uid, error);
    return status < 0 ? status : text_type(text, box, error);
}

/* "user" or "user:group"; the text kept is the user's part. */
static int user_group_type(const char *text, struct schema_box *box, struct buf *error)
{
    size_t len = strcspn(text, ":");
    box->text = strndup(text, len);
    if (!box->text)
        return -ENOMEM;
    int status = parse_user(box->text, &box->uid, error);
    if (status == 0 && text[len]) {
        status = parse_group(text + len + 1, &box->gid, error);
        box->gid_set = true;
    }
    return status;
}

static int owner_type(const char *text, struct schema_box *box, struct buf *error)
{
    return parse_owner(text, &box->uid, &box->gid, error);
}

static int address_type(const char *text, struct schema_box *box, struct buf *error)
{
    return parse_inet_address(text, &box->text, &box->port, error);
}

static int rate_type(const char *text, struct schema_box *box, struct buf *error)
{
    return parse_rate(text, &box->n, &box->secs, error);
}

static int rlimit_type(const char *text, struct schema_box *box, struct buf *error)
{
    return parse_rlimit(text, &box->rlimit, error);
}

static int cpus_type(const char *text, struct schema_box *box, struct buf *error)
{
    return parse_cpu_list(text, &box->cpus, error);
}

static int exitcodes_type(const char *text, struct schema_box *box, struct buf *error)
{
    return parse_exitcodes(text, box->exitcodes, error);
}

static int rotate_type(const char *text, struct schema_box *box, struct buf *error)
{
    enum logrotate rotate;
    int status = parse_rotate(text, &rotate, &box->minute, error);
    if (status == 0)
        box->n = rotate;
    return status;
}

static int environment_type(const char *text, struct schema_box *box, struct buf *error)
{
    return parse_environment(text, &box->environment, &box->environment_odd, error);
}

static int parse_server_user(const char *text, struct server_user *ret, struct buf *error)
{
    const char *role = strchr(text, ':');
    const char *password = role ? strchr(role + 1, ':') : NULL;
    size_t role_len = password ? (size_t)(password - role) - 1 : 0;
    bool admin = role_len == 5 && strncasecmp(role + 1, "admin", 5) == 0;
    if (role == text || !password || !password[1] ||
        (!admin && !(role_len == 4 && strncasecmp(role + 1, "read", 4) == 0))) {
        buf_puts(error, "not a user as name:read:password or name:admin:password: ");
        buf_append(error, text, role ? (size_t)(role - text) : strlen(text)); /* no password */
        return -EINVAL;
    }
    struct server_user user = { .name = strndup(text, (size_t)(role - text)),
                                .role = admin ? SERVER_ROLE_ADMIN : SERVER_ROLE_READ,
                                .password = strdup(password + 1) };
    if (!user.name || !user.password) {
        free(user.name);
        free(user.password);
        return -ENOMEM;
    }
    *ret = user;
    return 0;
}

static int users_type(const char *text, struct schema_box *box, struct buf *error)
{
    char **items = NULL;
    size_t n = 0;
    int status = parse_text_list(text, &items, &n);
    for (size_t i = 0; status == 0 && i < n; i++) {
        status = LIST_RESERVE(box->users, box->n_users);
        if (status == 0)
            status = parse_server_user(items[i], &box->users[box->n_users], error);
        box->n_users += status == 0;
    }
    text_list_free(items);
    return status;
}

#define BOX_TYPE(name, parse)                                                                      \
    static int name(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)                    \
    {                                                                                              \
        struct buf error = BUF_INIT;                                                               \
        struct schema_box *box = calloc(1, sizeof(*box));                                          \
        int status = box ? parse(text, box, &error) : -ENOMEM;                                     \
        (void)opt; /* the same for every option of the type */                                     \
        if (status == 0)                                                                           \
            *(void **)result = box;                                                                \
        else                                                                                       \
            schema_box_free(box);                                                                  \
        return told(cfg, status, &error);                                                          \
    }

BOX_TYPE(text_cb, text_type)
BOX_TYPE(path_cb, path_type)
BOX_TYPE(directory_cb, directory_type)
BOX_TYPE(parent_cb, parent_type)
BOX_TYPE(main_log_cb, main_log_type)
BOX_TYPE(logfile_cb, logfile_type)
BOX_TYPE(user_cb, user_type)
BOX_TYPE(user_group_cb, user_group_type)
BOX_TYPE(owner_cb, owner_type)
BOX_TYPE(address_cb, address_type)
BOX_TYPE(rate_cb, rate_type)
BOX_TYPE(rlimit_cb, rlimit_type)
BOX_TYPE(cpus_cb, cpus_type)
BOX_TYPE(exitcodes_cb, exitcodes_type)
BOX_TYPE(rotate_cb, rotate_type)
BOX_TYPE(environment_cb, environment_type)
BOX_TYPE(users_cb, users_type)
BOX_TYPE(env_files_cb, text_type) /* split by schema.c, which knows the directory */

const struct schema_type_row schema_types[TYPE_COUNT] = {
    [TYPE_TEXT] = { "text", NULL, CFGT_PTR, text_cb },
    [TYPE_INTEGER] = { "integer", "an integer", CFGT_INT, integer_cb },
    [TYPE_RETRIES] = { "integer or infinite", "an integer or infinite", CFGT_INT, retries_cb },
    [TYPE_DURATION] = { "duration", "a duration (seconds, or a number with s, m, h, d or w)",
                        CFGT_INT, duration_cb },
    [TYPE_BYTES] = { "byte size", "a byte size (a number, maybe with KB, MB or GB)", CFGT_INT,
                     bytes_cb },
    [TYPE_OCTAL] = { "octal", "an octal number", CFGT_INT, octal_cb },
    [TYPE_SIGNAL] = { "signal", "a signal", CFGT_INT, signal_cb },
    [TYPE_AUTORESTART] = { "boolean or unexpected", "true, false or unexpected", CFGT_INT,
                           autorestart_cb },
    [TYPE_LOGLEVEL] = { "log level", "one of critical, error, warn, info, debug, trace and blather",
                        CFGT_INT, loglevel_cb },
    [TYPE_EXIT_ON] = { "word", "one of none, fatal, exit and unexpected", CFGT_INT, exit_on_cb },
    [TYPE_KILLMODE] = { "word", "one of default, process, group, tree and cgroup", CFGT_INT,
                        killmode_cb },
    [TYPE_BOOLEAN] = { "boolean", "a boolean (true or false)", CFGT_BOOL, boolean_cb },
    [TYPE_LOG_FORMAT] = { "word", "text or json", CFGT_BOOL, log_format_cb },
    [TYPE_LENGTH_UNIT] = { "word", "characters or bytes", CFGT_BOOL, length_unit_cb },
    [TYPE_COMPRESSION] = { "word", "none or gzip", CFGT_BOOL, compression_cb },
    [TYPE_DECIMAL] = { "number", "a number", CFGT_FLOAT, decimal_cb },
    [TYPE_PATH] = { "path", NULL, CFGT_PTR, path_cb },
    [TYPE_DIRECTORY] = { "directory", "an existing directory", CFGT_PTR, directory_cb },
    [TYPE_PARENT] = { "path", NULL, CFGT_PTR, parent_cb },
    [TYPE_MAIN_LOG] = { "path", NULL, CFGT_PTR, main_log_cb },
    [TYPE_LOGFILE] = { "log file", NULL, CFGT_PTR, logfile_cb },
    [TYPE_USER] = { "user", "a user of this system", CFGT_PTR, user_cb },
    [TYPE_USER_GROUP] = { "user or user:group", "a user (and group) of this system", CFGT_PTR,
                          user_group_cb },
    [TYPE_OWNER] = { "user or user:group", "a user (and group) of this system", CFGT_PTR,
                     owner_cb },
    [TYPE_ADDRESS] = { "address", NULL, CFGT_PTR, address_cb },
    [TYPE_RATE] = { "N/SECS", "a rate like 5/60", CFGT_PTR, rate_cb },
    [TYPE_RLIMIT] = { "limit", "a limit (LIMIT or SOFT:HARD, numbers or unlimited)", CFGT_PTR,
                      rlimit_cb },
    [TYPE_CPUS] = { "processors", "a list of processors like 0,2-3", CFGT_PTR, cpus_cb },
    [TYPE_EXITCODES] = { "integers", "a list of exit codes (0 to 255)", CFGT_PTR, exitcodes_cb },
    [TYPE_ROTATE] = { "word or HH:MM", "one of none, hourly, daily, weekly and HH:MM", CFGT_PTR,
                      rotate_cb },
    [TYPE_ENVIRONMENT] = { "environment", NULL, CFGT_PTR, environment_cb },
    [TYPE_ENV_FILES] = { "files", NULL, CFGT_PTR, env_files_cb },
    [TYPE_USERS] = { "users", NULL, CFGT_PTR, users_cb },
};
