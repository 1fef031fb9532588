/* The reference problem y = a exp(-b x), row after row, by MINPACK's lmdif.
   Work arrays are set up once; the residual is plain C.  Built by minpack.py. */

#include <cminpack.h>
#include <math.h>

enum { POINTS = 5, PARAMETERS = 2 };

struct row {
    const double *x;
    const double *y;
};

static int residual(void *context, int points, int parameters, const double *theta,
                    double *out, int flag)
{
    const struct row *row = context;
    (void)parameters;
    (void)flag;
    for (int i = 0; i < points; i++)
        out[i] = theta[0] * exp(-theta[1] * row->x[i]) - row->y[i];
    return 0;
}

/* Fits `rows` rows of y from `start` into theta; returns the residual evaluations. */
long fit_rows(long rows, const double *x, const double *y, const double *start,
              double tolerance, double *theta)
{
    double fvec[POINTS], diag[PARAMETERS], fjac[POINTS * PARAMETERS], qtf[PARAMETERS];
    double wa1[PARAMETERS], wa2[PARAMETERS], wa3[PARAMETERS], wa4[POINTS];
    int ipvt[PARAMETERS], nfev;
    long evaluations = 0;

    for (long i = 0; i < rows; i++) {
        struct row row = {x, y + i * POINTS};
        double *own = theta + i * PARAMETERS;
        own[0] = start[0];
        own[1] = start[1];
        lmdif(residual, &row, POINTS, PARAMETERS, own, fvec, tolerance, tolerance, 0.0,
              200 * (PARAMETERS + 1), 0.0, diag, 1, 100.0, 0, &nfev, fjac, POINTS, ipvt,
              qtf, wa1, wa2, wa3, wa4);
        evaluations += nfev;
    }
    return evaluations;
}
