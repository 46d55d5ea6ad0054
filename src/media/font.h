/* Letters on machines without fonts. */
#ifndef IDEM_MEDIA_FONT_H
#define IDEM_MEDIA_FONT_H

/* Call before drawing text: registers the font in share/idem/fonts, if idem was installed with one. Any thread, any
 * number of times. */
void idem_font_ready(void);

#endif
