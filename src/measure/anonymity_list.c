#include "measure/anonymity_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "measure/people.h"

/* Length without the extension. */
static size_t stem(const char *name) {
    const char *slash = strrchr(name, '/'), *dot = strrchr(slash ? slash : name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

static int compare(const char *a, size_t n, const char *b, size_t k) {
    const int order = memcmp(a, b, n < k ? n : k);
    return order ? order : (n > k) - (n < k);
}

typedef struct {
    const char *name;
    size_t length, at;
} key;

static int by_key(const void *a, const void *b) {
    const key *p = a, *q = b;
    const int order = compare(p->name, p->length, q->name, q->length);
    return order ? order : (p->at > q->at) - (p->at < q->at);
}

static key *keys_of(const idem_picture_tree *t, size_t (*length)(const char *)) {
    const size_t n = idem_picture_tree_count(t);
    key *keys = malloc((n ? n : 1) * sizeof *keys);
    if (!keys)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a list of %zu pictures", n);
    for (size_t i = 0; i < n; i++) {
        const char *name = idem_picture_tree_name(t, i);
        keys[i] = (key){name, length(name), i};
    }
    qsort(keys, n, sizeof *keys, by_key);
    return keys;
}

static int by_original(const void *a, const void *b) {
    const idem_anonymity_pair *p = a, *q = b;
    return (p->original > q->original) - (p->original < q->original);
}

static void join(idem_anonymity_list *list, const key *a, size_t n, const key *b, size_t m) {
    for (size_t i = 0, k = 0; i < n; i++) {
        while (k < m && compare(b[k].name, b[k].length, a[i].name, a[i].length) < 0)
            k++;
        if (k < m && !compare(b[k].name, b[k].length, a[i].name, a[i].length))
            list->at[list->n++] = (idem_anonymity_pair){.original = a[i].at, .anonymised = b[k].at};
        else
            list->without++;
    }
    qsort(list->at, list->n, sizeof *list->at, by_original);
}

/* The persons of all originals, numbered in the order of their names. */
static int number_persons(idem_anonymity_list *list) {
    const size_t n = idem_picture_tree_count(list->trees[0]);
    key *keys = keys_of(list->trees[0], idem_people_person);
    int *person = malloc((n ? n : 1) * sizeof *person);
    if (!keys || !person) {
        free(keys);
        free(person);
        return idem_fail_as(IDEM_MEMORY, "out of memory for a list of %zu persons", n);
    }
    int number = -1;
    for (size_t i = 0; i < n; i++) {
        number += i == 0 || compare(keys[i].name, keys[i].length, keys[i - 1].name, keys[i - 1].length);
        person[keys[i].at] = number;
    }
    for (size_t i = 0; i < list->n; i++)
        list->at[i].person = person[list->at[i].original];
    list->persons = number + 1;
    free(keys);
    free(person);
    return 0;
}

int idem_anonymity_list_open(idem_anonymity_list *list, const char *originals, const char *anonymised) {
    const char *const folders[2] = {originals, anonymised};
    *list = (idem_anonymity_list){0};
    for (int i = 0; i < 2; i++)
        if (!(list->trees[i] = idem_picture_tree_open(folders[i])))
            return -1;
    const size_t n = idem_picture_tree_count(list->trees[0]), m = idem_picture_tree_count(list->trees[1]);
    key *a = keys_of(list->trees[0], stem), *b = a ? keys_of(list->trees[1], stem) : NULL;
    int status = a && b ? 0 : -1;
    if (!status && !(list->at = calloc(n ? n : 1, sizeof *list->at)))
        status = idem_fail_as(IDEM_MEMORY, "out of memory for a list of %zu pairs", n);
    if (!status)
        join(list, a, n, b, m);
    free(a);
    free(b);
    if (!status && !list->n)
        status = idem_fail("%s and %s: they have no picture of the same name; renamed pictures cannot be measured",
                           originals, anonymised);
    return status ? -1 : number_persons(list);
}

void idem_anonymity_list_free(idem_anonymity_list *list) {
    free(list->at);
    for (int i = 0; i < 2; i++)
        idem_picture_tree_free(list->trees[i]);
    *list = (idem_anonymity_list){0};
}
