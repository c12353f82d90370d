/* SPDX-License-Identifier: MIT */
/* config_read.c: from a file to a configuration: includes, [supervisord], and the way of one value.
 *
 * The order in which sections are read is the reference's, for of all problems the first is
 * the one it would tell. We go on after a problem, to tell them all.
 */
#include "config_priv.h"
#include "list.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define HERE         "%(here)s"
#define PROBLEMS_MAX 1000U /* enough for anybody to correct in one go */

/* ---- problems and warnings ---- */

static char *copy_or_null(const char *text)
{
    return text ? strdup(text) : NULL;
}

void loader_problem(struct loader *loader, const char *file, unsigned line, const char *section,
                    const char *option, const char *sentence, const char *message)
{
    struct config_problems *problems = loader->problems;
    if (!problems->sentence)
        problems->sentence = strdup(sentence);
    if (problems->n >= PROBLEMS_MAX)
        return;
    if (LIST_RESERVE(problems->list, problems->n) < 0) {
        loader->no_memory = true;
        return;
    }
    struct config_problem *problem = &problems->list[problems->n++];
    *problem = (struct config_problem){
        .file = strdup(file),
        .line = line,
        .section = copy_or_null(section),
        .option = copy_or_null(option),
        .message = strdup(message),
    };
    if (!problems->sentence || !problem->file || !problem->message ||
        (section && !problem->section) || (option && !problem->option))
        loader->no_memory = true;
}

void reading_problem(const struct reading *reading, const struct ini_entry *entry,
                     const char *option, struct buf *sentence, struct buf *plain)
{
    const struct ini_section *section = reading->section;
    struct loader *loader = reading->loader;
    if (reading->is_program) {
        buf_puts(sentence, " in section ");
        text_repr(sentence, section->name);
        buf_puts(sentence, " (file: ");
        text_repr(sentence, section->file->name);
        buf_putc(sentence, ')');
    }
    if (sentence->error || plain->error)
        loader->no_memory = true;
    else
        loader_problem(loader, entry ? entry->file->name : section->file->name,
                       entry ? entry->line : section->line, section->name, option,
                       buf_text(sentence), buf_text(plain));
    buf_free(sentence);
    buf_free(plain);
}

void reading_fail(const struct reading *reading, const struct ini_entry *entry, const char *option,
                  const char *format, ...)
{
    struct buf sentence = BUF_INIT, plain = BUF_INIT;
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&sentence, format, ap);
    va_end(ap);
    buf_puts(&plain, buf_text(&sentence));
    reading_problem(reading, entry, option, &sentence, &plain);
}

static void text_add(struct loader *loader, char ***list, size_t *n, const char *text)
{
    if (*n >= LOADER_WARNINGS_MAX)
        return;
    char *copy = LIST_RESERVE(*list, *n) < 0 ? NULL : strdup(text);
    if (copy)
        (*list)[(*n)++] = copy;
    else
        loader->no_memory = true;
}

void loader_warn(struct loader *loader, const char *format, ...)
{
    struct buf text = BUF_INIT;
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    text_add(loader, &loader->config->warnings, &loader->config->n_warnings, buf_text(&text));
    buf_free(&text);
}

void loader_warn_entry(struct loader *loader, const struct ini_entry *entry, const char *format,
                       ...)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s:%u: [%s] %s: ", entry->file->name, entry->line, entry->section->name,
               entry->key);
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    text_add(loader, &loader->config->warnings, &loader->config->n_warnings, buf_text(&text));
    buf_free(&text);
}

static void loader_info(struct loader *loader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void loader_info(struct loader *loader, const char *format, ...)
{
    struct buf text = BUF_INIT;
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    text_add(loader, &loader->config->infos, &loader->config->n_infos, buf_text(&text));
    buf_free(&text);
}

/* ---- names for expansion ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct expand_name *)a)->name, ((const struct expand_name *)b)->name);
}

static void env_names_free(struct loader *loader)
{
    union {
        const char *in;
        char *out;
    } owned;
    for (size_t i = 0; i < loader->n_env_names; i++) {
        owned.in = loader->env_names[i].name;
        free(owned.out);
        owned.in = loader->env_names[i].text;
        free(owned.out);
    }
    free(loader->env_names);
    loader->env_names = NULL;
    loader->n_env_names = 0;
}

static void env_name_add(struct loader *loader, const char *name, size_t len, const char *value)
{
    struct buf full = BUF_INIT;
    buf_puts(&full, "ENV_");
    buf_append(&full, name, len);
    struct expand_name item = { .name = full.error ? NULL : strdup(buf_text(&full)),
                                .text = strdup(value) };
    buf_free(&full);
    if (LIST_RESERVE(loader->env_names, loader->n_env_names) < 0 || !item.name || !item.text)
        loader->no_memory = true;
    else
        loader->env_names[loader->n_env_names++] = item;
}

/* ENV_x: the daemon's environment and, once read, [supervisord] environment over it. */
static void env_names_build(struct loader *loader)
{
    const struct env_list *over = &loader->config->environment;
    env_names_free(loader);
    for (char **var = environ; var && *var; var++) {
        size_t len = strcspn(*var, "=");
        CLEANUP_FREE char *name = strndup(*var, len);
        if (!name)
            loader->no_memory = true;
        else if ((*var)[len] && !env_list_get(over, name))
            env_name_add(loader, name, len, *var + len + 1);
    }
    for (size_t i = 0; i < over->n; i++)
        env_name_add(loader, over->vars[i].name, strlen(over->vars[i].name), over->vars[i].value);
    if (loader->n_env_names > 0)
        qsort(loader->env_names, loader->n_env_names, sizeof(*loader->env_names), compare_names);
    loader->env_scope = (struct expand_scope){ .names = loader->env_names,
                                               .n = loader->n_env_names,
                                               .sorted = true };
}

static void scopes_build(struct loader *loader)
{
    env_names_build(loader);
    loader->here_name[0] = (struct expand_name){ .name = "here", .text = loader->here };
    loader->node_name[0] = (struct expand_name){ .name = "host_node_name", .text = loader->node };
    loader->here_scope =
        (struct expand_scope){ .outer = &loader->env_scope, .names = loader->here_name, .n = 1 };
    loader->node_scope =
        (struct expand_scope){ .outer = &loader->here_scope, .names = loader->node_name, .n = 1 };
}

/* ---- the way of one value ---- */

const struct ini_entry *reading_entry(const struct reading *reading, const char *option)
{
    const struct ini *ini = reading->loader->ini;
    const struct ini_entry *entry = ini_find(ini, reading->section, option);
    if (!entry && reading->otherwise)
        entry = ini_find(ini, reading->otherwise, option);
    if (!entry && ini_defaults(ini)->n > 0)
        entry = ini_find(ini, ini_defaults(ini), option);
    return entry;
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

char *reading_text(const struct reading *reading, const struct ini_entry *entry)
{
    const struct loader *loader = reading->loader;
    if (entry->section != ini_defaults(loader->ini) || !loader->has_include ||
        !strstr(entry->value, HERE))
        return strdup(entry->value);
    /* A value of [DEFAULT] means the directory of the file in which the section began. */
    const struct ini_file *file = reading->section->file;
    if (entry->file->order > file->order)
        file = entry->file;
    if (file->order == 0)
        return ini_replaced(entry->value, HERE, loader->here);
    CLEANUP_FREE char *dir = directory_of(file->name);
    return dir ? ini_replaced(entry->value, HERE, dir) : NULL;
}

static const struct expand_scope *scope_of(const struct reading *reading, enum schema_scope scope)
{
    const struct loader *loader = reading->loader;
    switch (scope) {
    case SCOPE_NONE:
        return NULL;
    case SCOPE_ENV:
        return &loader->env_scope;
    case SCOPE_HERE:
        return &loader->here_scope;
    case SCOPE_HERE_NODE:
        return &loader->node_scope;
    case SCOPE_HERE_PROGRAM:
    case SCOPE_SECTION:
    case SCOPE_PROCESS:
    case SCOPE_PROCESS_TWICE:
    case SCOPE_ENVIRONMENT:
        return reading->scope;
    }
    return NULL;
}

static int expand_option(const struct reading *reading, const struct schema_option *option,
                         char **text, struct buf *error)
{
    const struct expand_scope *scope = scope_of(reading, option->scope);
    if (!scope || !strchr(*text, '%'))
        return 0;
    struct buf label = BUF_INIT;
    if (option->type == TYPE_ENVIRONMENT)
        buf_puts(&label, "environment");
    else
        buf_printf(&label, "%s.%s", reading->section->name, option->name);
    char *expanded = NULL;
    int status =
        label.error ? -ENOMEM : expand_text(*text, scope, buf_text(&label), &expanded, error);
    buf_free(&label);
    if (status < 0)
        return status;
    free(*text);
    *text = expanded;
    if (option->scope != SCOPE_PROCESS_TWICE)
        return 0;
    status = expand_text(*text, scope, option->name, &expanded, error);
    if (status == 0) {
        free(*text);
        *text = expanded;
    }
    return status;
}

/* The sentence about an expansion without its list of names, which has the whole environment. */
static void put_plain_expansion(struct buf *plain, const struct buf *sentence)
{
    const char *text = buf_text(sentence);
    const char *names = strstr(text, ". Available names: ");
    buf_append(plain, text, names ? (size_t)(names - text) : sentence->len);
}

int reading_get(const struct reading *reading, const struct schema_option *option)
{
    struct loader *loader = reading->loader;
    const struct ini_entry *entry = reading_entry(reading, option->name);
    if (!entry && !option->fallback)
        return 0;
    CLEANUP_FREE char *text = entry ? reading_text(reading, entry) : strdup(option->fallback);
    struct buf sentence = BUF_INIT, plain = BUF_INIT;
    bool odd = false;
    int status = text ? expand_option(reading, option, &text, &sentence) : -ENOMEM;
    if (status == -EINVAL)
        put_plain_expansion(&plain, &sentence);
    if (status == 0)
        status = schema_set(loader->schema, reading->table, option, text,
                            entry ? entry->file->name : reading->section->file->name,
                            entry ? entry->line : reading->section->line, reading->target, &odd,
                            &sentence, &plain);
    if (status == -EINVAL)
        reading_problem(reading, entry, option->name, &sentence, &plain);
    buf_free(&sentence);
    buf_free(&plain);
    if (status == -ENOMEM)
        loader->no_memory = true;
    if (odd)
        loader_warn_entry(loader, entry,
                          "something else than a comma stands between two variables; quote values "
                          "that hold other characters than letters, digits and _/.+-():");
    return status < 0 ? status : entry != NULL;
}

bool section_is(const struct ini_section *section, const char *prefix)
{
    return strncmp(section->name, prefix, strlen(prefix)) == 0;
}

/* ---- [supervisord] ---- */

static const struct {
    const char *option;
    size_t offset; /* of the text in config_overrides */
} overridable[] = {
    { "minfds", offsetof(struct config_overrides, minfds) },
    { "minprocs", offsetof(struct config_overrides, minprocs) },
    { "directory", offsetof(struct config_overrides, directory) },
    { "umask", offsetof(struct config_overrides, umask) },
    { "logfile", offsetof(struct config_overrides, logfile) },
    { "logfile_maxbytes", offsetof(struct config_overrides, logfile_maxbytes) },
    { "logfile_backups", offsetof(struct config_overrides, logfile_backups) },
    { "loglevel", offsetof(struct config_overrides, loglevel) },
    { "pidfile", offsetof(struct config_overrides, pidfile) },
    { "identifier", offsetof(struct config_overrides, identifier) },
    { "childlogdir", offsetof(struct config_overrides, childlogdir) },
    { "user", offsetof(struct config_overrides, user) },
};

static const char *override_of(const struct loader *loader, const char *option)
{
    for (size_t i = 0; i < sizeof(overridable) / sizeof(*overridable); i++)
        if (strcmp(overridable[i].option, option) == 0)
            return *(const char *const *)((const char *)loader->overrides + overridable[i].offset);
    return NULL;
}

/* The command line's value replaces the file's, which had to be right all the same. */
static void apply_override(const struct reading *reading, const struct schema_option *option)
{
    const char *text = override_of(reading->loader, option->name);
    if (!text)
        return;
    char file[] = "command line";
    struct buf sentence = BUF_INIT, plain = BUF_INIT;
    int status = schema_set(reading->loader->schema, reading->table, option, text, file, 0,
                            reading->target, NULL, &sentence, &plain);
    if (status == -EINVAL)
        loader_problem(reading->loader, file, 0, NULL, option->name, buf_text(&sentence),
                       buf_text(&plain));
    else if (status < 0)
        reading->loader->no_memory = true;
    buf_free(&sentence);
    buf_free(&plain);
}

int config_check_override(const char *option, const char *value, char **ret_error)
{
    const struct schema_option *row = schema_find(SCHEMA_SUPERVISORD, option);
    struct schema *schema = NULL;
    struct config scratch = { 0 };
    struct buf error = BUF_INIT;
    char file[] = "command line";
    *ret_error = NULL;
    int status = row ? schema_open("/", &schema) : -EINVAL;
    if (status == 0)
        status = schema_set(schema, SCHEMA_SUPERVISORD, row, value, file, 0, &scratch, NULL, &error,
                            NULL);
    if (status < 0)
        *ret_error = strdup(status == -ENOMEM ? "out of memory" : buf_text(&error));
    schema_free_values(SCHEMA_SUPERVISORD, &scratch);
    schema_close(schema);
    buf_free(&error);
    return status;
}

static bool is_writable_directory(const char *path)
{
    struct stat st;
    return path && *path && stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           access(path, W_OK | X_OK) == 0;
}

/* Where temporary files go. Source: Python's tempfile.gettempdir(). */
static char *temporary_directory(void)
{
    const char *candidates[] = { getenv("TMPDIR"), getenv("TEMP"), getenv("TMP"),
                                 "/tmp",           "/var/tmp",     "/usr/tmp" };
    for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++)
        if (is_writable_directory(candidates[i]))
            return path_normalize(candidates[i]);
    return path_normalize(".");
}

static void finish_supervisord(struct loader *loader)
{
    struct config *config = loader->config;
    config->nodaemon |= loader->overrides->nodaemon;
    config->silent |= loader->overrides->silent;
    config->nocleanup |= loader->overrides->nocleanup;
    config->strip_ansi |= loader->overrides->strip_ansi;
    /* A negative size would lose everything there; nobody means that. */
    if (config->logfile_maxbytes < 0)
        config->logfile_maxbytes = 0;
    if (config->logfile_backups < 0)
        config->logfile_backups = 0;
    if (config->logfile && !*config->logfile) {
        free(config->logfile);
        config->logfile = NULL;
        loader_warn(loader, "no main log file, as the configuration says");
    }
    if (!config->childlogdir) {
        config->childlogdir = temporary_directory();
        loader->no_memory |= !config->childlogdir;
    }
}

static void read_supervisord(struct loader *loader, const struct ini_section *section)
{
    const struct schema_section *rows = schema_section(SCHEMA_SUPERVISORD);
    const struct reading reading = {
        .loader = loader, .section = section, .table = SCHEMA_SUPERVISORD, .target = loader->config
    };
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->options[i].type == TYPE_USER)
            continue;                                   /* is looked up last of all */
        (void)reading_get(&reading, &rows->options[i]); /* problems are noted */
        apply_override(&reading, &rows->options[i]);
    }
    finish_supervisord(loader);
    env_names_build(loader); /* its environment is seen by the sections that follow */
}

static void read_user(struct loader *loader, const struct ini_section *section)
{
    const struct schema_option *user = schema_find(SCHEMA_SUPERVISORD, "user");
    const struct reading reading = {
        .loader = loader, .section = section, .table = SCHEMA_SUPERVISORD, .target = loader->config
    };
    (void)reading_get(&reading, user); /* problems are noted */
    apply_override(&reading, user);
}

/* ---- files ---- */

static void take_ini_error(struct loader *loader, const char *file, struct ini_error *error)
{
    for (size_t i = 0; i < error->n; i++)
        loader_problem(loader, file, error->list[i].line, NULL, NULL,
                       error->sentence ? error->sentence : "out of memory", error->list[i].message);
    ini_error_free(error);
}

static void read_included(struct loader *loader, const char *path)
{
    struct ini_error error;
    int status = ini_read_file(loader->ini, path, &error);
    loader_info(loader, "Included extra file \"%s\" during parsing", path);
    if (status == -EINVAL) {
        take_ini_error(loader, path, &error);
    } else if (status == -ENOMEM) {
        loader->no_memory = true;
    } else if (status < 0) {
        loader_warn(loader, "included file %s was skipped: %s", path,
                    error.n > 0 ? error.list[0].message : strerror(-status));
    } else {
        CLEANUP_FREE char *dir = directory_of(path);
        if (!dir || ini_replace(loader->ini, HERE, dir) < 0)
            loader->no_memory = true;
    }
    ini_error_free(&error);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_pattern(struct loader *loader, const char *pattern)
{
    struct stat st;
    if (!strpbrk(pattern, "*?[")) {
        if (lstat(pattern, &st) == 0)
            read_included(loader, pattern);
        else
            loader_warn(loader, "No file matches via include \"%s\"", pattern);
        return;
    }
    glob_t found = { 0 };
    int status = glob(pattern, GLOB_NOSORT | GLOB_NOESCAPE, NULL, &found);
    if (status == GLOB_NOSPACE)
        loader->no_memory = true;
    else if (status != 0 || found.gl_pathc == 0)
        loader_warn(loader, "No file matches via include \"%s\"", pattern);
    else
        qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), compare_paths);
    for (size_t i = 0; status == 0 && i < found.gl_pathc; i++)
        read_included(loader, found.gl_pathv[i]);
    globfree(&found);
}

static void read_includes(struct loader *loader)
{
    const struct ini_section *section = ini_find_section(loader->ini, "include");
    if (!section)
        return;
    loader->has_include = true;
    if (ini_replace(loader->ini, HERE, loader->here) < 0)
        loader->no_memory = true;
    const struct reading reading = { .loader = loader,
                                     .section = section,
                                     .table = SCHEMA_INCLUDE };
    const struct ini_entry *entry = reading_entry(&reading, "files");
    if (!entry) {
        reading_fail(&reading, NULL, "files",
                     ".ini file has [include] section, but no files setting");
        return;
    }
    CLEANUP_FREE char *text = reading_text(&reading, entry);
    CLEANUP_FREE char *expanded = NULL;
    struct buf sentence = BUF_INIT, plain = BUF_INIT;
    int status =
        !text ? -ENOMEM
              : expand_text(text, &loader->node_scope, "include.files", &expanded, &sentence);
    if (status == -EINVAL) {
        buf_puts(&plain, buf_text(&sentence));
        reading_problem(&reading, entry, "files", &sentence, &plain);
    }
    buf_free(&sentence);
    loader->no_memory |= status == -ENOMEM;
    for (char *p = expanded; p && *(p += strspn(p, " \t\r\n\v\f"));) {
        size_t len = strcspn(p, " \t\r\n\v\f");
        struct buf pattern = BUF_INIT;
        if (*p != '/')
            buf_printf(&pattern, "%s/", strcmp(loader->here, "/") == 0 ? "" : loader->here);
        buf_append(&pattern, p, len);
        read_pattern(loader, buf_text(&pattern));
        buf_free(&pattern);
        p += len;
    }
}

bool loader_read_file(struct loader *loader, const char *path)
{
    struct ini_error error;
    int status = ini_read_file(loader->ini, path, &error);
    loader->no_memory |= status == -ENOMEM;
    take_ini_error(loader, path, &error);
    return status == 0;
}

/* Main file and includes. Returns whether there is something to look into. */
static bool read_files(struct loader *loader)
{
    if (!loader_read_file(loader, loader->path))
        return false;
    read_includes(loader);
    if (loader->problems->n == 0 && !ini_find_section(loader->ini, "supervisord"))
        loader_problem(loader, loader->path, 0, NULL, NULL,
                       ".ini file does not include supervisord section",
                       ".ini file does not include supervisord section");
    return loader->problems->n == 0;
}

static void read_sections(struct loader *loader)
{
    const struct ini_section *supervisord = ini_find_section(loader->ini, "supervisord");
    loader->program_default = ini_find_section(loader->ini, "program-default");
    read_supervisord(loader, supervisord);
    loader_read_rpcinterfaces(loader);
    loader_read_groups(loader);
    loader_read_servers(loader);
    read_user(loader, supervisord);
    loader_read_notifies(loader);
    loader_check_names(loader);
}

int loader_open(struct loader *loader, const char *path, const struct config_overrides *overrides,
                struct config_problems *problems)
{
    static const struct config_overrides none = { 0 };
    *loader = (struct loader){ .path = path,
                               .overrides = overrides ? overrides : &none,
                               .problems = problems };
    struct utsname uts;
    if (uname(&uts) == 0)
        strncat(loader->node, uts.nodename, sizeof(loader->node) - 1);
    loader->config = calloc(1, sizeof(*loader->config));
    if (!loader->config)
        return -ENOMEM;
    loader->config->path = path_normalize(loader->path);
    loader->here = loader->config->path ? directory_of(loader->config->path) : NULL;
    loader->config->here = loader->here ? strdup(loader->here) : NULL;
    if (!loader->config->here || schema_open(loader->here, &loader->schema) < 0)
        return -ENOMEM;
    int status = ini_new(&loader->ini);
    if (status == 0)
        scopes_build(loader);
    return status;
}

void loader_close(struct loader *loader)
{
    schema_free_values(SCHEMA_PROGRAM, &loader->program_defaults);
    free(loader->grouped);
    env_names_free(loader);
    ini_free(loader->ini);
    schema_close(loader->schema);
    free(loader->here);
    config_free(loader->config);
}

int config_read(const char *path, const struct config_overrides *overrides,
                struct config **ret_config, struct config_problems *ret_problems)
{
    *ret_problems = (struct config_problems){ 0 };
    struct loader loader;
    int status = loader_open(&loader, path, overrides, ret_problems);
    if (status == 0 && read_files(&loader))
        read_sections(&loader);
    if (status < 0 || loader.no_memory) {
        status = -ENOMEM;
        if (!ret_problems->sentence)
            ret_problems->sentence = strdup("out of memory");
    } else if (ret_problems->n > 0) {
        status = -EINVAL;
    } else {
        *ret_config = take_ptr(&loader.config);
    }
    loader_close(&loader);
    return status;
}
