/* SPDX-License-Identifier: MIT */
/* xmlrpc_decode.c: XML-RPC text -> values, in one pass of libxml2's SAX parser.
 *
 * The reference goes by tags alone: an element's meaning never depends on where it stands, wrappers
 * may be missing, and an unknown element is its text. A frame per open element is all that
 * is needed for that. Unlike the reference there is no DOCTYPE and no entity but XML's own five.
 */
#include "supervisor/rpc/xmlrpc.h"
#include "xmlrpc_scalar.h"

#include <errno.h>
#include <libxml/SAX2.h>
#include <libxml/entities.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A value takes eighteen times the room of the "<a/>" that made it: this bounds what a body within
 * the size limit can cost. */
enum { REQUEST_ELEMENTS_MAX = 256 * 1024 };

/* libxml2 compares each attribute of an element with all others: 100,000 of them took five seconds.
 * No client sends any but a namespace or two. */
enum { TAG_BYTES_MAX = 1024 };

enum tag {
    TAG_OTHER, /* any unknown element: its text, or nil without one */
    TAG_INT,
    TAG_BOOLEAN,
    TAG_STRING,
    TAG_DOUBLE,
    TAG_DATETIME,
    TAG_BASE64,
    TAG_ARRAY,
    TAG_DATA,
    TAG_STRUCT,
    TAG_VALUE,
    TAG_PARAM,
    TAG_PARAMS,
    TAG_METHOD_NAME,
    TAG_FAULT,
};

/* One open element. */
struct frame {
    enum tag tag;
    struct buf text;     /* what stood before its first child */
    struct value *items; /* its children's values */
    size_t n, cap;
};

struct decoder {
    xmlParserCtxtPtr parser;
    bool is_response; /* more types, and binary base64 */
    int error;        /* the first failure: -EBADMSG, -ENOMEM */
    struct frame frames[XMLRPC_DEPTH_MAX];
    unsigned depth;
    unsigned n_elements;
    char *method;        /* the last methodName */
    struct value params; /* ARRAY: the last params */
    struct value fault;
    bool has_fault;
};

static const struct {
    const char *name;
    enum tag tag;
    bool only_in_responses;
} tags[] = {
    { "value", TAG_VALUE, false },
    { "string", TAG_STRING, false },
    { "int", TAG_INT, false },
    { "i4", TAG_INT, false },
    { "boolean", TAG_BOOLEAN, false },
    { "double", TAG_DOUBLE, false },
    { "struct", TAG_STRUCT, false },
    { "array", TAG_ARRAY, false },
    { "data", TAG_DATA, false },
    { "param", TAG_PARAM, false },
    { "params", TAG_PARAMS, false },
    { "methodName", TAG_METHOD_NAME, false },
    { "base64", TAG_BASE64, false },
    { "dateTime.iso8601", TAG_DATETIME, false },
    { "fault", TAG_FAULT, true },
    { "i8", TAG_INT, true }, /* in a request the reference takes it for an unknown element */
};

static enum tag tag_of(const struct decoder *d, const xmlChar *name, const xmlChar *uri)
{
    if (uri)
        return TAG_OTHER;
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
        if (strcmp((const char *)name, tags[i].name) == 0)
            return tags[i].only_in_responses && !d->is_response ? TAG_OTHER : tags[i].tag;
    return TAG_OTHER;
}

static void decoder_fail(struct decoder *d, int error)
{
    if (!d->error)
        d->error = error;
    xmlStopParser(d->parser);
}

static void items_free(struct value *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        value_free(&items[i]);
    free(items);
}

static void frame_free(struct frame *f)
{
    items_free(f->items, f->n);
    buf_free(&f->text);
    *f = (struct frame){ .tag = TAG_OTHER };
}

/* f takes *v over, and leaves nil. */
static int frame_push(struct frame *f, struct value *v)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 4;
        struct value *items = reallocarray(f->items, cap, sizeof(*items));
        if (!items)
            return -ENOMEM;
        f->items = items;
        f->cap = cap;
    }
    f->items[f->n++] = *v;
    *v = (struct value){ .kind = VALUE_NIL };
    return 0;
}

/* The children become an array's or a struct's items. */
static void take_items(struct frame *f, enum value_kind kind, struct value *ret_value)
{
    *ret_value = (struct value){ .kind = kind, .items = f->items, .n = f->n };
    f->items = NULL;
    f->n = f->cap = 0;
}

/* The first child stands for the whole; the others are dropped. */
static int take_first(struct frame *f, struct value *ret_value)
{
    if (!f->n)
        return -EBADMSG;
    *ret_value = f->items[0];
    f->items[0] = (struct value){ .kind = VALUE_NIL };
    return 0;
}

static int take_text(const struct frame *f, struct value *ret_value)
{
    return scalar_string(buf_text(&f->text), f->text.len, ret_value);
}

/* <methodName>: an empty one counts as none. */
static int set_method(struct decoder *d, const struct frame *f)
{
    free(d->method);
    d->method = NULL;
    if (!f->text.len)
        return 0;
    d->method = strdup(buf_text(&f->text));
    return d->method ? 0 : -ENOMEM;
}

/* What the element that f stands for is worth. */
static int frame_value(struct decoder *d, struct frame *f, struct value *ret_value)
{
    const char *text = buf_text(&f->text);
    size_t len = f->text.len;

    switch (f->tag) {
    case TAG_INT:
        return scalar_int(text, len, ret_value);
    case TAG_BOOLEAN:
        return scalar_bool(text, len, ret_value);
    case TAG_DOUBLE:
        return scalar_double(text, len, ret_value);
    case TAG_DATETIME:
        return scalar_datetime(text, len, ret_value);
    case TAG_BASE64:
        return scalar_base64(text, len, !d->is_response, ret_value);
    case TAG_STRING:
        return take_text(f, ret_value);
    case TAG_ARRAY:
    case TAG_PARAM:
        return take_first(f, ret_value);
    case TAG_VALUE:
        return f->n ? take_first(f, ret_value) : take_text(f, ret_value);
    case TAG_DATA:
        take_items(f, VALUE_ARRAY, ret_value);
        return 0;
    case TAG_STRUCT:
        take_items(f, VALUE_STRUCT, ret_value);
        return 0;
    case TAG_PARAMS:
        value_free(&d->params);
        take_items(f, VALUE_ARRAY, &d->params);
        return 0;
    case TAG_METHOD_NAME:
        return set_method(d, f);
    case TAG_FAULT:
        value_free(&d->fault);
        d->has_fault = true;
        return take_first(f, &d->fault);
    case TAG_OTHER:
        return len ? take_text(f, ret_value) : 0;
    }
    return 0;
}

/* An element inside <struct>, whatever its name: its first child names the member and its second
 * is the member. */
static int struct_add_member(struct frame *parent, struct frame *member)
{
    if (member->tag != TAG_OTHER || member->n != 2)
        return -EBADMSG;
    struct value *name = &member->items[0], *v = &member->items[1];
    if (name->kind != VALUE_STRING && name->kind != VALUE_NIL)
        return -EBADMSG;
    free(v->name);
    v->name = name->string ? name->string : strdup("");
    name->string = NULL;
    return v->name ? frame_push(parent, v) : -ENOMEM;
}

static void on_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int n_namespaces, const xmlChar **namespaces, int n_attributes,
                     int n_defaulted, const xmlChar **attributes)
{
    struct decoder *d = arg;

    (void)prefix, (void)n_namespaces, (void)namespaces;
    (void)n_attributes, (void)n_defaulted, (void)attributes;
    if (d->error)
        return;
    d->n_elements++;
    if (d->depth == XMLRPC_DEPTH_MAX || (!d->is_response && d->n_elements > REQUEST_ELEMENTS_MAX)) {
        decoder_fail(d, -EBADMSG);
        return;
    }
    d->frames[d->depth++].tag = tag_of(d, name, uri);
}

static void on_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct decoder *d = arg;

    (void)name, (void)prefix, (void)uri;
    if (d->error || !d->depth)
        return;
    struct frame *f = &d->frames[--d->depth];
    struct frame *parent = d->depth ? &d->frames[d->depth - 1] : NULL;
    struct value v = { .kind = VALUE_NIL };
    int r = f->text.error;
    if (r == 0 && parent && parent->tag == TAG_STRUCT) {
        r = struct_add_member(parent, f);
    } else if (r == 0) {
        r = frame_value(d, f, &v);
        if (r == 0 && parent)
            r = frame_push(parent, &v);
    }
    value_free(&v);
    frame_free(f);
    if (r < 0)
        decoder_fail(d, r);
}

static void on_text(void *arg, const xmlChar *text, int len)
{
    struct decoder *d = arg;

    if (d->error || !d->depth || len <= 0)
        return;
    struct frame *f = &d->frames[d->depth - 1];
    if (!f->n)
        buf_append(&f->text, text, (size_t)len);
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *external_id,
                       const xmlChar *system_id)
{
    (void)name, (void)external_id, (void)system_id;
    decoder_fail(arg, -EBADMSG);
}

static xmlEntityPtr on_entity(void *arg, const xmlChar *name)
{
    (void)arg;
    return xmlGetPredefinedEntity(name);
}

/* libxml2 prints what nobody handles. */
static void on_error(void *arg, xmlErrorPtr problem)
{
    (void)arg, (void)problem;
}

/* Behind the end mark of what begins at xml, or its end. */
static size_t skip_past(const char *xml, size_t len, const char *end)
{
    const char *found = memmem(xml, len, end, strlen(end));
    return found ? (size_t)(found - xml) + strlen(end) : len;
}

/* The length of the tag at xml[0..len-1], which begins with '<'. '>' counts only outside quotes. */
static size_t tag_length(const char *xml, size_t len)
{
    char quote = '\0';
    for (size_t i = 1; i < len && i <= TAG_BYTES_MAX; i++) {
        if (quote)
            quote = xml[i] == quote ? '\0' : quote;
        else if (xml[i] == '"' || xml[i] == '\'')
            quote = xml[i];
        else if (xml[i] == '>')
            return i + 1;
    }
    return len > TAG_BYTES_MAX ? TAG_BYTES_MAX + 1 : len;
}

/* Are all tags of a sane length? Comments, CDATA and instructions may be long: they cost nothing.
 */
static bool tags_are_short(const char *xml, size_t len)
{
    static const struct {
        const char *start, *end;
    } skipped[] = { { "<!--", "-->" }, { "<![CDATA[", "]]>" }, { "<?", "?>" } };
    const char *end = xml + len;

    while (xml < end && (xml = memchr(xml, '<', (size_t)(end - xml)))) {
        size_t left = (size_t)(end - xml), step = 0;
        for (size_t i = 0; i < sizeof(skipped) / sizeof(skipped[0]) && !step; i++) {
            size_t n = strlen(skipped[i].start);
            if (left >= n && memcmp(xml, skipped[i].start, n) == 0)
                step = n + skip_past(xml + n, left - n, skipped[i].end);
        }
        if (!step)
            step = tag_length(xml, left);
        else
            step = step < left ? step : left;
        if (step > TAG_BYTES_MAX && xml[1] != '!' && xml[1] != '?')
            return false;
        xml += step;
    }
    return true;
}

/* Parse xml into d. libxml2 would guess UTF-16 or EBCDIC from the first bytes and believe an
 * encoding= pseudo-attribute; the wire is UTF-8 whatever they say. */
static int decoder_run(struct decoder *d, const char *xml, size_t len)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (len >= 3 && memcmp(xml, mark, 3) == 0) {
        xml += 3;
        len -= 3;
    }
    if (!len || len > INT_MAX || memchr(xml, '\0', len) ||
        xmlrpc_utf8_valid_prefix(xml, len) != len || !tags_are_short(xml, len))
        return -EBADMSG;

    xmlInitParser();
    d->parser = xmlCreateMemoryParserCtxt(xml, (int)len);
    if (!d->parser)
        return -ENOMEM;
    (void)xmlCtxtUseOptions(d->parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOERROR |
                                           XML_PARSE_NOWARNING);
    *d->parser->sax = (xmlSAXHandler){
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_text,
        .cdataBlock = on_text,
        .ignorableWhitespace = on_text,
        .internalSubset = on_doctype,
        .getEntity = on_entity,
        .serror = on_error,
    };
    d->parser->userData = d;
    (void)xmlParseDocument(d->parser); /* says the same as the two flags below */
    bool sound = d->parser->wellFormed && d->parser->nsWellFormed;
    bool no_memory = d->parser->errNo == XML_ERR_NO_MEMORY;
    xmlFreeParserCtxt(d->parser);
    if (d->error)
        return d->error;
    return sound ? 0 : no_memory ? -ENOMEM : -EBADMSG;
}

static void decoder_free(struct decoder *d)
{
    for (unsigned i = 0; i < XMLRPC_DEPTH_MAX; i++)
        frame_free(&d->frames[i]);
    free(d->method);
    value_free(&d->params);
    value_free(&d->fault);
    free(d);
}

static struct decoder *decoder_new(bool is_response)
{
    struct decoder *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->is_response = is_response;
    d->params.kind = VALUE_ARRAY;
    return d;
}

int xmlrpc_decode_call(const char *xml, size_t len, struct xmlrpc_call *ret_call)
{
    struct decoder *d = decoder_new(false);
    if (!d)
        return -ENOMEM;
    int r = decoder_run(d, xml, len);
    if (r == 0 && !d->method)
        r = -ENOMSG;
    if (r == 0) {
        *ret_call = (struct xmlrpc_call){ .method = d->method, .params = d->params };
        d->method = NULL;
        d->params = (struct value){ .kind = VALUE_NIL };
    }
    decoder_free(d);
    return r;
}

static int take_fault(struct decoder *d, struct xmlrpc_response *ret_response)
{
    char *text = strdup(value_member_string(&d->fault, "faultString", ""));
    if (!text)
        return -ENOMEM;
    *ret_response = (struct xmlrpc_response){
        .is_fault = true,
        .fault_code = value_member_int(&d->fault, "faultCode", 0),
        .fault_string = text,
    };
    return 0;
}

int xmlrpc_decode_response(const char *xml, size_t len, struct xmlrpc_response *ret_response)
{
    struct decoder *d = decoder_new(true);
    if (!d)
        return -ENOMEM;
    int r = decoder_run(d, xml, len);
    if (r == 0 && d->has_fault) {
        r = take_fault(d, ret_response);
    } else if (r == 0 && d->params.n == 0) {
        r = -EBADMSG;
    } else if (r == 0) {
        *ret_response = (struct xmlrpc_response){ .value = d->params.items[0] };
        d->params.items[0] = (struct value){ .kind = VALUE_NIL };
    }
    decoder_free(d);
    return r;
}
