/* SPDX-License-Identifier: MIT */
/* schema_priv.h: what the rows, the types and the reading of values share. */
#ifndef CORE_SCHEMA_PRIV_H
#define CORE_SCHEMA_PRIV_H

#include "supervisor/core/schema.h"

#include <confuse.h>

/* What a parse callback makes of types that are more than a number or a text; of each type only
 * some fields are used. */
struct schema_box {
    char *text;
    struct env_list environment;
    bool environment_odd;
    struct env_file_list env_files;
    struct server_user *users;
    size_t n_users;
    enum logfile_kind logfile_kind;
    bool syslog;
    uid_t uid;
    gid_t gid;
    bool gid_set;
    uint16_t port;
    int64_t n, secs;
    int minute;
    struct rlimit_config rlimit;
    struct cpu_list cpus;
    unsigned char exitcodes[32];
};

void schema_box_free(void *box);

/* How libconfuse keeps a type, and how it reads it. */
struct schema_type_row {
    const char *name;  /* in manuals */
    const char *plain; /* "'x' is not PLAIN"; NULL: the type's own sentence serves */
    cfg_type_t storage;
    cfg_callback_t parse;
};

extern const struct schema_type_row schema_types[TYPE_COUNT];

#endif
