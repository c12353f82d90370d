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
    LOGFILE_NONE, /* output is read and discarded */
    LOGFILE_AUTO, /* a generated name in childlogdir, made when the group is added */
    LOGFILE_PATH,
};

enum autorestart { AUTORESTART_NEVER, AUTORESTART_UNEXPECTED, AUTORESTART_ALWAYS };

/* stdout_logfile_rotate: when a log starts anew whatever its size. */
enum logrotate { LOGROTATE_NONE, LOGROTATE_HOURLY, LOGROTATE_DAILY, LOGROTATE_WEEKLY };

/* One output channel of one process. */
struct channel_config {
    enum logfile_kind logfile_kind;
    char *logfile;            /* LOGFILE_PATH: the path, as written after expansion; else NULL */
    int64_t logfile_maxbytes; /* bytes; 0 never rotates */
    int64_t logfile_backups;
    int64_t capture_maxbytes; /* bytes; 0: no capture mode */
    bool events_enabled;
    bool syslog;
    /* What the reference has no word for; the defaults (0, NULL, false) are its behaviour. */
    bool timestamp; /* each line begins with the time */
    char *format;   /* of a line, "json", or NULL: bytes pass untouched; not expanded */
    enum logrotate rotate;
    int rotate_minute;   /* LOGROTATE_DAILY: minutes after local midnight */
    bool compress;       /* rotated files are gzipped */
    int64_t maxage_secs; /* rotated files older than this are removed; 0: kept */
    int64_t chmod;       /* mode of the log files; -1: as the umask gives */
    uid_t owner_uid;     /* (uid_t)-1: unchanged */
    gid_t owner_gid;
};

struct fcgi_config;

struct env_var {
    char *name;
    char *value;
};

/* NAME=value pairs in the order written; names are unique. */
struct env_list {
    struct env_var *vars;
    size_t n;
};

/* environment_file: read at each start, so only the name is checked here. */
struct env_file {
    char *path;    /* absolute */
    bool optional; /* written with a leading '-': may be missing */
};

struct env_file_list {
    struct env_file *files;
    size_t n;
};

/* rlimit_nofile = soft[:hard]; RLIM_INFINITY is "unlimited". */
struct rlimit_config {
    bool set;
    uint64_t soft, hard;
};

#define CONFIG_RLIMITS 16 /* RLIM_NLIMITS of Linux; the index is RLIMIT_x */

/* cpu_affinity = 0,2-3 */
#define CONFIG_CPUS_MAX 1024
struct cpu_list {
    bool set;
    unsigned char bits[CONFIG_CPUS_MAX / 8]; /* bit n % 8 of byte n / 8 is cpu n */
};

/* exit_on: the daemon shuts down when the program ... */
enum exit_on {
    EXIT_ON_NOTHING,
    EXIT_ON_FATAL,      /* reaches FATAL */
    EXIT_ON_EXIT,       /* exits, in whatever way */
    EXIT_ON_UNEXPECTED, /* exits with a status outside exitcodes, or reaches FATAL */
};

/* killmode: who gets the SIGKILL (and, but for KILLMODE_DEFAULT, the stop signal). */
enum killmode {
    KILLMODE_DEFAULT, /* as stopasgroup and killasgroup say */
    KILLMODE_PROCESS,
    KILLMODE_GROUP,
    KILLMODE_TREE, /* the process and all its descendants */
    KILLMODE_CGROUP,
};

#define STARTRETRIES_INFINITE INT64_MAX /* startretries = infinite */
#define CONFIG_UNSET          INT64_MIN /* an optional number that was not written */

/* One process: of numprocs=3 each has its own. Strings are owned by the group_config. */
struct process_config {
    char *name;      /* process_name after expansion */
    char *section;   /* "program:web": where it was declared */
    char *command;   /* after expansion, not yet split (that happens at each spawn) */
    char *directory; /* NULL: inherit */
    char *user;      /* as written, NULL: do not switch */
    uid_t uid;       /* valid if user */
    int64_t umask;   /* -1: inherit */
    int priority;
    bool autostart;
    enum autorestart autorestart;
    int64_t startsecs;
    int64_t startretries;
    int stopsignal; /* 0: send nothing, wait for SIGKILL */
    int64_t stopwaitsecs;
    bool stopasgroup;
    bool killasgroup;
    unsigned char exitcodes[32]; /* a bit for each of 0..255 */
    bool redirect_stderr;
    struct channel_config channel[CHANNELS];
    struct env_list environment; /* [supervisord] environment, overridden by the section's */
    char *serverurl; /* SUPERVISOR_SERVER_URL; NULL: do not set it. AUTO is resolved already */
    bool serverurl_auto;
    /* What the reference has no word for; the defaults are its behaviour. */
    int64_t restartpause;   /* seconds before any automatic restart; 0: at once */
    int64_t backoff_max;    /* cap of the seconds between start attempts; 0: none */
    double backoff_factor;  /* growth of that pause; 0: one second longer each time */
    int64_t backoff_jitter; /* percent of the pause, 0..100, varied at random; 0: none */
    int64_t restart_limit;  /* N of restart_limit=N/SECS; 0: no limit */
    int64_t restart_limit_secs;
    int64_t fatal_retry_secs; /* try again this long after FATAL; 0: never */
    enum exit_on exit_on;
    struct env_file_list environment_files; /* [supervisord]'s first, then the section's */
    int reloadsignal;                       /* of "hup NAME"; SIGHUP unless written */
    struct rlimit_config rlimits[CONFIG_RLIMITS];
    int64_t nice;          /* CONFIG_UNSET: inherit */
    int64_t oom_score_adj; /* CONFIG_UNSET: inherit */
    struct cpu_list cpu_affinity;
    int64_t memory_restart; /* bytes resident of the whole tree; 0: never */
    int64_t max_age;        /* seconds a process may run; 0: for ever */
    int64_t max_age_jitter; /* seconds added at random to max_age */
    char *cgroup;           /* path below /sys/fs/cgroup; NULL: inherit */
    enum killmode killmode;
    bool gid_set; /* user = name:group */
    gid_t gid;    /* valid if gid_set; else the user's own */
    /* An fcgi-program's socket, also of one in a [group:x]; NULL: none. All processes of one
     * section have equal ones; the section tells them apart from others. */
    struct fcgi_config *fcgi;
    bool user_environment; /* set HOME, USER, LOGNAME, SHELL as of user */
};

/* Is this exit code among exitcodes? code outside 0..255 is not. */
bool process_config_expects(const struct process_config *config, int code);

enum group_kind { GROUP_PROGRAM, GROUP_EVENTLISTENER, GROUP_FCGI };

/* [fcgi-program:x] socket. */
struct fcgi_config {
    char *url;     /* "unix:///path" or "tcp://host:port", normalised */
    char *path;    /* unix only */
    char *host;    /* tcp only, lower-cased */
    uint16_t port; /* tcp only */
    int backlog;
    uid_t owner_uid; /* (uid_t)-1: unchanged */
    gid_t owner_gid;
    mode_t mode;
};

struct group_config {
    enum group_kind kind;
    char *name;
    char *section; /* "group:x", "program:x", "eventlistener:x", "fcgi-program:x" */
    int priority;
    struct process_config *processes;
    size_t n_processes;
    /* GROUP_EVENTLISTENER */
    uint64_t event_mask;       /* bits of enum event_type, as subscribed (not widened) */
    size_t buffer_size;        /* events */
    bool buffer_size_set;      /* written in the file, rather than defaulted */
    bool payload_length_bytes; /* len: counts bytes instead of characters */
    bool restart_on_protocol_error;
    int64_t result_timeout; /* seconds a listener may stay BUSY; 0: for ever */
    /* GROUP_FCGI; of a [group:x] member the fcgi-program's own */
    struct fcgi_config *fcgi; /* NULL: none */
    /* config.c's own */
    int refs_; /* atomic */
};

struct group_config *group_config_ref(struct group_config *group);
void group_config_unref(struct group_config *group); /* accepts NULL */

enum server_kind { SERVER_INET, SERVER_UNIX };

/* users = name:role:{SHA256}hex, ... */
enum server_role { SERVER_ROLE_READ, SERVER_ROLE_ADMIN };

struct server_user {
    char *name;
    enum server_role role;
    char *password; /* as written: plain, {SHA}hex or {SHA256}hex */
};

struct server_config {
    enum server_kind kind;
    char *section;   /* "inet_http_server:two" */
    char *host;      /* inet; "" is all interfaces */
    uint16_t port;   /* inet */
    char *path;      /* unix, absolute */
    mode_t mode;     /* unix */
    uid_t owner_uid; /* unix; (uid_t)-1 unchanged */
    gid_t owner_gid;
    char *username; /* NULL: no authentication */
    char *password; /* as written: plain or {SHA}hex */
    bool insecure;  /* open to change without credentials beyond loopback */
    struct server_user *users;
    size_t n_users;
    char *certfile; /* inet; NULL: no TLS */
    char *keyfile;
    int64_t max_connections; /* 0: the server's own default; so for the next two */
    int64_t max_body_bytes;
    int64_t timeout; /* seconds */
};

/* [notify:x] */
struct notify_config {
    char *name;
    char *section;
    uint64_t event_mask; /* as subscribed, not widened */
    char *command;       /* NULL if url */
    char *url;           /* NULL if command */
    int64_t rate_limit;  /* N of rate_limit=N/SECS; 0: no limit */
    int64_t rate_limit_secs;
};

struct rpcinterface_config {
    char *name; /* the namespace: "supervisor" */
    char *section;
};

struct config {
    char *path; /* absolute path of the main file */
    char *here;
    /* [supervisord] */
    int64_t minfds;
    int64_t minprocs;
    char *directory; /* NULL: none */
    char *user;      /* NULL: none */
    uid_t uid;       /* valid if user */
    mode_t umask;
    char *logfile; /* absolute, or "syslog", or NULL for none */
    int64_t logfile_maxbytes;
    int64_t logfile_backups;
    enum log_level loglevel;
    char *pidfile; /* absolute */
    char *identifier;
    bool nodaemon;
    bool silent;
    char *childlogdir;
    bool nocleanup;
    bool strip_ansi;
    struct env_list environment;
    bool log_json;       /* log_format = json */
    bool exit_when_idle; /* shut down when every process has ended */
    struct env_file_list environment_files;

    struct server_config *servers; /* in opening order: inet in file order, then unix */
    size_t n_servers;
    struct rpcinterface_config *rpcinterfaces;
    size_t n_rpcinterfaces;
    struct notify_config *notifies;
    size_t n_notifies;
    struct group_config **groups; /* sorted by (priority, name) */
    size_t n_groups;

    char **warnings; /* to be logged at WARN once the log is open */
    size_t n_warnings;
    char **infos; /* the same at INFO ("Included extra file ...") */
    size_t n_infos;
    /* config.c's own */
    struct group_config **by_name_; /* the groups sorted by name; NULL: made by hand */
};

/* What the command line said; wins over the file. NULL or -1: not given. Strings are borrowed. */
struct config_overrides {
    const char *user, *umask, *directory, *logfile, *logfile_maxbytes, *logfile_backups;
    const char *loglevel, *pidfile, *identifier, *childlogdir, *minfds, *minprocs;
    bool nodaemon, silent, nocleanup, strip_ansi;
};

/* One thing that is wrong with a file. */
struct config_problem {
    char *file;    /* as named on the command line, or the include; never NULL */
    unsigned line; /* 0: the file as a whole */
    char *section; /* "program:web"; NULL: not about a section */
    char *option;  /* NULL: not about an option */
    char *message; /* what is wrong, without its place: "startsecs" has "'x' is not ..." */
};

struct config_problems {
    char *sentence; /* the reference's sentence for the first one, as users and scripts know it */
    struct config_problem *list;
    size_t n;
};

/* Read and check path. On success *ret_config is the caller's to config_free() and
 * *ret_problems is empty.
 *
 * On failure -EINVAL or -ENOMEM; *ret_problems then has the sentence for
 * "Error: ..." and for CANT_REREAD, and every problem of the file with its place, the first
 * one included; free with config_problems_free(). Nothing is kept of a file that fails.
 * overrides may be NULL. Main thread (libconfuse's and getpwnam's state). Blocks for files only:
 * a pipe that nobody writes to is given up after two seconds.
 */
int config_read(const char *path, const struct config_overrides *overrides,
                struct config **ret_config, struct config_problems *ret_problems);

void config_problems_free(struct config_problems *problems);

/* "FILE:LINE: [SECTION] OPTION: MESSAGE", a text to free; NULL when out of memory. */
char *config_problem_text(const struct config_problem *problem);

/* The same as config_read() with the problems as one text to free(): the sentence (which may have
 * several lines itself), then one line for each problem. NULL when out of memory. */
int config_load(const char *path, const struct config_overrides *overrides,
                struct config **ret_config, char **ret_error);

/* Would [supervisord] option take this value (from the command line, so not expanded)? 0, or
 * -EINVAL with *ret_error the type's own sentence, a text to free: "9 can not be converted to an
 * octal type". option is a key as in the file ("umask"). Main thread. */
int config_check_override(const char *option, const char *value, char **ret_error);

void config_free(struct config *config); /* accepts NULL */

/* The group of this name, NULL if none. */
struct group_config *config_find_group(const struct config *config, const char *name);

/* Do two groups differ in anything that reread reports (any option of the program that was
 * written, not its effective value)? ret_why, if not NULL, gets a text to free() that names the
 * first difference: "web_0: startsecs" or "priority".
 * Source: Supervisor options.py, ProcessConfig.__eq__() and the like; unlike there a change to AUTO
 * and a change of a FastCGI socket's mode, owner or backlog counts. */
bool group_config_differs(const struct group_config *running, const struct group_config *read,
                          char **ret_why);

/* What it takes to bring what runs to what was read. */
enum config_effect {
    CONFIG_SAME,
    CONFIG_LIVE,    /* only options that a running program can take up (schema.h: live) */
    CONFIG_RESTART, /* the program, or the whole group, must be started anew */
};

/* Compare what a group has beside its processes and their number. *ret_why names the first
 * difference, a literal; NULL: none. */
enum config_effect group_config_compare(const struct group_config *running,
                                        const struct group_config *read, const char **ret_why);

/* Compare two processes. ret_why, if not NULL, gets the names of all options in which they differ,
 * "startsecs, command", a text to free(); NULL: none. */
enum config_effect process_config_compare(const struct process_config *running,
                                          const struct process_config *read, char **ret_why);

/* Are these different sockets, or differently made? Both may be NULL. */
bool fcgi_config_differs(const struct fcgi_config *a, const struct fcgi_config *b);

/* ---- where the file is, and what the client reads of it ---- */

#define CONFIG_SEARCH_PATHS 6

/* The first file that exists of those tried without -c. *ret_path is the caller's to free, NULL if
 * none exists; ret_tried, if not NULL, gets all of them joined by ", ", to free.
 * argv0 is the program's name as called. Returns 0 or -ENOMEM. */
int config_search(const char *argv0, char **ret_path, char **ret_tried);

/* [supervisorctl] */
struct client_config {
    char *serverurl; /* unix://: the path is absolute */
    char *username;  /* NULL: none */
    char *password;
    char *prompt;
    char *history_file; /* absolute; NULL: none */
    char *plugins;      /* "[ctlplugin:a], [ctlplugin:b]": sections that we cannot serve; NULL */
};

/* Read the client's section of path; NULL path gives the defaults. Other sections may be wrong, and
 * includes are not followed. 0, or a negative errno with *ret_error a text to free. */
int client_config_load(const char *path, struct client_config **ret_config, char **ret_error);
void client_config_free(struct client_config *config); /* accepts NULL */

#endif
