/* CIELAB with the white of sRGB (D65): distances are approximately perceptual, and brightness is a separate axis. */
#ifndef IDEM_FACE_LAB_H
#define IDEM_FACE_LAB_H

#include <stddef.h>
#include <stdint.h>

/* n colours of 8-bit sRGB -> L (0 .. 100), a, b */
void idem_lab_from_rgb(float *lab, const uint8_t *rgb, size_t n);
/* The inverse; colours outside sRGB are clipped. */
void idem_lab_to_rgb(uint8_t *rgb, const float *lab, size_t n);

#endif
