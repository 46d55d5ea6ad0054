/* A tiny ensemble for tests of training: the generator of fixtures/stylegan2-tiny-64 and a mapper whose E_attr is a
 * ResNet-18 of a few channels, so that a checkpoint is small. The recogniser and the landmark net are the real ones. */
#ifndef IDEM_TESTS_SUPPORT_TINY_H
#define IDEM_TESTS_SUPPORT_TINY_H

#include <stdbool.h>

/* The folder of the downloaded nets has fr_feature.onnx and fr_landmark.onnx; says "skip: why" if not. */
bool tiny_has_models(void);

/* Writes generator.safetensors and mapper.safetensors into dir; 0 or -1. Uses no engine, so that the caller may fork
 * afterwards. */
int tiny_write(const char *dir);

/* An empty folder below the system's temporary folder (static memory), and its removal with all that is in it. */
const char *tiny_folder(void);
void tiny_remove(const char *dir);

#endif
