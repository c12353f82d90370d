/* SPDX-License-Identifier: MIT */
/* schema.h: every option of every section: its type, its default, its names, its help.
 *
 * The one place where an option is declared. Reading, checking, comparing, the sample file and
 * the manual's tables all go through these rows, so they cannot disagree.
 * A value is handed to libconfuse (cfg_setopt) with its file and line; its parse callback
 * comes from datatypes, and what it makes is stored at the row's place in a struct.
 * Main thread: libconfuse and the user database keep global state.
 */
#ifndef SUPERVISOR_CORE_SCHEMA_H
#define SUPERVISOR_CORE_SCHEMA_H

#include "supervisor/core/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Tables of options. A section has one of its own; eventlistener and fcgi-program have the
 * program's as well. */
enum schema_table {
    SCHEMA_SUPERVISORD,
    SCHEMA_UNIX_SERVER,
    SCHEMA_INET_SERVER,
    SCHEMA_RPCINTERFACE,
    SCHEMA_PROGRAM,
    SCHEMA_EVENTLISTENER,
    SCHEMA_FCGI,
    SCHEMA_GROUP,
    SCHEMA_NOTIFY,
    SCHEMA_INCLUDE,
    SCHEMA_SUPERVISORCTL,
    SCHEMA_CTLPLUGIN,
    SCHEMA_TABLES,
};

/* Which names a value may use in %(name)s, and when it is expanded. */
enum schema_scope {
    SCOPE_NONE,         /* not expanded */
    SCOPE_ENV,          /* ENV_x */
    SCOPE_HERE,         /* here, ENV_x */
    SCOPE_HERE_NODE,    /* here, host_node_name, ENV_x */
    SCOPE_HERE_PROGRAM, /* here, program_name, ENV_x */
    SCOPE_SECTION,      /* once a section: + group_name, host_node_name */
    SCOPE_PROCESS,      /* once a process: + process_num, numprocs, the section's own environment */
    SCOPE_PROCESS_TWICE, /* the same, and the result once more */
    SCOPE_ENVIRONMENT,   /* once a process, without the section's own environment */
};

enum schema_type {
    TYPE_TEXT,
    TYPE_INTEGER,
    TYPE_RETRIES,
    TYPE_DURATION,
    TYPE_BYTES,
    TYPE_OCTAL,
    TYPE_SIGNAL,
    TYPE_AUTORESTART,
    TYPE_LOGLEVEL,
    TYPE_EXIT_ON,
    TYPE_KILLMODE,
    TYPE_BOOLEAN,
    TYPE_LOG_FORMAT,
    TYPE_LENGTH_UNIT,
    TYPE_COMPRESSION,
    TYPE_DECIMAL,
    TYPE_PATH,
    TYPE_DIRECTORY,
    TYPE_PARENT,
    TYPE_MAIN_LOG,
    TYPE_LOGFILE,
    TYPE_USER,
    TYPE_USER_GROUP,
    TYPE_OWNER,
    TYPE_ADDRESS,
    TYPE_RATE,
    TYPE_RLIMIT,
    TYPE_CPUS,
    TYPE_EXITCODES,
    TYPE_ROTATE,
    TYPE_ENVIRONMENT,
    TYPE_ENV_FILES,
    TYPE_USERS,
    TYPE_COUNT,
};

struct schema_option {
    const char *name;
    enum schema_type type;
    enum schema_scope scope;
    const char *fallback; /* the default as one would write it; NULL: unset */
    const char *help;     /* one line */
    bool ours;            /* the reference ignores it */
    bool live;            /* of a program: a process that runs can take a new value up */
    size_t offset, size;  /* of the field in the section's struct; the owned pointer, if any */
    size_t second;        /* offset of the other field of types that have two */
    int64_t min, max;     /* of integers; both 0: any */
    const char *refusal;  /* what is said, with the value behind it, instead of the type's sentence;
                             of integers only when out of range */
};

struct schema_section {
    const char *name;  /* "program" */
    bool titled;       /* [program:NAME] */
    bool with_program; /* has the program's options as well */
    const char *help;
    const struct schema_option *options;
    size_t n;
};

/* What the program table fills: a process and how many of them there are. */
struct program_section {
    struct process_config process; /* must be first: rows of a process fit a process_config too */
    int64_t numprocs;
    int64_t numprocs_start;
    char *process_name;
};

/* What the tables of the other sections fill, where config.h has no struct for it. */
struct listener_section {
    int64_t priority;
    int64_t buffer_size;
    char *result_handler;
    char *events;
    bool redirect_stderr;
    bool payload_length_bytes;
    bool restart_on_protocol_error;
    int64_t result_timeout;
};

struct fcgi_section {
    char *user;
    uid_t uid;
    int64_t backlog;
    uid_t owner_uid;
    gid_t owner_gid;
    int64_t mode;
    char *socket;
};

struct group_section {
    char *programs;
    int64_t priority;
};

struct notify_section {
    char *events;
    char *command;
    char *url;
    int64_t rate_limit;
    int64_t rate_limit_secs;
};

const struct schema_section *schema_section(enum schema_table table);

/* The row of a key; NULL if the table has none. */
const struct schema_option *schema_find(enum schema_table table, const char *name);

/* The words for a type, as a manual would: "boolean". */
const char *schema_type_name(enum schema_type type);

struct schema; /* libconfuse's state for one reading */

/* dir is what relative paths of environment files stand below; borrowed. 0 or -ENOMEM. */
int schema_open(const char *dir, struct schema **ret_schema);
void schema_close(struct schema *schema); /* accepts NULL */

/* Parse text (already expanded) and store it in the struct at target, whose old value is freed.
 * Returns 0; -EINVAL with the type's sentence in error, and in plain, if not NULL, the same in
 * plain words; -ENOMEM. ret_odd, if not NULL, is set when an environment is oddly written. */
int schema_set(struct schema *schema, enum schema_table table, const struct schema_option *option,
               const char *text, char *file, unsigned line, void *target, bool *ret_odd,
               struct buf *error, struct buf *plain);

/* Free what the row owns in the struct; the field becomes 0. */
void schema_free_value(const struct schema_option *option, void *target);

/* Free what the rows of a table own in the struct; the fields become 0. */
void schema_free_values(enum schema_table table, void *target);

/* target is a byte copy of source: give it its own copies of what the row owns. 0 or -ENOMEM. */
int schema_own_value(const struct schema_option *option, void *target);

/* Do two structs differ in this row? */
bool schema_differs(const struct schema_option *option, const void *a, const void *b);

/* The known name that is nearest to what was written, NULL if none is near. */
const char *schema_nearest(const char *written, const char *const *names, size_t n);

#endif
