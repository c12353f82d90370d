/* SPDX-License-Identifier: MIT */
/* config.h: what a configuration file says, checked and expanded, never changed afterwards.
 *
 * config_load() reads the file and its includes, expands every process, and checks all of
 * it; a struct config exists only if everything was right. Groups are counted references:
 * a running group keeps the group_config it was started with until it is removed, whatever
 * is read later.
 * Source: Supervisor options.py, ServerOptions.
 */
#ifndef SUPERVISOR_CORE_CONFIG_H
#define SUPERVISOR_CORE_CONFIG_H

#include "supervisor/core/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum channel { CHANNEL_STDOUT, CHANNEL_STDERR };
#define CHANNELS 2

/* "stdout" or "stderr". */
const char *channel_name(enum channel channel);

enum logfile_kind {
    LOGFILE_NONE,   /* output is read and discarded */
    LOGFILE_AUTO,   /* a generated name in childlogdir, made when the group is added */
    LOGFILE_PATH,
};

enum autorestart { AUTORESTART_NEVER, AUTORESTART_UNEXPECTED, AUTORESTART_ALWAYS };

/* One output channel of one process. */
struct channel_config {
    enum logfile_kind logfile_kind;
    char *logfile;            /* LOGFILE_PATH: the path, as written after expansion; else NULL */
    int64_t logfile_maxbytes; /* bytes; 0 never rotates */
    int64_t logfile_backups;
    int64_t capture_maxbytes; /* bytes; 0: no capture mode */
    bool events_enabled;
    bool syslog;
};

struct env_var {
    char *name;
    char *value;
};

/* NAME=value pairs in the order written; names are unique. */
struct env_list {
    struct env_var *vars;
    size_t n;
};

/* One process: of numprocs=3 each has its own. Strings are owned by the group_config. */
struct process_config {
    char *name;         /* process_name after expansion */
    char *section;      /* "program:web": where it was declared */
    char *command;      /* after expansion, not yet split (that happens at each spawn) */
    char *directory;    /* NULL: inherit */
    char *user;         /* as written, NULL: do not switch */
    uid_t uid;          /* valid if user */
    int64_t umask;      /* -1: inherit */
    int priority;
    bool autostart;
    enum autorestart autorestart;
    int64_t startsecs;
    int64_t startretries;
    int stopsignal;     /* 0: send nothing, wait for SIGKILL */
    int64_t stopwaitsecs;
    bool stopasgroup;
    bool killasgroup;
    unsigned char exitcodes[32]; /* a bit for each of 0..255 */
    bool redirect_stderr;
    struct channel_config channel[CHANNELS];
    struct env_list environment; /* [supervisord] environment, overridden by the section's */
    char *serverurl;    /* SUPERVISOR_SERVER_URL; NULL: do not set it. AUTO is resolved already */
    bool serverurl_auto;
};

/* Is this exit code among exitcodes? code outside 0..255 is not. */
bool process_config_expects(const struct process_config *config, int code);

enum group_kind { GROUP_PROGRAM, GROUP_EVENTLISTENER, GROUP_FCGI };

/* [fcgi-program:x] socket. */
struct fcgi_config {
    char *url;          /* "unix:///path" or "tcp://host:port", normalised */
    char *path;         /* unix only */
    char *host;         /* tcp only, lower-cased */
    uint16_t port;      /* tcp only */
    int backlog;
    uid_t owner_uid;    /* (uid_t)-1: unchanged */
    gid_t owner_gid;
    mode_t mode;
};

struct group_config {
    enum group_kind kind;
    char *name;
    char *section;      /* "group:x", "program:x", "eventlistener:x", "fcgi-program:x" */
    int priority;
    struct process_config *processes;
    size_t n_processes;
    /* GROUP_EVENTLISTENER */
    uint64_t event_mask;    /* bits of enum event_type, as subscribed (not widened) */
    size_t buffer_size;     /* events */
    bool buffer_size_set;   /* written in the file, rather than defaulted */
    bool payload_length_bytes; /* len: counts bytes instead of characters */
    /* GROUP_FCGI; of a [group:x] member the fcgi-program's own */
    struct fcgi_config *fcgi; /* NULL: none */
    /* config.c's own */
    int refs_;          /* atomic */
};

struct group_config *group_config_ref(struct group_config *group);
void group_config_unref(struct group_config *group); /* accepts NULL */

enum server_kind { SERVER_INET, SERVER_UNIX };

struct server_config {
    enum server_kind kind;
    char *section;      /* "inet_http_server:two" */
    char *host;         /* inet; "" is all interfaces */
    uint16_t port;      /* inet */
    char *path;         /* unix, absolute */
    mode_t mode;        /* unix */
    uid_t owner_uid;    /* unix; (uid_t)-1 unchanged */
    gid_t owner_gid;
    char *username;     /* NULL: no authentication */
    char *password;     /* as written: plain or {SHA}hex */
};

struct rpcinterface_config {
    char *name;         /* the namespace: "supervisor" */
    char *section;
};

struct config {
    char *path;         /* absolute path of the main file */
    char *here;
    /* [supervisord] */
    int64_t minfds;
    int64_t minprocs;
    char *directory;    /* NULL: none */
    char *user;         /* NULL: none */
    uid_t uid;          /* valid if user */
    mode_t umask;
    char *logfile;      /* absolute, or "syslog", or NULL for none */
    int64_t logfile_maxbytes;
    int64_t logfile_backups;
    enum log_level loglevel;
    char *pidfile;      /* absolute */
    char *identifier;
    bool nodaemon;
    bool silent;
    char *childlogdir;
    bool nocleanup;
    bool strip_ansi;
    struct env_list environment;

    struct server_config *servers; /* in opening order: inet in file order, then unix */
    size_t n_servers;
    struct rpcinterface_config *rpcinterfaces;
    size_t n_rpcinterfaces;
    struct group_config **groups;  /* sorted by (priority, name) */
    size_t n_groups;

    char **warnings;    /* to be logged at WARN once the log is open */
    size_t n_warnings;
    char **infos;       /* the same at INFO ("Included extra file ...") */
    size_t n_infos;
};

/* What the command line said; wins over the file. NULL or -1: not given. Strings are borrowed. */
struct config_overrides {
    const char *user, *umask, *directory, *logfile, *logfile_maxbytes, *logfile_backups;
    const char *loglevel, *pidfile, *identifier, *childlogdir, *minfds, *minprocs;
    bool nodaemon, silent, nocleanup, strip_ansi;
};

/* Read and check path. On success *ret_config is the caller's to config_free().
 *
 * On failure -EINVAL (or -ENOMEM, -ENOENT, ...) and *ret_error a text to free(): its first
 * line is the reference's sentence for the first problem; further problems of the file
 * follow, one a line, as "file:line: [section] option: what". Nothing is kept of a file
 * that fails. Main thread (libconfuse's and getpwnam's state).
 */
int config_load(const char *path, const struct config_overrides *overrides,
                struct config **ret_config, char **ret_error);

void config_free(struct config *config); /* accepts NULL */

/* The group of this name, NULL if none. */
struct group_config *config_find_group(const struct config *config, const char *name);

/* Do two groups differ in anything that reread reports (config.md section 12)?
 * ret_why, if not NULL, gets a text to free() that names the first difference. */
bool group_config_differs(const struct group_config *running, const struct group_config *read,
                          char **ret_why);

#endif
