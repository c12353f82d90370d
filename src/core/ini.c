/* SPDX-License-Identifier: MIT */
/* ini.c: the dialect, line by line. */
#include "supervisor/core/ini.h"
#include "list.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PIPE_WAIT_MS     2000 /* longest silence of a pipe that is read as a file */
#define PROBLEMS_MAX     200  /* bad lines that are told one by one */
#define PROBLEM_LINE_MAX 400U /* bytes shown of a bad line */
#define DEFAULT_SECTION  "DEFAULT"
#define UTF8_BOM         "\xEF\xBB\xBF"

struct ini {
    struct ini_section **sections;
    size_t n;
    struct ini_section *defaults;
    struct ini_file **files;
    size_t n_files;
    void *section_index; /* tsearch(3) trees: names -> sections, (section, key) -> entries */
    void *entry_index;
    struct ini_entry **fresh;
    size_t n_fresh;
};

static int compare_sections(const void *a, const void *b)
{
    return strcmp(((const struct ini_section *)a)->name, ((const struct ini_section *)b)->name);
}

static int compare_entries(const void *a, const void *b)
{
    const struct ini_entry *left = a, *right = b;
    if (left->section != right->section)
        return (uintptr_t)left->section < (uintptr_t)right->section ? -1 : 1;
    return strcmp(left->key, right->key);
}

/* ---- the table ---- */

static void section_free(struct ini_section *section)
{
    if (!section)
        return;
    for (size_t i = 0; i < section->n; i++) {
        free(section->entries[i]->key);
        free(section->entries[i]->value);
        free(section->entries[i]);
    }
    free(section->entries);
    free(section->name);
    free(section);
}

static void keep_node(void *node)
{
    (void)node; /* the trees own no items */
}

void ini_free(struct ini *ini)
{
    if (!ini)
        return;
    tdestroy(ini->section_index, keep_node);
    tdestroy(ini->entry_index, keep_node);
    for (size_t i = 0; i < ini->n; i++)
        section_free(ini->sections[i]);
    section_free(ini->defaults);
    for (size_t i = 0; i < ini->n_files; i++) {
        free(ini->files[i]->name);
        free(ini->files[i]);
    }
    free(ini->sections);
    free(ini->files);
    free(ini->fresh);
    free(ini);
}

static struct ini_section *section_new(const char *name, size_t len, const struct ini_file *file,
                                       unsigned line)
{
    struct ini_section *section = calloc(1, sizeof(*section));
    if (!section)
        return NULL;
    section->name = strndup(name, len);
    section->file = file;
    section->line = line;
    if (!section->name) {
        free(section);
        return NULL;
    }
    return section;
}

int ini_new(struct ini **ret_ini)
{
    struct ini *ini = calloc(1, sizeof(*ini));
    if (!ini)
        return -ENOMEM;
    ini->defaults = section_new(DEFAULT_SECTION, strlen(DEFAULT_SECTION), NULL, 0);
    if (!ini->defaults) {
        free(ini);
        return -ENOMEM;
    }
    *ret_ini = ini;
    return 0;
}

size_t ini_section_count(const struct ini *ini)
{
    return ini->n;
}

const struct ini_section *ini_section_at(const struct ini *ini, size_t i)
{
    return ini->sections[i];
}

const struct ini_section *ini_defaults(const struct ini *ini)
{
    return ini->defaults;
}

const struct ini_section *ini_find_section(const struct ini *ini, const char *name)
{
    union {
        const char *in;
        char *out;
    } borrowed = { .in = name }; /* only compared */
    struct ini_section key = { .name = borrowed.out };
    struct ini_section **found = tfind(&key, &ini->section_index, compare_sections);
    return found ? *found : NULL;
}

const struct ini_entry *ini_find(const struct ini *ini, const struct ini_section *section,
                                 const char *key)
{
    union {
        const char *in;
        char *out;
    } borrowed = { .in = key }; /* only compared */
    struct ini_entry wanted = { .section = section, .key = borrowed.out };
    struct ini_entry **found = tfind(&wanted, &ini->entry_index, compare_entries);
    return found ? *found : NULL;
}

const struct ini_entry *ini_get(const struct ini *ini, const struct ini_section *section,
                                const char *key)
{
    const struct ini_entry *entry = ini_find(ini, section, key);
    return entry ? entry : ini_find(ini, ini->defaults, key);
}

static int file_add(struct ini *ini, const char *name, const struct ini_file **ret_file)
{
    if (LIST_RESERVE(ini->files, ini->n_files) < 0)
        return -ENOMEM;
    struct ini_file *file = calloc(1, sizeof(*file));
    if (!file)
        return -ENOMEM;
    file->name = strdup(name);
    if (!file->name) {
        free(file);
        return -ENOMEM;
    }
    file->order = (unsigned)ini->n_files;
    ini->files[ini->n_files++] = file;
    *ret_file = file;
    return 0;
}

static int section_open(struct ini *ini, const char *name, size_t len, const struct ini_file *file,
                        unsigned line, struct ini_section **ret_section)
{
    if (len == strlen(DEFAULT_SECTION) && memcmp(name, DEFAULT_SECTION, len) == 0) {
        *ret_section = ini->defaults;
        return 0;
    }
    struct ini_section *section = section_new(name, len, file, line);
    if (!section)
        return -ENOMEM;
    struct ini_section **found = tsearch(section, &ini->section_index, compare_sections);
    if (found && *found != section) {
        section_free(section);
        *ret_section = *found;
        return 0;
    }
    if (!found || LIST_RESERVE(ini->sections, ini->n) < 0) {
        if (found)
            (void)tdelete(section, &ini->section_index, compare_sections); /* just put there */
        section_free(section);
        return -ENOMEM;
    }
    ini->sections[ini->n++] = section;
    *ret_section = section;
    return 0;
}

static void entry_free(struct ini_entry *entry)
{
    free(entry->key);
    free(entry->value);
    free(entry);
}

/* The entry for key, made if need be; its old value is forgotten. */
static int entry_open(struct ini *ini, struct ini_section *section, const char *key, size_t len,
                      struct ini_entry **ret_entry)
{
    struct ini_entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    entry->section = section;
    entry->key = strndup(key, len);
    entry->value = strdup("");
    if (!entry->key || !entry->value) {
        entry_free(entry);
        return -ENOMEM;
    }
    for (char *c = entry->key; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');

    struct ini_entry **found = tsearch(entry, &ini->entry_index, compare_entries);
    if (found && *found != entry) {
        entry_free(entry);
        *ret_entry = *found;
        return 0;
    }
    if (!found || LIST_RESERVE(section->entries, section->n) < 0) {
        if (found)
            (void)tdelete(entry, &ini->entry_index, compare_entries); /* just put there */
        entry_free(entry);
        return -ENOMEM;
    }
    section->entries[section->n++] = entry;
    *ret_entry = entry;
    return 0;
}

/* ---- white space, as Python's str.isspace() has it ---- */

/* Bytes of the white space character at p, 0 if there is none. */
static size_t space_at(const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    if (c < 0x80)
        return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    if (c == 0xC2 && end - p >= 2)
        return (unsigned char)p[1] == 0x85 || (unsigned char)p[1] == 0xA0 ? 2 : 0;
    if (end - p < 3)
        return 0;
    unsigned code = (unsigned)(c & 0x0F) << 12 | (unsigned)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    if ((c & 0xF0) != 0xE0)
        return 0;
    return code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
                   code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000
               ? 3
               : 0;
}

/* Bytes of the white space character that ends at end, 0 if there is none. */
static size_t space_before(const char *start, const char *end)
{
    for (ptrdiff_t len = 1; len <= 3 && end - start >= len; len++)
        if (space_at(end - len, end) == (size_t)len)
            return (size_t)len;
    return 0;
}

static const char *skip_spaces(const char *p, const char *end, unsigned *ret_columns)
{
    unsigned columns = 0;
    for (size_t len; p < end && (len = space_at(p, end)) > 0; p += len)
        columns++;
    if (ret_columns)
        *ret_columns = columns;
    return p;
}

static const char *trim_end(const char *start, const char *end)
{
    for (size_t len; end > start && (len = space_before(start, end)) > 0; end -= len)
        ;
    return end;
}

/* ---- the reader ---- */

struct reader {
    struct ini *ini;
    const struct ini_file *file;
    struct ini_section *section; /* NULL: before the first header */
    struct ini_entry *entry;     /* NULL: no value that could be continued */
    struct buf value;            /* of entry, as far as read */
    char quote;                  /* the quote that is open in value, or 0 */
    unsigned indent;
    unsigned line;
    size_t n_bad;
    struct buf bad_text; /* the tail of the sentence about bad lines */
    struct ini_error *error;
};

void ini_error_free(struct ini_error *error)
{
    for (size_t i = 0; i < error->n; i++)
        free(error->list[i].message);
    free(error->list);
    free(error->sentence);
    *error = (struct ini_error){ 0 };
}

static int problem_add(struct ini_error *error, unsigned line, const char *message)
{
    if (LIST_RESERVE(error->list, error->n) < 0)
        return -ENOMEM;
    char *copy = strdup(message);
    if (!copy)
        return -ENOMEM;
    error->list[error->n++] = (struct ini_problem){ .line = line, .message = copy };
    return 0;
}

/* Fails with this sentence; it is the only problem. */
static int fail(struct ini_error *error, int status, unsigned line, struct buf *sentence,
                const char *message)
{
    if (!sentence->error && problem_add(error, line, message) == 0)
        error->sentence = strdup(buf_text(sentence));
    buf_free(sentence);
    return error->sentence ? status : -ENOMEM;
}

static void quote_track(struct reader *r, const char *start, const char *end)
{
    for (const char *p = start; p < end; p++) {
        if (*p == '\\' && r->quote != '\'')
            p++;
        else if (r->quote == *p)
            r->quote = 0;
        else if (!r->quote && (*p == '"' || *p == '\''))
            r->quote = *p;
    }
}

/* The value of the current key is complete. */
static int value_finish(struct reader *r)
{
    struct ini_entry *entry = r->entry;
    if (!entry)
        return 0;
    r->entry = NULL;
    const char *text = buf_text(&r->value);
    char *value = strndup(text, (size_t)(trim_end(text, text + r->value.len) - text));
    if (!value || r->value.error) {
        free(value);
        return -ENOMEM;
    }
    free(entry->value);
    entry->value = value;

    struct ini *ini = r->ini;
    if (entry->fresh)
        return 0;
    if (LIST_RESERVE(ini->fresh, ini->n_fresh) < 0)
        return -ENOMEM;
    ini->fresh[ini->n_fresh++] = entry;
    entry->fresh = true;
    return 0;
}

static void value_append(struct reader *r, const char *start, const char *end, bool cut)
{
    buf_append(&r->value, start, (size_t)(end - start));
    quote_track(r, start, end);
    if (cut && r->quote && !r->entry->cut_line)
        r->entry->cut_line = r->line;
}

static void line_repr(struct buf *out, const char *line, const char *end, bool terminated)
{
    size_t len = (size_t)(end - line);
    if (len > PROBLEM_LINE_MAX) {
        for (len = PROBLEM_LINE_MAX; len > 0 && ((unsigned char)line[len] & 0xC0) == 0x80; len--)
            ;
        terminated = false;
    }
    CLEANUP_FREE char *text = malloc(len + 2);
    if (!text) {
        out->error = -ENOMEM;
        return;
    }
    memcpy(text, line, len);
    if (terminated)
        text[len++] = '\n';
    text[len] = '\0';
    text_repr(out, text);
}

static int bad_line(struct reader *r, const char *line, const char *end, bool terminated)
{
    if (r->n_bad++ >= PROBLEMS_MAX)
        return 0;
    buf_printf(&r->bad_text, "\n\t[line %2u]: ", r->line);
    line_repr(&r->bad_text, line, end, terminated);

    struct buf message = BUF_INIT;
    buf_puts(&message, "neither a [section] nor a key = value: ");
    line_repr(&message, line, end, false);
    int status = message.error ? message.error : problem_add(r->error, r->line, buf_text(&message));
    buf_free(&message);
    return status;
}

static int no_header(struct reader *r, const char *line, const char *end, bool terminated)
{
    struct buf sentence = BUF_INIT;
    buf_puts(&sentence, "File contains no section headers.\nfile: ");
    text_repr(&sentence, r->file->name);
    buf_printf(&sentence, ", line: %u\n", r->line);
    line_repr(&sentence, line, end, terminated);
    return fail(r->error, -EINVAL, r->line, &sentence, "this stands before any [section]");
}

/* Where a comment begins in the line; end if nowhere. */
static const char *comment_start(const char *line, const char *text, const char *end)
{
    if (text < end && (*text == ';' || *text == '#'))
        return line; /* all of it, however far indented */
    for (const char *p = text; p < end; p++)
        if ((*p == ';' || *p == '#') && (p == line || space_before(line, p)))
            return p;
    return end;
}

static int option_line(struct reader *r, const char *text, const char *value_end, bool cut,
                       const char *line, const char *end, bool terminated)
{
    const char *delimiter = text;
    while (delimiter < value_end && *delimiter != '=' && *delimiter != ':')
        delimiter++;
    const char *key_end = trim_end(text, delimiter);
    if (delimiter == value_end)
        return bad_line(r, line, end, terminated);

    int status = value_finish(r);
    if (status < 0)
        return status;
    if (key_end == text)
        return bad_line(r, line, end, terminated);
    status = entry_open(r->ini, r->section, text, (size_t)(key_end - text), &r->entry);
    if (status < 0)
        return status;
    r->entry->file = r->file;
    r->entry->line = r->line;
    r->entry->cut_line = 0;
    r->quote = 0;
    buf_reset(&r->value);
    value_append(r, skip_spaces(delimiter + 1, value_end, NULL), value_end, cut);
    return 0;
}

/* One line, without its end. */
static int read_line(struct reader *r, const char *line, const char *end, bool terminated)
{
    r->line++;
    unsigned column;
    const char *text = skip_spaces(line, end, &column);
    const char *comment = comment_start(line, text, end);
    const char *value_end = comment > text ? trim_end(text, comment) : text;
    bool cut = comment < end;

    if (value_end == text) {
        if (!cut && r->entry)
            buf_putc(&r->value, '\n');
        return 0;
    }
    if (r->section && r->entry && column > r->indent) {
        buf_putc(&r->value, '\n');
        value_append(r, text, value_end, cut);
        return 0;
    }
    r->indent = column;
    if (*text == '[') {
        const char *bracket = value_end - 1;
        while (*bracket != ']' && bracket > text)
            bracket--;
        if (bracket > text + 1) {
            int status = value_finish(r);
            return status < 0 ? status
                              : section_open(r->ini, text + 1, (size_t)(bracket - text - 1),
                                             r->file, r->line, &r->section);
        }
    }
    if (!r->section)
        return no_header(r, line, end, terminated);
    return option_line(r, text, value_end, cut, line, end, terminated);
}

static int read_lines(struct reader *r, const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        const char *line_end = text;
        while (line_end < end && *line_end != '\n' && *line_end != '\r')
            line_end++;
        int status = read_line(r, text, line_end, line_end < end);
        if (status < 0)
            return status;
        if (line_end < end)
            line_end += line_end + 1 < end && line_end[0] == '\r' && line_end[1] == '\n' ? 2 : 1;
        text = line_end;
    }
    return value_finish(r);
}

/* ---- what is no text at all ---- */

/* Bytes of the valid UTF-8 character at p; else 0, and *ret_good of its bytes were right. */
static size_t utf8_at(const unsigned char *p, const unsigned char *end, size_t *ret_good)
{
    *ret_good = 1;
    if (*p < 0x80)
        return 1;
    size_t len = *p >= 0xF0 ? 4 : *p >= 0xE0 ? 3 : 2;
    if (*p < 0xC2 || *p > 0xF4)
        return *ret_good = 0;
    unsigned char low = *p == 0xE0 ? 0xA0 : *p == 0xF0 ? 0x90 : 0x80;
    unsigned char high = *p == 0xED ? 0x9F : *p == 0xF4 ? 0x8F : 0xBF;
    for (size_t i = 1; i < len; i++) {
        if (p + i >= end || p[i] < low || p[i] > high)
            return 0;
        low = 0x80;
        high = 0xBF;
        *ret_good = i + 1;
    }
    return len;
}

static int check_encoding(const char *text, size_t len, struct ini_error *error)
{
    const unsigned char *start = (const unsigned char *)text, *end = start + len;
    unsigned line = 1;
    struct buf sentence = BUF_INIT;
    for (const unsigned char *p = start; p < end;) {
        if (*p == '\0') {
            buf_printf(&sentence, "NUL byte in position %td: this is no text file", p - start);
            return fail(error, -EINVAL, line, &sentence, "NUL byte: this is no text file");
        }
        size_t good, size = utf8_at(p, end, &good);
        if (size == 0) {
            const char *why = good == 0         ? "invalid start byte"
                              : p + good == end ? "unexpected end of data"
                                                : "invalid continuation byte";
            if (good > 1)
                buf_printf(&sentence, "'utf-8' codec can't decode bytes in position %td-%td: %s",
                           p - start, p - start + (ptrdiff_t)good - 1, why);
            else
                buf_printf(&sentence, "'utf-8' codec can't decode byte 0x%02x in position %td: %s",
                           *p, p - start, why);
            return fail(error, -EINVAL, line, &sentence, "not valid UTF-8");
        }
        line += *p == '\n';
        p += size;
    }
    return 0;
}

int ini_read_text(struct ini *ini, const char *name, const char *text, size_t len,
                  struct ini_error *ret_error)
{
    *ret_error = (struct ini_error){ 0 };
    int status = check_encoding(text, len, ret_error);
    if (status < 0)
        return status;
    if (len >= strlen(UTF8_BOM) && memcmp(text, UTF8_BOM, strlen(UTF8_BOM)) == 0) {
        text += strlen(UTF8_BOM);
        len -= strlen(UTF8_BOM);
    }
    struct reader r = { .ini = ini, .error = ret_error };
    status = file_add(ini, name, &r.file);
    if (status == 0)
        status = read_lines(&r, text, len);
    if (status == 0 && r.n_bad > 0) {
        struct buf sentence = BUF_INIT;
        buf_puts(&sentence, "Source contains parsing errors: ");
        text_repr(&sentence, name);
        buf_puts(&sentence, buf_text(&r.bad_text));
        if (r.n_bad > PROBLEMS_MAX)
            buf_printf(&sentence, "\n\t(and %zu more lines)", r.n_bad - PROBLEMS_MAX);
        ret_error->sentence = strdup(buf_text(&sentence));
        status = sentence.error || r.bad_text.error || !ret_error->sentence ? -ENOMEM : -EINVAL;
        buf_free(&sentence);
    }
    buf_free(&r.value);
    buf_free(&r.bad_text);
    return status;
}

/* ---- files ---- */

/* All of fd, at most INI_FILE_MAX bytes. A pipe may be written while we read, so it is waited
 * for, but not for ever. */
static int read_all(int fd, struct buf *content)
{
    char block[65536];
    for (;;) {
        ssize_t n = read(fd, block, sizeof(block));
        if (n == 0)
            return content->error;
        if (n > 0) {
            buf_append(content, block, (size_t)n);
            if (content->error)
                return content->error;
        } else if (errno == EAGAIN) {
            struct pollfd ready = { .fd = fd, .events = POLLIN };
            if (poll(&ready, 1, PIPE_WAIT_MS) == 0)
                return -ETIMEDOUT;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

static int read_content(const char *path, struct buf *content)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    int status = read_all(fd, content);
    if (status == 0 && S_ISFIFO(st.st_mode) && content->len == 0)
        return -ENODATA; /* nobody writes to it */
    return status;
}

int ini_read_file(struct ini *ini, const char *path, struct ini_error *ret_error)
{
    *ret_error = (struct ini_error){ 0 };
    struct buf sentence = BUF_INIT;
    struct stat st;
    if (stat(path, &st) < 0) {
        buf_printf(&sentence, "could not find config file %s", path);
        return fail(ret_error, -ENOENT, 0, &sentence, "there is no such file");
    }
    struct buf content = BUF_LIMITED(INI_FILE_MAX);
    int status = read_content(path, &content);
    if (status < 0) {
        buf_printf(&sentence, "could not read config file %s", path);
        const char *why = status == -EFBIG     ? "larger than 64 MiB"
                          : status == -ENODATA ? "a pipe that nobody writes to"
                          : status == -EISDIR  ? "is a directory"
                                               : strerror(-status);
        status = fail(ret_error, status, 0, &sentence, why);
    } else {
        status = ini_read_text(ini, path, buf_text(&content), content.len, ret_error);
    }
    buf_free(&content);
    return status;
}

/* ---- replacement ---- */

char *ini_replaced(const char *text, const char *what, const char *with)
{
    struct buf out = BUF_INIT;
    size_t len = strlen(what);
    for (const char *hit; (hit = strstr(text, what)) != NULL; text = hit + len) {
        buf_append(&out, text, (size_t)(hit - text));
        buf_puts(&out, with);
    }
    buf_puts(&out, text);
    char *result = out.error ? NULL : strdup(buf_text(&out));
    buf_free(&out);
    return result;
}

int ini_replace(struct ini *ini, const char *what, const char *with)
{
    for (size_t i = 0; i < ini->n_fresh; i++) {
        struct ini_entry *entry = ini->fresh[i];
        entry->fresh = false;
        if (entry->section == ini->defaults || !strstr(entry->value, what))
            continue;
        char *value = ini_replaced(entry->value, what, with);
        if (!value)
            return -ENOMEM;
        free(entry->value);
        entry->value = value;
    }
    ini->n_fresh = 0;
    return 0;
}
