/* A small folder of pictures to train a generator on. */
#ifndef TESTS_SUPPORT_GREYS_H
#define TESTS_SUPPORT_GREYS_H

enum { GREYS = 7 };

/* Below DIR/data seven pictures in two folders, not square, picture i of the grey 30 i and its right half brighter by
 * 15; and a file that is no picture. 0 or -1; a picture that cannot be written fails the test. */
int greys_make(const char *dir);

#endif
