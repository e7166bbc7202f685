/* The loops in plain C, compiled once for REAL = float and once for double: see c.py.

   Labels are not checked. A loss is summed over the samples in double, as everywhere here. */

#include <stdint.h>
#include <tgmath.h>

static REAL largest(const REAL *row, int64_t c)
{
    REAL most = row[0];
    for (int64_t j = 1; j < c; j++)
        most = row[j] > most ? row[j] : most;
    return most;
}

double svm_loss(const REAL *scores, const int64_t *labels, int64_t n, int64_t c, double margin)
{
    double total = 0;
    for (int64_t i = 0; i < n; i++) {
        const REAL *row = scores + i * c;
        REAL own = row[labels[i]], sum = 0;
        for (int64_t j = 0; j < c; j++) {
            REAL excess = row[j] - own + (REAL)margin;
            sum += excess > 0 ? excess : 0;
        }
        total += sum - margin; /* the label's own excess */
    }
    return total / n;
}

double softmax_loss(const REAL *scores, const int64_t *labels, int64_t n, int64_t c)
{
    double total = 0;
    for (int64_t i = 0; i < n; i++) {
        const REAL *row = scores + i * c;
        REAL most = largest(row, c), sum = 0;
        for (int64_t j = 0; j < c; j++)
            sum += exp(row[j] - most);
        total += log(sum) - (row[labels[i]] - most);
    }
    return total / n;
}

void softmax(const REAL *scores, REAL *out, int64_t n, int64_t c)
{
    for (int64_t i = 0; i < n; i++) {
        const REAL *row = scores + i * c;
        REAL *result = out + i * c;
        REAL most = largest(row, c), sum = 0;
        for (int64_t j = 0; j < c; j++)
            sum += result[j] = exp(row[j] - most);
        for (int64_t j = 0; j < c; j++)
            result[j] /= sum;
    }
}

void log_softmax(const REAL *scores, REAL *out, int64_t n, int64_t c)
{
    for (int64_t i = 0; i < n; i++) {
        const REAL *row = scores + i * c;
        REAL *result = out + i * c;
        REAL most = largest(row, c), sum = 0;
        for (int64_t j = 0; j < c; j++)
            sum += exp(row[j] - most);
        REAL log_sum = log(sum);
        for (int64_t j = 0; j < c; j++)
            result[j] = (row[j] - most) - log_sum;
    }
}

double svm_loss_gradient(const REAL *scores, const int64_t *labels, REAL *dscores, int64_t n,
                         int64_t c, double margin)
{
    double total = 0;
    REAL share = (REAL)1 / n;
    for (int64_t i = 0; i < n; i++) {
        const REAL *row = scores + i * c;
        REAL *slope = dscores + i * c;
        REAL own = row[labels[i]], sum = 0, pull = 0;
        for (int64_t j = 0; j < c; j++) {
            REAL excess = row[j] - own + (REAL)margin;
            REAL active = excess > 0 ? share : 0;
            sum += excess > 0 ? excess : 0;
            pull += active;
            slope[j] = active;
        }
        total += sum - margin;
        slope[labels[i]] -= pull;
    }
    return total / n;
}

double softmax_loss_gradient(const REAL *scores, const int64_t *labels, REAL *dscores, int64_t n,
                             int64_t c)
{
    double total = 0;
    REAL share = (REAL)1 / n;
    for (int64_t i = 0; i < n; i++) {
        const REAL *row = scores + i * c;
        REAL *slope = dscores + i * c;
        REAL most = largest(row, c), sum = 0;
        for (int64_t j = 0; j < c; j++)
            sum += slope[j] = exp(row[j] - most);
        total += log(sum) - (row[labels[i]] - most);
        REAL scale = share / sum;
        for (int64_t j = 0; j < c; j++)
            slope[j] *= scale;
        slope[labels[i]] -= share;
    }
    return total / n;
}
