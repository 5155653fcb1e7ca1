/* The ranker's towers as a search runs them: see ranker/towers.py.
 *
 * Sums are taken in another order than NumPy's, so the last bits of a logit may be others than those of the plain
 * implementation. They depend on nothing but weights, goal and assertion.
 */
#include "native.h"
#include <math.h>

enum { LANES = 16, AHEAD = 6, LINE = 16 };

static inline const float *tensor(const Towers *w, int which) { return w->tensors[which].buf; }

static inline Py_ssize_t length(const Towers *w, int which) { return w->tensors[which].len / (Py_ssize_t)sizeof(float); }

#ifdef __GNUC__
#define FETCH(address) __builtin_prefetch(address)
#else
#define FETCH(address) ((void)(address))
#endif

/* Has a row fetched that is read soon: rows lie far apart in tables of many megabytes. */
static inline void fetch(const float *row, Py_ssize_t width)
{
    for (Py_ssize_t j = 0; j < width; j += LINE)
        FETCH(row + j);
}

/* In lanes, which compilers make vectors of; the order of additions is fixed. */
static inline float dot(const float *one, const float *other, Py_ssize_t n)
{
    float lanes[LANES] = {0}, sum = 0;
    Py_ssize_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lanes[j] += one[i + j] * other[i + j];
    for (int j = 0; j < LANES; j++)
        sum += lanes[j];
    for (; i < n; i++)
        sum += one[i] * other[i];
    return sum;
}

static inline void add_scaled(float *into, float factor, const float *vector, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        into[i] += factor * vector[i];
}

/* Hyperbolic tangents to 4e-7: a quotient of polynomials, of which compilers make vectors; tanhf is a call for each. */
static inline float tangent(float x)
{
    x = x < -7.90531110763549805f ? -7.90531110763549805f : x;
    x = x > 7.90531110763549805f ? 7.90531110763549805f : x;
    float y = x * x, above = -2.76076847742355e-16f, below = 1.19825839466702e-06f;
    above = above * y + 2.00018790482477e-13f;
    above = above * y + -8.60467152213735e-11f;
    above = above * y + 5.12229709037114e-08f;
    above = above * y + 1.48572235717979e-05f;
    above = above * y + 6.37261928875436e-04f;
    above = above * y + 4.89352455891786e-03f;
    below = below * y + 1.18534705686654e-04f;
    below = below * y + 2.26843463243900e-03f;
    below = below * y + 4.89352518554385e-03f;
    return x * above / below;
}

/* The residual layer of the goals' tower. `inner` has room for the hidden layer. */
WIDE static void residual(const Towers *w, const float *x, float *inner, float *out)
{
    const float gelu = (float)0.7978845608028654; /* sqrt(2 / pi) */
    for (Py_ssize_t i = 0; i < w->hidden; i++)
        inner[i] = dot(tensor(w, INNER) + i * w->width, x, w->width) + tensor(w, INNER_BIAS)[i];
    for (Py_ssize_t i = 0; i < w->hidden; i++) {
        float z = inner[i];
        inner[i] = z * (0.5f * (1 + tangent(gelu * (z + 0.044715f * z * z * z))));
    }
    for (Py_ssize_t i = 0; i < w->width; i++)
        out[i] = x[i] + dot(tensor(w, OUTER) + i * w->hidden, inner, w->hidden) + tensor(w, OUTER_BIAS)[i];
}

/* The sum of the table's rows of a term's features, ascending with repetitions: a row that occurs c times counts
 * 1 + log c, the squares of all weights adding up to 1. */
int towers_term(const Towers *w, const uint64_t *rows, Py_ssize_t n, float *sum)
{
    double squares = 0;
    Py_ssize_t next;
    if (n > 0 && rows[n - 1] >= (uint64_t)(length(w, TABLE) / w->width)) {
        PyErr_SetString(PyExc_IndexError, "the table has no such row");
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i = next) {
        for (next = i + 1; next < n && rows[next] == rows[i]; next++)
            ;
        double weight = next - i == 1 ? 1.0 : 1.0 + log((double)(next - i));
        squares += weight * weight;
    }
    memset(sum, 0, (size_t)w->width * sizeof(float));
    double norm = sqrt(squares);
    for (Py_ssize_t i = 0; i < n; i = next) {
        if (i + AHEAD < n)
            fetch(tensor(w, TABLE) + (Py_ssize_t)rows[i + AHEAD] * w->width, w->width);
        for (next = i + 1; next < n && rows[next] == rows[i]; next++)
            ;
        double weight = next - i == 1 ? 1.0 : 1.0 + log((double)(next - i));
        add_scaled(sum, (float)(weight / norm), tensor(w, TABLE) + (Py_ssize_t)rows[i] * w->width, w->width);
    }
    return 0;
}

/* Adds a row vector times the matrix of a role. */
WIDE static void add_product(float *into, const float *vector, float scale, const float *matrix, Py_ssize_t width)
{
    for (Py_ssize_t i = 0; i < width; i++)
        add_scaled(into, scale * vector[i], matrix + i * width, width);
}

/* Adds to x what the parts of a role say, given the sum of their vectors and how many there are, at least 1. */
void towers_add(const Towers *w, float *x, Py_ssize_t role, const float *sum, Py_ssize_t count)
{
    add_product(x, sum, count > 1 ? 1 / sqrtf((float)count) : 1, tensor(w, ROLES) + role * w->width * w->width, w->width);
}

/* The vector of a goal, of what its parts say and the rows of the state as a whole; x is changed. */
int towers_goal(Towers *w, float *x, const int64_t *rows, Py_ssize_t num_rows, float *out)
{
    for (Py_ssize_t i = 0; i < num_rows; i++) {
        if (rows[i] < 0 || rows[i] >= length(w, CONTEXT) / w->width) {
            PyErr_SetString(PyExc_IndexError, "the table of contexts has no such row");
            return -1;
        }
        add_scaled(x, 1, tensor(w, CONTEXT) + rows[i] * w->width, w->width);
    }
    residual(w, x, w->work, out);
    return 0;
}

float towers_dot(const float *one, const float *other, Py_ssize_t n) { return dot(one, other, n); }

/* The products of some rows with a goal's vector. */
WIDE static void products(const float *vectors, const float *goal, Py_ssize_t width, const int64_t *numbers, Py_ssize_t n,
                          double *out)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            fetch(vectors + numbers[i + AHEAD] * width, width);
        out[i] = dot(vectors + numbers[i] * width, goal, width);
    }
}

/* The logits of assertions for a goal. */
int towers_logits(const Towers *w, const float *goal, const int64_t *numbers, Py_ssize_t n, Py_ssize_t earlier,
                     double temperature, double *out)
{
    Py_ssize_t assertions = length(w, BIASES);
    if (earlier < 0 || earlier >= length(w, GAPS)) {
        PyErr_SetString(PyExc_IndexError, "so many assertions don't stand before any theorem");
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++)
        if (numbers[i] < 0 || numbers[i] >= assertions || numbers[i] > earlier) {
            PyErr_SetString(PyExc_IndexError, "no such assertion stands before the theorem");
            return -1;
        }
    products(tensor(w, VECTORS), goal, w->width, numbers, n, out);
    for (Py_ssize_t i = 0; i < n; i++)
        out[i] = (double)((float)out[i] + tensor(w, BIASES)[numbers[i]] + tensor(w, GAPS)[earlier - numbers[i]]) / temperature;
    return 0;
}

static PyObject *Towers_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"table", "context", "roles", "inner", "inner_bias", "outer", "outer_bias", "vectors", "biases", "gaps", NULL};
    PyObject *given[NUM_TENSORS];
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOOOOOOOO", names, &given[0], &given[1], &given[2], &given[3], &given[4],
                                     &given[5], &given[6], &given[7], &given[8], &given[9]))
        return NULL;
    Towers *w = (Towers *)type->tp_alloc(type, 0);
    if (w == NULL)
        return NULL;
    for (; w->held < NUM_TENSORS; w->held++) {
        Py_buffer *view = &w->tensors[w->held];
        if (PyObject_GetBuffer(given[w->held], view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0)
            goto fail;
        if (view->format == NULL || strcmp(view->format, "f") != 0) {
            PyBuffer_Release(view);
            PyErr_SetString(PyExc_TypeError, "tensors are float32");
            goto fail;
        }
    }
    w->width = length(w, OUTER_BIAS);
    w->hidden = length(w, INNER_BIAS);
    Py_ssize_t square = w->width * w->width, layer = w->width * w->hidden;
    w->num_roles = square ? length(w, ROLES) / square : 0;
    if (!w->num_roles || length(w, ROLES) != w->num_roles * square || length(w, INNER) != layer || length(w, OUTER) != layer ||
        length(w, TABLE) % w->width || length(w, CONTEXT) % w->width || length(w, VECTORS) != length(w, BIASES) * w->width) {
        PyErr_SetString(PyExc_ValueError, "the tensors' shapes don't fit together");
        goto fail;
    }
    w->work = PyMem_Malloc((size_t)w->hidden * sizeof(float));
    if (w->work == NULL) {
        PyErr_NoMemory();
        goto fail;
    }
    return (PyObject *)w;
fail:
    Py_DECREF(w);
    return NULL;
}

static void Towers_dealloc(Towers *w)
{
    for (int i = 0; i < w->held; i++)
        PyBuffer_Release(&w->tensors[i]);
    PyMem_Free(w->work);
    Py_TYPE(w)->tp_free((PyObject *)w);
}

PyTypeObject TowersType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Towers",
    .tp_basicsize = sizeof(Towers),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "The weights of the tower of goals, and of logits; see proofsearch_metamath.ranker.towers.Towers.",
    .tp_new = Towers_new,
    .tp_dealloc = (destructor)Towers_dealloc,
};
