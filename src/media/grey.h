/* Grey of R, G and B by ITU-R BT.601: in float for the networks, in double for figures. */
#ifndef IDEM_MEDIA_GREY_H
#define IDEM_MEDIA_GREY_H

#define IDEM_GREY_RED 0.299
#define IDEM_GREY_GREEN 0.587
#define IDEM_GREY_BLUE 0.114

static inline float idem_grey(float r, float g, float b) {
    return (float)IDEM_GREY_RED * r + (float)IDEM_GREY_GREEN * g + (float)IDEM_GREY_BLUE * b;
}

static inline double idem_grey_exact(double r, double g, double b) {
    return IDEM_GREY_RED * r + IDEM_GREY_GREEN * g + IDEM_GREY_BLUE * b;
}

#endif
