/* A tiny ensemble for tests of training: the generator of fixtures/stylegan2-tiny-64 and a mapper whose E_attr is a
 * ResNet-18 of a few channels, so that a checkpoint is small. The recogniser and the landmark net are the real ones. */
#ifndef IDEM_TESTS_SUPPORT_TINY_H
#define IDEM_TESTS_SUPPORT_TINY_H

#include <stdbool.h>

#include <jansson.h>

#include "format/weights.h"

/* The folder of the downloaded nets has fr_feature.onnx and fr_landmark.onnx; says "skip: why" if not. */
bool tiny_has_models(void);

/* The tensors of a fixture's list, filled by its rule; NULL with a message. */
idem_weights *tiny_fill(const json_t *tensors, const char *salt);

/* Writes generator.safetensors and mapper.safetensors into dir; 0 or -1. Uses no engine, so that the caller may fork
 * afterwards. */
int tiny_write(const char *dir);

/* The network of a folder of fixtures with all widths divided: an InceptionResnetV1 of an eighth of the published ones,
 * 64 numbers out; an InceptionV3 of a sixteenth, 128 numbers out. 0 or -1. */
int tiny_write_facenet(const char *path);
int tiny_write_inception3(const char *path);
/* The tiny mapper for that recogniser's 64 numbers of identity, as training with it saves one. 0 or -1. */
int tiny_write_narrow_mapper(const char *mapper, const char *facenet, const char *to);
/* The tiny generator and where its pictures would have a face; it makes none that could be found. 0 or -1. */
int tiny_write_framed(const char *from, const char *to);

/* What a test program begins with: both files in a folder of their own, or *dir stays NULL when the downloaded nets are
 * missing. 0 or -1. */
int tiny_make(const char **dir);
/* Skips the calling test when there is no such folder. */
void tiny_need(const char *dir);

/* An empty folder below the system's temporary folder (static memory), and its removal (NULL: none) with all that is in
 * it. */
const char *tiny_folder(void);
void tiny_remove(const char *dir);

/* For cmocka, the end of such a program: forgets what the program idem said last and removes the folder. */
int tiny_leave(void **state);

/* DIR/NAME in static memory: the last four are good. */
const char *tiny_path(const char *dir, const char *name);

#endif
