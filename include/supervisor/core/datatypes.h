/* SPDX-License-Identifier: MIT */
/* datatypes.h: text to value, with the meaning and the sentences of the reference.
 *
 * Every parse_* returns 0, or -EINVAL with one sentence appended to error, or -ENOMEM; the
 * result is untouched on failure. Numbers too large for their type become its limit: the
 * reference's are of any size, and none of them means anything there.
 * Any thread, but for users and addresses (getpwnam's state): main thread.
 * Source: Supervisor datatypes.py; Python's int(), shlex.
 */
#ifndef SUPERVISOR_CORE_DATATYPES_H
#define SUPERVISOR_CORE_DATATYPES_H

#include "supervisor/core/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;

/* text as Python's repr() shows a str: quoted, control characters escaped. */
void text_repr(struct buf *out, const char *text);

/* ---- scalars ---- */

int parse_integer(const char *text, int64_t *ret, struct buf *error);
int parse_boolean(const char *text, bool *ret, struct buf *error);
int parse_byte_size(const char *text, int64_t *ret, struct buf *error); /* "50MB"; bytes */
int parse_octal(const char *text, int64_t *ret, struct buf *error);
int parse_signal(const char *text, int *ret, struct buf *error); /* 0 sends nothing */
int parse_exitcodes(const char *text, unsigned char ret[32], struct buf *error);
int parse_autorestart(const char *text, enum autorestart *ret, struct buf *error);
int parse_log_level(const char *text, enum log_level *ret, struct buf *error);
int parse_retries(const char *text, int64_t *ret, struct buf *error);  /* or "infinite" */
int parse_duration(const char *text, int64_t *ret, struct buf *error); /* "90", "15m", "14d"; s */
int parse_decimal(const char *text, double *ret, struct buf *error);   /* not negative */
int parse_rate(const char *text, int64_t *ret_n, int64_t *ret_secs, struct buf *error); /* "5/60" */
int parse_rlimit(const char *text, struct rlimit_config *ret, struct buf *error);
int parse_cpu_list(const char *text, struct cpu_list *ret, struct buf *error); /* "0,2-3" */
int parse_rotate(const char *text, enum logrotate *ret, int *ret_minute, struct buf *error);
int parse_exit_on(const char *text, enum exit_on *ret, struct buf *error);
int parse_killmode(const char *text, enum killmode *ret, struct buf *error);

/* "TERM"; NULL for a number without a name. */
const char *signal_name(int number);

/* ---- names, paths, people, places; texts returned are to free ---- */

/* A group's, program's or process's name, trimmed. Unlike the reference, not an empty one. */
int parse_name(const char *text, char **ret, struct buf *error);

/* text with a leading ~ or ~user replaced, made absolute against the working directory and
 * without "." and ".."; NULL when out of memory. Links are not followed. */
char *path_normalize(const char *text);

/* A leading ~ or ~user replaced by that home directory, if it is known. NULL: out of memory. */
char *path_expand_home(const char *text);

int parse_existing_directory(const char *text, char **ret, struct buf *error);
int parse_existing_parent(const char *text, char **ret, struct buf *error); /* ~ expanded only */

/* NONE, AUTO, SYSLOG (*ret_syslog, and no file) or a path whose directory exists. */
int parse_logfile(const char *text, enum logfile_kind *ret_kind, char **ret_path, bool *ret_syslog,
                  struct buf *error);

/* A name or a number out of the user database. */
int parse_user(const char *text, uid_t *ret, struct buf *error);
int user_primary_group(uid_t uid, gid_t *ret); /* 0 or -ENOENT */
int parse_group(const char *text, gid_t *ret, struct buf *error);

/* "user" or "user:group"; ids that are not written become -1 (unchanged). */
int parse_owner(const char *text, uid_t *ret_uid, gid_t *ret_gid, struct buf *error);

/* "port", "*:port", "host:port", "[v6]:port". host is lower-cased, "" means all interfaces. */
int parse_inet_address(const char *text, char **ret_host, uint16_t *ret_port, struct buf *error);

/* ---- lists ---- */

/* Split at commas, items trimmed; "a," has a second, empty item. NULL-terminated, to free with
 * text_list_free(). */
int parse_text_list(const char *text, char ***ret, size_t *ret_n);
void text_list_free(char **list); /* accepts NULL */

/* KEY=value,KEY="value" as a POSIX shell quotes. ret_odd, if not NULL, is set when something else
 * than a comma separates two pairs, which nobody means. Free with env_list_free(). */
int parse_environment(const char *text, struct env_list *ret, bool *ret_odd, struct buf *error);

/* "path,-path": files whose names are made absolute against dir. */
int parse_env_files(const char *text, const char *dir, struct env_file_list *ret,
                    struct buf *error);
void env_file_list_free(struct env_file_list *list);

/* Put copies of the first list's files before those of list; 0 or -ENOMEM. */
int env_file_list_join(const struct env_file_list *first, struct env_file_list *list);

/* Append without a look at what is there: for lists that are merged into another later. 0 or
 * -ENOMEM. */
int env_list_add(struct env_list *list, const char *name, const char *value);

/* Add or replace; 0 or -ENOMEM. */
int env_list_set(struct env_list *list, const char *name, const char *value);
int env_list_merge(struct env_list *list, const struct env_list *over);
int env_list_copy(const struct env_list *from, struct env_list *ret);
const char *env_list_get(const struct env_list *list, const char *name); /* NULL: none */
void env_list_free(struct env_list *list);

/* Split a command as a POSIX shell splits words, with no other of its features. ret_argv is
 * NULL-terminated, to free with text_list_free(). -EINVAL: error gets "No closing quotation" or
 * "No escaped character". Blank text gives no words. */
int shell_words_split(const char *text, char ***ret_argv, struct buf *error);

#endif
