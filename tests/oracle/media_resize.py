"""CRC-32 of a fixed pattern resized by Pillow's BILINEAR and LANCZOS: the values in tests/test_media.c (Pillow 9.4.0)."""
import zlib

import numpy
from PIL import Image

SIZES = [(37, 29, 16, 16), (37, 29, 64, 50), (37, 29, 37, 11), (37, 29, 80, 29), (64, 64, 32, 32), (64, 64, 299, 299),
         (50, 3, 7, 1), (1, 1, 5, 4), (100, 80, 99, 81)]
for filter in (Image.BILINEAR, Image.LANCZOS):
    for w, h, to_w, to_h in SIZES:
        i = numpy.arange(w * h * 3, dtype=numpy.uint64)
        pattern = ((i * 2654435761 & 0xFFFFFFFF) >> 24).astype(numpy.uint8).reshape(h, w, 3)
        out = Image.fromarray(pattern).resize((to_w, to_h), filter)
        print("0x%08x," % zlib.crc32(out.tobytes()))
