/* A small folder of pictures to train a generator on. */
#ifndef TESTS_SUPPORT_GREYS_H
#define TESTS_SUPPORT_GREYS_H

enum { GREYS = 7 };

/* For cmocka, with program_leave: a folder of one's own (support/program.h). In its data/ seven pictures in two
 * folders, not square, picture i of the grey 30 i and its right half brighter by 15; and a file that is no picture. */
int greys_enter(void **state);

#endif
