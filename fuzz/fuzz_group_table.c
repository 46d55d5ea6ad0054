/* idem_group_table_parse on any text. Seed: quotes, blanks and both line ends. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "measure/group_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    idem_group_table *t = idem_group_table_parse((const char *)data, size, "fuzz");
    if (!t)
        return 0;
    const int row = idem_group_table_row(t, "a.jpg"), columns = idem_group_table_columns(t);
    if (columns < 1 || columns >= IDEM_GROUP_FIELDS)
        abort();
    for (int k = 0; k < columns; k++)
        if (strlen(idem_group_table_title(t, k)) > size ||
            (row >= 0 && strlen(idem_group_table_value(t, row, k)) > size))
            abort();
    idem_group_table_free(t);
    return 0;
}
