/* idem_pair_list_parse on any text. Seeds: a list of paths, and LFW's. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "measure/pair_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    idem_pair_list list;
    if (!idem_pair_list_parse(&list, text, size, "fuzz", "root")) {
        for (int i = 0; i < list.n; i++)
            if (!*list.pairs[i].path[0] || !*list.pairs[i].path[1] || list.pairs[i].same > 1)
                abort();
        idem_pair_list_free(&list);
    }
    free(text);
    return 0;
}
