/* Weights of a Gaussian blur. */
#ifndef IDEM_BASE_GAUSSIAN_H
#define IDEM_BASE_GAUSSIAN_H

/* weights [2 * reach + 1], of places -reach .. reach, with the sum 1; deviation above 0. */
void idem_gaussian(float *weights, int reach, double deviation);

#endif
