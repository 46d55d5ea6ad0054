/* Letters on machines without fonts. */
#ifndef IDEM_MEDIA_FONT_H
#define IDEM_MEDIA_FONT_H

/* Before text is drawn: makes the font in share/idem/fonts known, if idem was installed with one. Any thread, any
 * number of times. */
void idem_font_ready(void);

#endif
