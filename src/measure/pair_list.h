/* Lists of pairs of pictures, of one person or of two. Text in UTF-8 (or bytes of any encoding that has ASCII's), with
 * or without a byte order mark, lines ended by LF, CR LF or CR. Empty lines and lines that begin with # are skipped.
 * Two formats:
 *
 *     A B 1          two paths and 1 (one person) or 0 (two), between tabs if the line has any, else between blanks; a
 *                    path in double quotes may hold either, and "" for a quote; "# ..." may follow
 *
 *     10 300         that of Labeled Faces in the Wild, told by its first line: numbers of sets and of pairs of either
 *     Name 1 4       kind in a set, or the latter alone. Name/Name_0001.jpg and Name/Name_0004.jpg, one person
 *     Name 1 Other 2 Name/Name_0001.jpg and Other/Other_0002.jpg, two
 *
 * Relative paths are relative to the list's folder, or to a given root. */
#ifndef IDEM_MEASURE_PAIR_LIST_H
#define IDEM_MEASURE_PAIR_LIST_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *path[2];
    uint8_t same;
} idem_listed_pair;

typedef struct {
    idem_listed_pair *pairs;
    int n;
    int64_t announced; /* number in LFW's first line; 0: none */
} idem_pair_list;

/* root NULL: the list's folder. -1 with a message with the line number; the list is then empty. */
int idem_pair_list_read(idem_pair_list *list, const char *file, const char *root);
/* The same from text, which is changed; size bytes and a NUL. name: for messages. */
int idem_pair_list_parse(idem_pair_list *list, char *text, size_t size, const char *name, const char *root);
void idem_pair_list_free(idem_pair_list *list);

#endif
