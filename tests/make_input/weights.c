/* Weight files: an edited safetensors file, a pickle. */
#include "make_input/bytes.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* json: dtype and shape; data_offsets are set when the file is written. */
typedef struct {
    char *name;
    json_t *json;
    const byte *data;
    size_t size;
} tensor;

static tensor *find(tensor *tensors, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(tensors[i].name, name))
            return tensors + i;
    quit("no tensor \"%s\"", name);
}

static char *joined(const char *a, const char *b) {
    buffer out = {0};
    add_text(&out, a);
    add(&out, b, strlen(b) + 1);
    return (char *)out.data;
}

/* [O, I] to [O, 2 I]: each row twice. */
static void widen(tensor *t) {
    json_t *shape = json_object_get(t->json, "shape");
    size_t rows = (size_t)json_integer_value(json_array_get(shape, 0)), row = t->size / rows;
    buffer out = {0};
    for (size_t i = 0; i < 2 * rows; i++)
        add(&out, t->data + i / 2 * row, row);
    json_array_set_new(shape, 1, json_integer(2 * json_integer_value(json_array_get(shape, 1))));
    t->data = out.data;
    t->size = out.size;
}

/* [W] to [N, W]. */
static void repeat(tensor *t, int n) {
    buffer out = {0};
    for (int i = 0; i < n; i++)
        add(&out, t->data, t->size);
    json_array_insert_new(json_object_get(t->json, "shape"), 0, json_integer(n));
    t->data = out.data;
    t->size = out.size;
}

static void write_tensors(const char *path, json_t *meta, tensor *tensors, size_t n, int tail) {
    json_t *head = json_object();
    buffer body = {0}, out = {0};
    json_object_set(head, "__metadata__", meta);
    for (size_t i = 0; i < n; i++) {
        size_t end = body.size + tensors[i].size;
        json_object_set_new(tensors[i].json, "data_offsets",
                            json_pack("[I, I]", (json_int_t)body.size, (json_int_t)end));
        json_object_set(head, tensors[i].name, tensors[i].json);
        add(&body, tensors[i].data, tensors[i].size);
    }
    char *text = json_dumps(head, 0);
    if (!text)
        quit("a name is not UTF-8");
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    add_little(&out, padded, 8);
    add(&out, text, length);
    add(&out, "       ", padded - length);
    add(&out, body.data, body.size);
    add(&out, take((size_t)tail), (size_t)tail);
    write_file(path, &out);
}

void make_st(int n, char **args) {
    buffer in = read_file(args[0]);
    size_t length = in.size < 8 ? 0 : little(in.data, 8), n_tensors = 0;
    if (in.size < 8 || length > in.size - 8)
        quit("%s is no safetensors file", args[0]);
    json_t *head = json_loadb((char *)in.data + 8, length, 0, NULL);
    if (!head)
        quit("%s: its head is no JSON", args[0]);
    json_t *meta = json_incref(json_object_get(head, "__metadata__")), *value;
    if (!meta)
        meta = json_object();
    json_object_del(head, "__metadata__");
    tensor *tensors = take(json_object_size(head) * sizeof *tensors);
    const char *name;
    json_object_foreach(head, name, value) {
        json_t *offsets = json_object_get(value, "data_offsets");
        size_t from = (size_t)json_integer_value(json_array_get(offsets, 0)),
               to = (size_t)json_integer_value(json_array_get(offsets, 1));
        tensors[n_tensors++] = (tensor){joined("", name), value, in.data + 8 + length + from, to - from};
    }
    int tail = 0;
    for (int i = 2; i < n; i++) {
        char *what = args[i], *rest = strchr(what, ':');
        if (rest)
            *rest++ = 0;
        else
            rest = "";
        if (!strcmp(what, "drop")) {
            tensor *t = find(tensors, n_tensors, rest);
            memmove(t, t + 1, (size_t)(tensors + n_tensors-- - t - 1) * sizeof *t);
        } else if (!strcmp(what, "prefix")) {
            for (size_t k = 0; k < n_tensors; k++)
                tensors[k].name = joined(rest, tensors[k].name);
        } else if (!strcmp(what, "widen")) {
            widen(find(tensors, n_tensors, rest));
        } else if (!strcmp(what, "rows")) {
            char *count = strchr(rest, ':');
            if (!count)
                quit("rows:NAME:N");
            *count++ = 0;
            repeat(find(tensors, n_tensors, rest), number(count));
        } else if (!strcmp(what, "tail")) {
            tail = number(rest);
        } else if (!strcmp(what, "empty-meta")) {
            meta = json_object();
        } else
            quit("no edit \"%s\"", what);
    }
    write_tensors(args[1], meta, tensors, n_tensors, tail);
}

static void add_word(buffer *out, const char *word) {
    add_text(out, "X");
    add_little(out, strlen(word), 4);
    add_text(out, word);
}

void make_pickle(int n, char **args) {
    (void)n;
    buffer out = {0};
    add_text(&out, "\x80\x02}");
    add_word(&out, "G_ema");
    add_text(&out, "}");
    add_word(&out, "x");
    add_text(&out, "c");
    add_text(&out, args[1]);
    add_text(&out, "\n");
    add_text(&out, args[2]);
    add_text(&out, "\nss.");
    write_file(args[0], &out);
}
