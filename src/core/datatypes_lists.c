/* SPDX-License-Identifier: MIT */
/* datatypes_lists.c: texts that hold several words: comma lists, environments, commands. */
#include "list.h"
#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the lexer: Python's shlex in its POSIX mode ---- */

struct lexer {
    const char *p;
    bool words_only; /* as shlex.split(): only blanks separate, nothing is a comment */
    struct buf token;
};

enum lexed { LEXED_TOKEN, LEXED_END, LEXED_ERROR };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes of the character at p. */
static size_t char_len(const char *p)
{
    size_t len = 1;
    while ((p[len] & 0xC0) == 0x80)
        len++;
    return len;
}

/* May the character stand in an unquoted word? Letters of Latin-1 may: shlex has them. */
static bool is_word_char(const struct lexer *lexer)
{
    unsigned char c = (unsigned char)*lexer->p, next = (unsigned char)lexer->p[1];
    if (lexer->words_only)
        return true;
    if (c == 0xC3)
        return next >= 0x80 && next != 0x97 && next != 0xB7; /* but the signs times and divide */
    return c < 0x80 && (isalnum(c) || strchr("_/.+-():", c));
}

static void take_char(struct lexer *lexer)
{
    size_t len = char_len(lexer->p);
    buf_append(&lexer->token, lexer->p, len);
    lexer->p += len;
}

/* The inside of quotes, whose opening one was read. */
static enum lexed take_quoted(struct lexer *lexer, char quote, struct buf *error)
{
    while (*lexer->p && *lexer->p != quote) {
        if (*lexer->p == '\\' && quote == '"') {
            lexer->p++;
            if (!*lexer->p) {
                buf_puts(error, "No escaped character");
                return LEXED_ERROR;
            }
            if (*lexer->p != '\\' && *lexer->p != '"')
                buf_putc(&lexer->token, '\\');
        }
        take_char(lexer);
    }
    if (!*lexer->p) {
        buf_puts(error, "No closing quotation");
        return LEXED_ERROR;
    }
    lexer->p++;
    return LEXED_TOKEN;
}

static void skip_line(struct lexer *lexer)
{
    lexer->p += strcspn(lexer->p, "\n");
}

static enum lexed next_token(struct lexer *lexer, struct buf *error)
{
    bool started = false; /* a word, maybe an empty quoted one */
    buf_reset(&lexer->token);
    for (;;) {
        char c = *lexer->p;
        if (!c)
            return started ? LEXED_TOKEN : LEXED_END;
        if (is_space(c)) {
            lexer->p++;
            if (started)
                return LEXED_TOKEN;
        } else if (c == '#' && !lexer->words_only) {
            skip_line(lexer);
            if (started)
                return LEXED_TOKEN;
        } else if (c == '\\') {
            lexer->p++;
            if (!*lexer->p) {
                buf_puts(error, "No escaped character");
                return LEXED_ERROR;
            }
            take_char(lexer);
            started = true;
        } else if (c == '"' || c == '\'') {
            lexer->p++;
            if (take_quoted(lexer, c, error) == LEXED_ERROR)
                return LEXED_ERROR;
            started = true;
        } else if (is_word_char(lexer)) {
            take_char(lexer);
            started = true;
        } else {
            if (!started)
                take_char(lexer); /* any other character is a token of its own */
            return LEXED_TOKEN;
        }
    }
}

/* ---- lists of texts ---- */

void text_list_free(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

/* An empty list with room for one item and the NULL. */
static char **text_list_new(void)
{
    return calloc(2, sizeof(char *));
}

/* Append text (owned from now on) to a NULL-terminated list. */
static int text_list_add(char ***list, size_t *n, char *text)
{
    if (!text)
        return -ENOMEM;
    if (*n > 0 && LIST_RESERVE(*list, *n + 1) < 0) { /* the NULL counts */
        free(text);
        return -ENOMEM;
    }
    (*list)[(*n)++] = text;
    (*list)[*n] = NULL;
    return 0;
}

static char *trimmed_part(const char *start, const char *end)
{
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    return strndup(start, (size_t)(end - start));
}

int parse_text_list(const char *text, char ***ret, size_t *ret_n)
{
    char **list = text_list_new();
    if (!list)
        return -ENOMEM;
    size_t n = 0;
    const char *p = text;
    for (bool more = *text != '\0'; more;) {
        size_t len = strcspn(p, ",");
        if (text_list_add(&list, &n, trimmed_part(p, p + len)) < 0) {
            text_list_free(list);
            return -ENOMEM;
        }
        more = p[len] == ',';
        p += len + 1;
    }
    *ret = list;
    *ret_n = n;
    return 0;
}

/* All tokens of the text, up to its end. */
static int lex_all(const char *text, bool words_only, char ***ret_tokens, size_t *ret_n,
                   struct buf *error)
{
    struct lexer lexer = { .p = text, .words_only = words_only };
    char **tokens = text_list_new();
    size_t n = 0;
    int status = tokens ? 0 : -ENOMEM;
    while (status == 0) {
        enum lexed lexed = next_token(&lexer, error);
        if (lexed == LEXED_END)
            break;
        status = lexed == LEXED_ERROR ? -EINVAL
                                      : text_list_add(&tokens, &n, strdup(buf_text(&lexer.token)));
    }
    if (status == 0 && lexer.token.error)
        status = -ENOMEM;
    buf_free(&lexer.token);
    if (status < 0) {
        text_list_free(tokens);
        return status;
    }
    *ret_tokens = tokens;
    *ret_n = n;
    return 0;
}

int shell_words_split(const char *text, char ***ret_argv, struct buf *error)
{
    size_t n;
    return lex_all(text, true, ret_argv, &n, error);
}

/* ---- environments ---- */

void env_list_free(struct env_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->vars[i].name);
        free(list->vars[i].value);
    }
    free(list->vars);
    *list = (struct env_list){ 0 };
}

const char *env_list_get(const struct env_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->vars[i].name, name) == 0)
            return list->vars[i].value;
    return NULL;
}

int env_list_add(struct env_list *list, const char *name, const char *value)
{
    if (LIST_RESERVE(list->vars, list->n) < 0)
        return -ENOMEM;
    struct env_var var = { .name = strdup(name), .value = strdup(value) };
    if (!var.name || !var.value) {
        free(var.name);
        free(var.value);
        return -ENOMEM;
    }
    list->vars[list->n++] = var;
    return 0;
}

int env_list_set(struct env_list *list, const char *name, const char *value)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->vars[i].name, name) != 0)
            continue;
        char *copy = strdup(value);
        if (!copy)
            return -ENOMEM;
        free(list->vars[i].value);
        list->vars[i].value = copy;
        return 0;
    }
    return env_list_add(list, name, value);
}

struct ranked_var {
    const char *name;
    size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked_var *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : left->index < right->index ? -1 : 1;
}

/* Of equal names the first keeps its place and gets the last one's value. */
static int env_list_unite(struct env_list *list)
{
    if (list->n < 2)
        return 0;
    CLEANUP_FREE struct ranked_var *ranked = calloc(list->n, sizeof(*ranked));
    if (!ranked)
        return -ENOMEM;
    for (size_t i = 0; i < list->n; i++)
        ranked[i] = (struct ranked_var){ .name = list->vars[i].name, .index = i };
    qsort(ranked, list->n, sizeof(*ranked), compare_ranked);
    for (size_t i = 1, first = 0; i < list->n; i++) {
        if (strcmp(ranked[i].name, ranked[first].name) != 0) {
            first = i;
            continue;
        }
        struct env_var *kept = &list->vars[ranked[first].index];
        struct env_var *later = &list->vars[ranked[i].index];
        free(kept->value);
        kept->value = later->value;
        later->value = NULL; /* marks it as gone; the name is still compared */
    }
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (list->vars[i].value)
            list->vars[n++] = list->vars[i];
        else
            free(list->vars[i].name);
    }
    list->n = n;
    /* The capacity is derived from n: shrink to what it stands for. */
    size_t cap = 2;
    while (cap < n)
        cap *= 2;
    struct env_var *fitted = reallocarray(list->vars, cap, sizeof(*fitted));
    if (fitted)
        list->vars = fitted;
    return 0;
}

int env_list_merge(struct env_list *list, const struct env_list *over)
{
    for (size_t i = 0; i < over->n; i++)
        if (env_list_add(list, over->vars[i].name, over->vars[i].value) < 0)
            return -ENOMEM;
    return env_list_unite(list);
}

int env_list_copy(const struct env_list *from, struct env_list *ret)
{
    struct env_list copy = { 0 };
    if (env_list_merge(&copy, from) < 0) {
        env_list_free(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

static bool is_token(const char *token, const char *wanted)
{
    return strcmp(token, wanted) == 0;
}

int parse_environment(const char *text, struct env_list *ret, bool *ret_odd, struct buf *error)
{
    char **tokens = NULL;
    size_t n = 0;
    struct env_list list = { 0 };
    bool odd = false;
    int status = lex_all(text, false, &tokens, &n, error);
    for (size_t i = 0; status == 0 && i < n; i += 4) {
        if (n - i < 3 || !is_token(tokens[i + 1], "=")) {
            buf_printf(error, "Unexpected end of key/value pairs in value '%s'", text);
            status = -EINVAL;
        } else {
            odd |= n - i > 3 && !is_token(tokens[i + 3], ",");
            status = env_list_add(&list, tokens[i], tokens[i + 2]);
        }
    }
    if (status == 0)
        status = env_list_unite(&list);
    text_list_free(tokens);
    if (status < 0) {
        env_list_free(&list);
        return status;
    }
    *ret = list;
    if (ret_odd)
        *ret_odd = odd;
    return 0;
}

/* ---- environment files ---- */

void env_file_list_free(struct env_file_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->files[i].path);
    free(list->files);
    *list = (struct env_file_list){ 0 };
}

int env_file_list_join(const struct env_file_list *first, struct env_file_list *list)
{
    size_t n = first->n + list->n;
    if (first->n == 0)
        return 0;
    struct env_file_list joined = { .files = calloc(n, sizeof(*joined.files)) };
    if (!joined.files)
        return -ENOMEM;
    for (; joined.n < first->n; joined.n++) {
        joined.files[joined.n] = first->files[joined.n];
        joined.files[joined.n].path = strdup(first->files[joined.n].path);
        if (!joined.files[joined.n].path) {
            env_file_list_free(&joined);
            return -ENOMEM;
        }
    }
    for (size_t i = 0; i < list->n; i++)
        joined.files[joined.n++] = list->files[i];
    free(list->files); /* the paths moved */
    *list = joined;
    return 0;
}

static char *path_below(const char *dir, const char *path)
{
    struct buf joined = BUF_INIT;
    if (*path != '/' && *path != '~')
        buf_printf(&joined, "%s/", dir);
    buf_puts(&joined, path);
    char *result = joined.error ? NULL : path_normalize(buf_text(&joined));
    buf_free(&joined);
    return result;
}

int parse_env_files(const char *text, const char *dir, struct env_file_list *ret, struct buf *error)
{
    char **names;
    size_t n;
    int status = parse_text_list(text, &names, &n);
    if (status < 0)
        return status;
    struct env_file_list list = { 0 };
    for (size_t i = 0; status == 0 && i < n; i++) {
        bool optional = names[i][0] == '-';
        const char *name = names[i] + optional;
        struct env_file file = { .path = NULL, .optional = optional };
        if (!*name) {
            buf_puts(error, "an empty file name in ");
            text_repr(error, text);
            status = -EINVAL;
        } else if (LIST_RESERVE(list.files, list.n) < 0 || !(file.path = path_below(dir, name))) {
            status = -ENOMEM;
        } else {
            list.files[list.n++] = file;
        }
    }
    text_list_free(names);
    if (status < 0)
        env_file_list_free(&list);
    else
        *ret = list;
    return status;
}
