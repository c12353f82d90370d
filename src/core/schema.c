/* SPDX-License-Identifier: MIT */
/* schema.c: a value's way through libconfuse into a struct, and what else rows are good for. */
#include "schema_priv.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct schema {
    const char *dir;
    cfg_t *tables[SCHEMA_TABLES];
};

/* Where libconfuse's error function puts the sentence: it gets no pointer of ours. Main thread. */
static struct buf *error_sink;

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *format,
                                                           va_list ap)
{
    (void)cfg; /* its file and line are what the caller put there */
    if (error_sink)
        buf_vprintf(error_sink, format, ap);
}

const struct schema_option *schema_find(enum schema_table table, const char *name)
{
    const struct schema_section *section = schema_section(table);
    for (size_t i = 0; i < section->n; i++)
        if (strcmp(section->options[i].name, name) == 0)
            return &section->options[i];
    return NULL;
}

const char *schema_type_name(enum schema_type type)
{
    return schema_types[type].name;
}

/* ---- libconfuse ---- */

static cfg_t *open_table(enum schema_table table)
{
    const struct schema_section *section = schema_section(table);
    CLEANUP_FREE cfg_opt_t *options = calloc(section->n + 1, sizeof(*options));
    if (!options)
        return NULL;
    for (size_t i = 0; i < section->n; i++) {
        const struct schema_type_row *type = &schema_types[section->options[i].type];
        options[i] = (cfg_opt_t){
            .name = section->options[i].name,
            .type = type->storage,
            .flags = CFGF_NODEFAULT, /* defaults are texts that may have to be expanded first */
            .parsecb = type->parse,
            .freecb = type->storage == CFGT_PTR ? schema_box_free : NULL,
        };
    }
    cfg_t *cfg = cfg_init(options, CFGF_NONE);
    if (cfg)
        (void)cfg_set_error_function(cfg, on_error); /* returns the former one */
    return cfg;
}

int schema_open(const char *dir, struct schema **ret_schema)
{
    struct schema *schema = calloc(1, sizeof(*schema));
    if (!schema)
        return -ENOMEM;
    schema->dir = dir;
    for (size_t i = 0; i < SCHEMA_TABLES; i++) {
        schema->tables[i] = open_table((enum schema_table)i);
        if (!schema->tables[i]) {
            schema_close(schema);
            return -ENOMEM;
        }
    }
    *ret_schema = schema;
    return 0;
}

void schema_close(struct schema *schema)
{
    if (!schema)
        return;
    for (size_t i = 0; i < SCHEMA_TABLES; i++) {
        if (!schema->tables[i])
            continue;
        schema->tables[i]->filename = NULL; /* was borrowed */
        (void)cfg_free(schema->tables[i]);  /* fails for NULL only */
    }
    free(schema);
}

/* ---- storing ---- */

static void *at(void *target, size_t offset)
{
    return (char *)target + offset;
}

static const void *at_const(const void *target, size_t offset)
{
    return (const char *)target + offset;
}

/* Numbers beyond a field's type become its limit. */
static void store_integer(const struct schema_option *option, void *target, int64_t value)
{
    if (option->size == sizeof(int64_t)) {
        memcpy(at(target, option->offset), &value, sizeof(value));
        return;
    }
    int narrow = value > INT_MAX ? INT_MAX : value < INT_MIN ? INT_MIN : (int)value;
    memcpy(at(target, option->offset), &narrow, sizeof(narrow));
}

static void store_text(const struct schema_option *option, void *target, struct schema_box *box)
{
    char **field = at(target, option->offset);
    free(*field);
    *field = take_ptr(&box->text);
}

static void users_free(void *target, const struct schema_option *option)
{
    struct server_user **users = at(target, option->offset);
    size_t *n = at(target, option->second);
    for (size_t i = 0; i < *n; i++) {
        free((*users)[i].name);
        free((*users)[i].password);
    }
    free(*users);
    *users = NULL;
    *n = 0;
}

static void store_user_group(const struct schema_option *option, void *target,
                             struct schema_box *box)
{
    struct process_config *process = at(target, option->second);
    store_text(option, target, box);
    process->uid = box->uid;
    process->gid = box->gid;
    process->gid_set = box->gid_set;
}

static void store_logfile(const struct schema_option *option, void *target, struct schema_box *box)
{
    struct channel_config *channel = at(target, option->second);
    store_text(option, target, box);
    channel->logfile_kind = box->logfile_kind;
    channel->syslog = box->syslog; /* the *_syslog row is read later and knows of it */
}

static void store_box(const struct schema_option *option, void *target, struct schema_box *box)
{
    void *field = at(target, option->offset), *second = at(target, option->second);
    switch (option->type) {
    case TYPE_LOGFILE:
        store_logfile(option, target, box);
        break;
    case TYPE_USER:
        store_text(option, target, box);
        *(uid_t *)second = box->uid;
        break;
    case TYPE_USER_GROUP:
        store_user_group(option, target, box);
        break;
    case TYPE_OWNER:
        *(uid_t *)field = box->uid;
        *(gid_t *)second = box->gid;
        break;
    case TYPE_ADDRESS:
        store_text(option, target, box);
        *(uint16_t *)second = box->port;
        break;
    case TYPE_RATE:
        *(int64_t *)field = box->n;
        *(int64_t *)second = box->secs;
        break;
    case TYPE_RLIMIT:
        *(struct rlimit_config *)field = box->rlimit;
        break;
    case TYPE_CPUS:
        *(struct cpu_list *)field = box->cpus;
        break;
    case TYPE_EXITCODES:
        memcpy(field, box->exitcodes, sizeof(box->exitcodes));
        break;
    case TYPE_ROTATE:
        *(enum logrotate *)field = (enum logrotate)box->n;
        *(int *)second = box->minute;
        break;
    case TYPE_ENVIRONMENT:
        env_list_free(field);
        *(struct env_list *)field = box->environment;
        box->environment = (struct env_list){ 0 };
        break;
    case TYPE_ENV_FILES:
        env_file_list_free(field);
        *(struct env_file_list *)field = box->env_files;
        box->env_files = (struct env_file_list){ 0 };
        break;
    case TYPE_USERS:
        users_free(target, option);
        *(struct server_user **)field = take_ptr(&box->users);
        *(size_t *)second = box->n_users;
        box->n_users = 0;
        break;
    default:
        store_text(option, target, box);
    }
}

static int check_range(const struct schema_option *option, int64_t value, const char *text,
                       struct buf *error)
{
    if ((option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max))
        return 0;
    if (option->refusal)
        buf_printf(error, "%s%" PRId64, option->refusal, value);
    else if (value < option->min)
        buf_printf(error, "%s is below lower bound (%" PRId64 ")", text, option->min);
    else
        buf_printf(error, "%s is above upper bound (%" PRId64 ")", text, option->max);
    return -EINVAL;
}

static int store(struct schema *schema, const struct schema_option *option, cfg_opt_t *opt,
                 const char *text, void *target, bool *ret_odd, struct buf *error)
{
    struct schema_box *box;
    int64_t number;
    int status = 0;
    switch (schema_types[option->type].storage) {
    case CFGT_INT:
        number = cfg_opt_getnint(opt, 0);
        if (option->type == TYPE_OCTAL && number < 0)
            number &= 07777; /* what the kernel sees of it; -1 in a field means "not written" */
        status = check_range(option, number, text, error);
        if (status == 0)
            store_integer(option, target, number);
        return status;
    case CFGT_BOOL:
        *(bool *)at(target, option->offset) = cfg_opt_getnbool(opt, 0) == cfg_true;
        return 0;
    case CFGT_FLOAT:
        *(double *)at(target, option->offset) = cfg_opt_getnfloat(opt, 0);
        return 0;
    default:
        box = cfg_opt_getnptr(opt, 0);
        if (option->type == TYPE_ENV_FILES)
            status = parse_env_files(box->text, schema->dir, &box->env_files, error);
        if (ret_odd)
            *ret_odd = box->environment_odd;
        if (status == 0)
            store_box(option, target, box);
        return status;
    }
}

static void put_plain(const struct schema_option *option, const char *text, bool parsed,
                      const struct buf *error, struct buf *plain)
{
    const char *what = schema_types[option->type].plain;
    if (parsed || !what) {
        buf_puts(plain, buf_text(error));
        return;
    }
    text_repr(plain, text);
    buf_printf(plain, " is not %s", what);
}

int schema_set(struct schema *schema, enum schema_table table, const struct schema_option *option,
               const char *text, char *file, unsigned line, void *target, bool *ret_odd,
               struct buf *error, struct buf *plain)
{
    cfg_t *cfg = schema->tables[table];
    cfg_opt_t *opt = &cfg->opts[option - schema_section(table)->options];
    struct buf sentence = BUF_INIT;

    cfg->filename = file;
    cfg->line = (int)line;
    error_sink = &sentence;
    bool parsed = cfg_setopt(cfg, opt, text) != NULL;
    error_sink = NULL;
    cfg->filename = NULL;

    int status = -EINVAL;
    if (parsed)
        status = store(schema, option, opt, text, target, ret_odd, &sentence);
    if (status == -EINVAL && plain)
        put_plain(option, text, parsed, &sentence, plain);
    if (status == -EINVAL && !parsed && option->refusal && option->type != TYPE_INTEGER)
        buf_printf(error, "%s%s", option->refusal, text);
    else if (status == -EINVAL)
        buf_puts(error, buf_text(&sentence));
    buf_free(&sentence);
    (void)cfg_free_value(opt); /* what is stored was moved out; fails for NULL only */
    return status;
}

/* ---- what a row owns ---- */

enum owned { OWNED_NOTHING, OWNED_TEXT, OWNED_ENVIRONMENT, OWNED_ENV_FILES, OWNED_USERS };

static enum owned owned_by(const struct schema_option *option)
{
    if (option->size == 0)
        return OWNED_NOTHING; /* the row has no field */
    switch (option->type) {
    case TYPE_TEXT:
    case TYPE_PATH:
    case TYPE_DIRECTORY:
    case TYPE_PARENT:
    case TYPE_MAIN_LOG:
    case TYPE_LOGFILE:
    case TYPE_USER:
    case TYPE_USER_GROUP:
    case TYPE_ADDRESS:
        return OWNED_TEXT;
    case TYPE_ENVIRONMENT:
        return OWNED_ENVIRONMENT;
    case TYPE_ENV_FILES:
        return OWNED_ENV_FILES;
    case TYPE_USERS:
        return OWNED_USERS;
    default:
        return OWNED_NOTHING;
    }
}

void schema_free_value(const struct schema_option *option, void *target)
{
    void *field = at(target, option->offset);
    switch (owned_by(option)) {
    case OWNED_NOTHING:
        break;
    case OWNED_TEXT:
        free(*(char **)field);
        *(char **)field = NULL;
        break;
    case OWNED_ENVIRONMENT:
        env_list_free(field);
        break;
    case OWNED_ENV_FILES:
        env_file_list_free(field);
        break;
    case OWNED_USERS:
        users_free(target, option);
        break;
    }
}

void schema_free_values(enum schema_table table, void *target)
{
    const struct schema_section *section = schema_section(table);
    for (size_t i = 0; i < section->n; i++)
        schema_free_value(&section->options[i], target);
}

static int own_env_files(struct env_file_list *list)
{
    const struct env_file_list source = *list;
    *list = (struct env_file_list){ 0 };
    if (source.n == 0)
        return 0;
    list->files = calloc(source.n, sizeof(*list->files));
    if (!list->files)
        return -ENOMEM;
    for (; list->n < source.n; list->n++) {
        list->files[list->n] = source.files[list->n];
        list->files[list->n].path = strdup(source.files[list->n].path);
        if (!list->files[list->n].path)
            return -ENOMEM;
    }
    return 0;
}

int schema_own_value(const struct schema_option *option, void *target)
{
    void *field = at(target, option->offset);
    char **text = field;
    switch (owned_by(option)) {
    case OWNED_NOTHING:
    case OWNED_USERS: /* servers are never copied */
        return 0;
    case OWNED_TEXT:
        if (!*text)
            return 0;
        *text = strdup(*text);
        return *text ? 0 : -ENOMEM;
    case OWNED_ENVIRONMENT: {
        const struct env_list source = *(struct env_list *)field;
        *(struct env_list *)field = (struct env_list){ 0 };
        return env_list_copy(&source, field);
    }
    case OWNED_ENV_FILES:
        return own_env_files(field);
    }
    return 0;
}

/* ---- comparing ---- */

static bool texts_differ(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) != 0 : a != b;
}

static bool environments_differ(const struct env_list *a, const struct env_list *b)
{
    if (a->n != b->n)
        return true;
    for (size_t i = 0; i < a->n; i++) {
        const struct env_var *var = &a->vars[i];
        /* Mostly both stand in the same order. */
        bool same_place = strcmp(var->name, b->vars[i].name) == 0;
        const char *other = same_place ? b->vars[i].value : env_list_get(b, var->name);
        if (!other || strcmp(var->value, other) != 0)
            return true;
    }
    return false;
}

static bool env_files_differ(const struct env_file_list *a, const struct env_file_list *b)
{
    if (a->n != b->n)
        return true;
    for (size_t i = 0; i < a->n; i++)
        if (a->files[i].optional != b->files[i].optional ||
            strcmp(a->files[i].path, b->files[i].path) != 0)
            return true;
    return false;
}

static bool rlimits_differ(const struct rlimit_config *a, const struct rlimit_config *b)
{
    return a->set != b->set || a->soft != b->soft || a->hard != b->hard;
}

static bool fields_differ(size_t offset, size_t size, const void *a, const void *b)
{
    return memcmp(at_const(a, offset), at_const(b, offset), size) != 0;
}

bool schema_differs(const struct schema_option *option, const void *a, const void *b)
{
    const void *left = at_const(a, option->offset), *right = at_const(b, option->offset);
    const void *left2 = at_const(a, option->second), *right2 = at_const(b, option->second);
    const struct process_config *pa = left2, *pb = right2;
    const struct channel_config *ca = left2, *cb = right2;
    switch (option->type) {
    case TYPE_TEXT:
    case TYPE_PATH:
    case TYPE_DIRECTORY:
    case TYPE_PARENT:
    case TYPE_MAIN_LOG:
    case TYPE_USER:
        return texts_differ(*(char *const *)left, *(char *const *)right);
    case TYPE_ADDRESS:
        return texts_differ(*(char *const *)left, *(char *const *)right) ||
               fields_differ(option->second, sizeof(uint16_t), a, b);
    case TYPE_LOGFILE:
        return ca->logfile_kind != cb->logfile_kind ||
               texts_differ(*(char *const *)left, *(char *const *)right);
    case TYPE_USER_GROUP:
        return !pa->user != !pb->user || (pa->user && pa->uid != pb->uid) ||
               pa->gid_set != pb->gid_set || (pa->gid_set && pa->gid != pb->gid);
    case TYPE_OWNER:
        return fields_differ(option->offset, sizeof(uid_t), a, b) ||
               fields_differ(option->second, sizeof(gid_t), a, b);
    case TYPE_RATE:
        return fields_differ(option->offset, sizeof(int64_t), a, b) ||
               fields_differ(option->second, sizeof(int64_t), a, b);
    case TYPE_ROTATE:
        return fields_differ(option->offset, sizeof(enum logrotate), a, b) ||
               fields_differ(option->second, sizeof(int), a, b);
    case TYPE_RLIMIT:
        return rlimits_differ(left, right);
    case TYPE_ENVIRONMENT:
        return environments_differ(left, right);
    case TYPE_ENV_FILES:
        return env_files_differ(left, right);
    default:
        return fields_differ(option->offset, option->size, a, b);
    }
}

/* ---- spelling ---- */

#define NAME_MAX_COMPARED 64

/* Edits (insert, delete, replace, swap) from a to b. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > NAME_MAX_COMPARED || m > NAME_MAX_COMPARED)
        return SIZE_MAX;
    size_t rows[3][NAME_MAX_COMPARED + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *schema_nearest(const char *written, const char *const *names, size_t n)
{
    size_t limit = strlen(written) < 4 ? 1 : strlen(written) < 8 ? 2 : 3;
    const char *nearest = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t distance = edit_distance(written, names[i]);
        if (distance <= limit) {
            nearest = names[i];
            if (distance == 0)
                break;
            limit = distance - 1;
        }
    }
    return nearest;
}
