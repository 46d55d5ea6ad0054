#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/dnn_private.h"
#include "engine/isa.h"

/* One engine and one stream serve the process: on the CPU neither holds state between calls. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static dnnl_stream_t stream;

/* Before the library's first kernel: it detects the processor only once. */
static void start(void) {
    idem_isa runs = idem_isa_runs();
    if (runs < IDEM_ISA_AVX512 && runs < idem_isa_has())
        dnnl_set_max_cpu_isa(runs == IDEM_ISA_PLAIN ? dnnl_cpu_isa_sse41 : dnnl_cpu_isa_avx2);
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success)
        engine = NULL;
    else if (dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success)
        engine = NULL;
}

dnnl_engine_t idem_dnn_engine(void) {
    pthread_once(&once, start);
    if (!engine)
        return idem_fail_null("oneDNN does not start on this machine: no CPU engine");
    return engine;
}

static const char *status_text(dnnl_status_t s) {
    switch (s) {
    case dnnl_out_of_memory:
        return "out of memory";
    case dnnl_invalid_arguments:
        return "invalid arguments";
    case dnnl_unimplemented:
        return "no kernel for these sizes";
    default:
        return "unexpected failure";
    }
}

const char *idem_dnn_version(char text[64]) {
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, 64, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

/* ---- making ---- */

/* Scratch bytes of the library; their address is set at run. */
static dnnl_status_t bytes_create(dnnl_memory_t *memory, size_t bytes, void *values) {
    dnn_md md;
    dnnl_status_t s = idem_dnn_md_create(&md, 1, (dnnl_dims_t){(dnnl_dim_t)bytes}, dnnl_u8, (dnnl_dims_t){1});
    if (s == dnnl_success)
        s = dnnl_memory_create(memory, md, engine, values);
    idem_dnn_md_destroy(md);
    return s;
}

static size_t pad_bytes(dnnl_primitive_desc_t pd) {
    return dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0));
}

static int reorder_make(dnn_reorder *r, dnn_md from, dnn_md to, size_t *pad, const char *name) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(&attr);
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (s == dnnl_success)
        s = dnnl_reorder_primitive_desc_create(&pd, from, engine, to, engine, attr);
    if (s == dnnl_success) {
        size_t bytes = pad_bytes(pd);
        *pad = bytes > *pad ? bytes : *pad;
        s = dnnl_primitive_create(&r->primitive, pd);
    }
    if (s == dnnl_success)
        s = dnnl_memory_create(&r->from, from, engine, DNNL_MEMORY_NONE);
    if (s == dnnl_success)
        s = dnnl_memory_create(&r->to, to, engine, DNNL_MEMORY_NONE);
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return idem_fail("%s: oneDNN cannot reorder an operand: %s", name, status_text(s));
    return 0;
}

static void reorder_free(dnn_reorder *r) {
    dnnl_primitive_destroy(r->primitive);
    dnnl_memory_destroy(r->from);
    dnnl_memory_destroy(r->to);
}

static dnnl_status_t reorder_run(const dnn_reorder *r, const void *from, void *to, dnnl_memory_t pad) {
    dnnl_memory_set_data_handle(r->from, (void *)from);
    dnnl_memory_set_data_handle(r->to, to);
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, r->from}, {DNNL_ARG_TO, r->to}, {DNNL_ARG_SCRATCHPAD, pad}};
    return dnnl_primitive_execute(r->primitive, stream, pad ? 3 : 2, args);
}

/* Arguments for filling a pack. */
typedef struct {
    dnn_md have, want;
    const float *values;
    const char *name;
} pack_order;

static int pack_fill(void *order, void *values) {
    const pack_order *o = order;
    size_t pad = 0;
    dnn_reorder r = {0};
    void *pad_memory = NULL;
    dnnl_memory_t pad_handle = NULL;
    dnnl_status_t s = dnnl_success;
    int status = reorder_make(&r, o->have, o->want, &pad, o->name);
    if (!status && pad) {
        pad_memory = idem_block_alloc(pad);
        s = pad_memory ? bytes_create(&pad_handle, pad, pad_memory) : dnnl_out_of_memory;
    }
    if (!status && s == dnnl_success)
        s = reorder_run(&r, o->values, values, pad_handle);
    if (!status && s != dnnl_success)
        status = idem_fail("%s: oneDNN cannot reorder the weights: %s", o->name, status_text(s));
    reorder_free(&r);
    dnnl_memory_destroy(pad_handle);
    idem_block_free(pad_memory, pad);
    return status;
}

/* A square matrix and its transpose have the same values, shape and target format: the key therefore also contains the
 * source format. */
static idem_pack *pack_make(idem_frozen weight, const dnn_layout *given, dnn_md have, dnn_md want, const char *name) {
    pack_order order = {have, want, weight.values, name};
    size_t size = 0;
    unsigned char *key = NULL;
    dnnl_status_t s = idem_dnn_md_bytes(want, NULL, &size);
    if (s == dnnl_success) {
        key = malloc(sizeof *given + size);
        s = key ? idem_dnn_md_bytes(want, key + sizeof *given, &size) : dnnl_out_of_memory;
    }
    idem_pack *pack = NULL;
    if (s == dnnl_success) {
        memcpy(key, given, sizeof *given);
        pack = idem_pack_get(weight, key, sizeof *given + size, dnnl_memory_desc_get_size(want), pack_fill, &order);
    } else {
        idem_fail("%s: oneDNN cannot reorder the weights: %s", name, status_text(s));
    }
    free(key);
    return pack;
}

static dnnl_primitive_desc_t describe(const dnn_task *t, const dnn_md md[DNN_PLACES], dnnl_primitive_desc_t hint,
                                      const char *name) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(&attr);
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (s == dnnl_success && t->leaky) {
        dnnl_post_ops_t after = NULL;
        s = dnnl_post_ops_create(&after);
        if (s == dnnl_success)
            s = idem_dnn_append_leaky(after, *t->leaky);
        if (s == dnnl_success)
            s = dnnl_primitive_attr_set_post_ops(attr, after);
        dnnl_post_ops_destroy(after);
    }
    if (s == dnnl_success)
        s = idem_dnn_describe(&pd, t, md, attr, engine, hint);
    dnnl_primitive_attr_destroy(attr);
    if (s != dnnl_success)
        return idem_fail_null("%s: oneDNN cannot run this: %s", name, status_text(s));
    return pd;
}

/* Gradients need the forward pass's descriptor as a hint. */
static dnnl_primitive_desc_t describe_with_hint(const dnn_task *t, const dnn_md md[DNN_PLACES], const char *name) {
    if (t->kind != DNN_DATA && t->kind != DNN_WEIGHT)
        return describe(t, md, NULL, name);
    dnn_task forward = *t;
    forward.kind = DNN_TRAINING;
    dnnl_primitive_desc_t hint = describe(&forward, md, NULL, name);
    dnnl_primitive_desc_t pd = hint ? describe(t, md, hint, name) : NULL;
    dnnl_primitive_desc_destroy(hint);
    return pd;
}

static size_t take(size_t *scratch, size_t bytes) {
    size_t offset = *scratch;
    *scratch += (bytes + 63) / 64 * 64;
    return offset;
}

/* An operand or result of a primitive: its index in the task, its DNNL_ARG_, the query for its layout. */
typedef struct {
    dnn_place place;
    int arg;
    dnnl_query_t query;
    int index; /* the bias is weights 1 */
} operand;

static const operand forward_in[] = {{DNN_AT_X, DNNL_ARG_SRC, dnnl_query_src_md, 0},
                                     {DNN_AT_WEIGHT, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0},
                                     {DNN_AT_BIAS, DNNL_ARG_BIAS, dnnl_query_weights_md, 1}};
static const operand forward_out = {DNN_AT_Y, DNNL_ARG_DST, dnnl_query_dst_md, 0};
static const operand data_in[] = {{DNN_AT_Y, DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0},
                                  {DNN_AT_WEIGHT, DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0}};
static const operand data_out = {DNN_AT_X, DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md, 0};
static const operand weight_in[] = {{DNN_AT_X, DNNL_ARG_SRC, dnnl_query_src_md, 0},
                                    {DNN_AT_Y, DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0}};
static const operand weight_out = {DNN_AT_WEIGHT, DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md, 0};

/* Completes a kernel from its primitive descriptor; -1 with a message. own: descriptors of the engine's order. */
static int prepare(idem_dnn *k, const dnn_task *t, dnnl_primitive_desc_t pd, const dnn_md own[DNN_PLACES],
                   idem_frozen weight, const char *name) {
    const operand *in = t->kind == DNN_DATA ? data_in : t->kind == DNN_WEIGHT ? weight_in : forward_in;
    const operand *out = t->kind == DNN_DATA ? &data_out : t->kind == DNN_WEIGHT ? &weight_out : &forward_out;
    const dnn_layout *result = &t->layout[out->place];
    k->n_in = in == forward_in && t->layout[DNN_AT_BIAS].rank ? 3 : 2;
    k->out_arg = out->arg;
    k->out_count = 1;
    for (int i = 0; i < result->rank; i++)
        k->out_count *= (size_t)result->dims[i];
    const char *kernel = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &kernel) == dnnl_success && kernel)
        snprintf(k->kernel, sizeof k->kernel, "%s", kernel);
    size_t pad = pad_bytes(pd);
    dnnl_status_t s = dnnl_primitive_create(&k->primitive, pd);
    for (int i = 0; i < k->n_in && s == dnnl_success; i++) {
        dnn_md have = own[in[i].place], want = dnnl_primitive_desc_query_md(pd, in[i].query, in[i].index);
        k->arg[i] = in[i].arg;
        s = dnnl_memory_create(&k->in[i], want, engine, DNNL_MEMORY_NONE);
        if (s != dnnl_success || dnnl_memory_desc_equal(want, have))
            continue;
        if (in[i].place == DNN_AT_WEIGHT && weight.values) {
            k->pack[i] = pack_make(weight, &t->layout[DNN_AT_WEIGHT], have, want, name);
            if (!k->pack[i])
                return -1;
            dnnl_memory_set_data_handle(k->in[i], (void *)idem_pack_values(k->pack[i]));
        } else {
            if (reorder_make(&k->before[i], have, want, &pad, name))
                return -1;
            k->before[i].offset = take(&k->scratch, dnnl_memory_desc_get_size(want));
        }
    }
    if (s == dnnl_success) {
        dnn_md give = dnnl_primitive_desc_query_md(pd, out->query, 0);
        s = dnnl_memory_create(&k->out, give, engine, DNNL_MEMORY_NONE);
        if (s == dnnl_success && !dnnl_memory_desc_equal(give, own[out->place])) {
            if (reorder_make(&k->after, give, own[out->place], &pad, name))
                return -1;
            k->after.offset = take(&k->scratch, dnnl_memory_desc_get_size(give));
        }
    }
    if (s == dnnl_success && pad) {
        k->pad_offset = take(&k->scratch, pad);
        s = bytes_create(&k->pad, pad, DNNL_MEMORY_NONE);
    }
    return s == dnnl_success ? 0 : idem_fail("%s: oneDNN cannot prepare this: %s", name, status_text(s));
}

idem_dnn *idem_dnn_make(const dnn_task *t, idem_frozen weight, const char *name) {
    if (!idem_dnn_engine())
        return NULL;
    idem_dnn *k = calloc(1, sizeof *k);
    if (!k)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory", name);
    dnn_md own[DNN_PLACES] = {0}, any = NULL, described[DNN_PLACES];
    dnnl_status_t s = dnnl_success;
    for (int i = 0; i < DNN_PLACES && s == dnnl_success; i++)
        if (t->layout[i].rank)
            s = idem_dnn_md_create(&own[i], t->layout[i].rank, t->layout[i].dims, dnnl_f32, t->layout[i].strides);
    const dnn_layout *w = &t->layout[DNN_AT_WEIGHT];
    if (s == dnnl_success && t->any_weight)
        s = idem_dnn_md_create(&any, w->rank, w->dims, dnnl_f32, NULL);
    memcpy(described, own, sizeof own);
    if (any)
        described[DNN_AT_WEIGHT] = any;
    dnnl_primitive_desc_t pd = NULL;
    int status;
    if (s != dnnl_success) {
        status = idem_fail("%s: oneDNN does not take these sizes: %s", name, status_text(s));
    } else {
        pd = describe_with_hint(t, described, name);
        status = pd ? prepare(k, t, pd, own, weight, name) : -1;
    }
    dnnl_primitive_desc_destroy(pd);
    for (int i = 0; i < DNN_PLACES; i++)
        idem_dnn_md_destroy(own[i]);
    idem_dnn_md_destroy(any);
    if (status) {
        idem_dnn_free(k);
        return NULL;
    }
    return k;
}

void idem_dnn_free(idem_dnn *k) {
    if (!k)
        return;
    for (int i = 0; i < DNN_MAX_IN; i++) {
        dnnl_memory_destroy(k->in[i]);
        reorder_free(&k->before[i]);
        idem_pack_release(k->pack[i]);
    }
    reorder_free(&k->after);
    dnnl_memory_destroy(k->out);
    dnnl_memory_destroy(k->pad);
    dnnl_primitive_destroy(k->primitive);
    free(k);
}

/* ---- running ---- */

bool idem_dnn_reads(const idem_dnn *k, int i) {
    return !k->pack[i];
}

size_t idem_dnn_scratch(const idem_dnn *k) {
    return k->scratch;
}

const char *idem_dnn_kernel(const idem_dnn *k) {
    return k->kernel;
}

void idem_dnn_run(const idem_dnn *k, const float *const *in, float *out, void *scratch) {
    dnnl_exec_arg_t args[DNN_MAX_IN + 2];
    int n = 0;
    dnnl_status_t s = dnnl_success;
    if (k->pad) {
        dnnl_memory_set_data_handle(k->pad, (char *)scratch + k->pad_offset);
        args[n++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, k->pad};
    }
    for (int i = 0; i < k->n_in && s == dnnl_success; i++) {
        if (k->before[i].primitive) {
            void *to = (char *)scratch + k->before[i].offset;
            s = reorder_run(&k->before[i], in[i], to, k->pad);
            dnnl_memory_set_data_handle(k->in[i], to);
        } else if (!k->pack[i]) {
            dnnl_memory_set_data_handle(k->in[i], (void *)in[i]);
        }
        args[n++] = (dnnl_exec_arg_t){k->arg[i], k->in[i]};
    }
    void *to = k->after.primitive ? (char *)scratch + k->after.offset : (void *)out;
    dnnl_memory_set_data_handle(k->out, to);
    args[n++] = (dnnl_exec_arg_t){k->out_arg, k->out};
    if (s == dnnl_success)
        s = dnnl_primitive_execute(k->primitive, stream, n, args);
    if (s == dnnl_success && k->after.primitive)
        s = reorder_run(&k->after, to, out, k->pad);
    if (s != dnnl_success)
        for (size_t j = 0; j < k->out_count; j++)
            out[j] = NAN;
}
