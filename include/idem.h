/* libidem: separates a face's identity from everything else (pose, expression, hair, light, background) and recombines
 * them. A face recogniser encodes the identity of one picture, a trained encoder the attributes of another; a small
 * trained mapper turns both codes into one code w of a face generator, which paints the result.
 *
 *     #include <idem.h>
 *
 *     idem_options options;
 *     idem_options_default(&options);
 *     options.generator = "models/generator-128.safetensors";
 *     options.mapper = "models/mapper-128.safetensors";
 *     idem_context *c = idem_open(&options);
 *     if (!c)
 *         fprintf(stderr, "%s\n", idem_last_error());
 *     if (idem_compose(c, identity_rgb, attribute_rgb, 1, out_rgb))
 *         fprintf(stderr, "%s\n", idem_last_error());
 *     idem_close(c);
 *
 * Build with: cc main.c $(pkg-config --cflags --libs idem)
 *
 * Conventions
 * - Functions that can fail return 0, or -1 (NULL where they return a pointer) and leave one message for the calling
 *   thread: idem_last_error(). The library never prints and never ends the process.
 * - The caller owns all arrays: inputs are only read, outputs must have the stated size. n counts pictures, n >= 1;
 *   they are processed in batches.
 * - A picture is size * size * 3 bytes: R, G, B of each pixel, rows from the top, `size` as idem_get_info says. The
 *   face must lie in the frame of the generator's own pictures (for FFHQ-like generators: aligned as FFHQ is). For
 *   photographs of any size and their faces see idem/faces.h.
 * - Codes are 32-bit floats. Identity codes are unit vectors; they are biometric data: do not store them without
 *   reason.
 * - A context may be used by one thread at a time; several contexts may be used by several threads.
 * - The same inputs, seed, threads, batch and machine give the same bytes for any n. The thread count is
 *   options.threads, or less where OpenMP gives less: OMP_THREAD_LIMIT; 1 inside a parallel region of the caller.
 *
 * The functions are declared in one header per subject. Programs include this header, which includes all of them.
 *     idem/error.h     versions, messages and their kinds
 *     idem/context.h   opening; cancelling, progress, the log, freeing memory
 *     idem/pictures.h  pictures of any size to files and memory, with their origin; pages, grids, animations
 *     idem/faces.h     photographs: reading one or many, finding, cutting out, recognising and pasting faces
 *     idem/compose.h   codes, composing one or many, interpolation, samples, tables of codes
 *     idem/train.h     training
 *     idem/anonymise.h, idem/video.h   anonymising; composing in clips
 *     idem/measure.h   measuring mappers, generators, sets, pairs of photographs
 *     idem/models.h    model files: the list to fetch from, contents of a file, conversion
 *     idem/machine.h   processor and memory, kernel speed, profile
 *     idem/files.h     files and folders of results: whole or not at all, locks, SHA-256
 *     idem/ranks.h     processes that work together (MPI)
 *
 * Gives the largest face of a photograph another identity and pastes it at full size; the context has a mapper:
 *
 *     idem_reading r;
 *     idem_reading_default(&r);
 *     r.input = IDEM_INPUT_AUTO;
 *     r.face = IDEM_LARGEST_FACE;
 *     idem_photograph *p = idem_read_photograph_as(c, "group.jpg", &r), *q = idem_read_photograph_as(c, "who.jpg", &r);
 *     idem_faces *who = idem_new_faces(c, IDEM_CODE_OF_IDENTITY, 1);
 *     idem_faces *how = idem_new_faces(c, IDEM_CODE_OF_ATTRIBUTES, 1);
 *     idem_add_faces(who, q) || idem_add_faces(how, p) || idem_encode_faces(who) || idem_encode_faces(how) ||
 *         idem_compose_faces(who, how, &(idem_pairing){0, 0}, 1, IDEM_REFINE_AS_MARKED, NULL, rgb) ||
 *         idem_paste_face(c, p, 0, rgb) || idem_write_photograph(c, "out.png", p); */
#ifndef IDEM_H
#define IDEM_H

#include "idem/anonymise.h"
#include "idem/compose.h"
#include "idem/context.h"
#include "idem/error.h"
#include "idem/faces.h"
#include "idem/files.h"
#include "idem/machine.h"
#include "idem/measure.h"
#include "idem/models.h"
#include "idem/pictures.h"
#include "idem/ranks.h"
#include "idem/train.h"
#include "idem/video.h"

#endif
