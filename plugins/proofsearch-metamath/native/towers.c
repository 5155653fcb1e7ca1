/* The ranker's towers as a search runs them: see ranker/towers.py.
 *
 * Sums are taken in another order than NumPy's, so the last bits of a logit may be others than those of the plain
 * implementation. They depend on nothing but weights, goal and assertion.
 */
#include "native.h"
#include <math.h>

enum { TABLE, CONTEXT, ROLES, INNER, INNER_BIAS, OUTER, OUTER_BIAS, VECTORS, BIASES, GAPS, NUM_TENSORS };
enum { LANES = 16, AHEAD = 6, LINE = 16 };

typedef struct {
    PyObject_HEAD
    Py_ssize_t width, hidden, num_roles;
    Py_buffer tensors[NUM_TENSORS];
    int held; /* how many of them */
    float *work;
} Towers;

static inline const float *tensor(const Towers *w, int which) { return w->tensors[which].buf; }

static inline Py_ssize_t length(const Towers *w, int which) { return w->tensors[which].len / (Py_ssize_t)sizeof(float); }

/* The same additions in wider registers where the processor has them: without fused ones, so to the same last bit. */
#if defined(__GNUC__) && defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

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

/* The residual layer of the goals' tower. `inner` has room for the hidden layer. */
WIDE static void residual(const Towers *w, const float *x, float *inner, float *out)
{
    const float gelu = (float)0.7978845608028654; /* sqrt(2 / pi) */
    for (Py_ssize_t i = 0; i < w->hidden; i++) {
        float z = dot(tensor(w, INNER) + i * w->width, x, w->width) + tensor(w, INNER_BIAS)[i];
        inner[i] = z * (0.5f * (1 + tanhf(gelu * (z + 0.044715f * z * z * z))));
    }
    for (Py_ssize_t i = 0; i < w->width; i++)
        out[i] = x[i] + dot(tensor(w, OUTER) + i * w->hidden, inner, w->hidden) + tensor(w, OUTER_BIAS)[i];
}

/* An argument that holds 64-bit numbers; released by the caller. */
static const int64_t *numbers_of(PyObject *object, Py_buffer *view, Py_ssize_t *n)
{
    if (PyObject_GetBuffer(object, view, PyBUF_C_CONTIGUOUS) < 0)
        return NULL;
    *n = view->len / (Py_ssize_t)sizeof(int64_t);
    return view->buf;
}

/* term(rows, counts): the sum of the table's rows of a term's features, a row that occurs c times by 1 + log c, the
 * squares of all weights adding up to 1; the bytes of float32 numbers. */
static PyObject *Towers_term(Towers *w, PyObject *const *args, Py_ssize_t n)
{
    if (n != 2 || !PyBytes_Check(args[0]) || !PyBytes_Check(args[1]) ||
        PyBytes_GET_SIZE(args[0]) != PyBytes_GET_SIZE(args[1])) {
        PyErr_SetString(PyExc_TypeError, "term(rows, counts): bytes of one length");
        return NULL;
    }
    Py_ssize_t count = PyBytes_GET_SIZE(args[0]) / (Py_ssize_t)sizeof(int64_t), rows = length(w, TABLE) / w->width;
    const int64_t *row = (const int64_t *)PyBytes_AS_STRING(args[0]);
    const int64_t *counts = (const int64_t *)PyBytes_AS_STRING(args[1]);
    double squares = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (row[i] < 0 || row[i] >= rows || counts[i] < 1) {
            PyErr_SetString(PyExc_IndexError, "the table has no such row");
            return NULL;
        }
        double weight = counts[i] == 1 ? 1.0 : 1.0 + log((double)counts[i]);
        squares += weight * weight;
    }
    PyObject *made = PyBytes_FromStringAndSize(NULL, w->width * (Py_ssize_t)sizeof(float));
    if (made == NULL)
        return NULL;
    float *sum = (float *)PyBytes_AS_STRING(made);
    memset(sum, 0, (size_t)w->width * sizeof(float));
    double norm = sqrt(squares);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            fetch(tensor(w, TABLE) + row[i + AHEAD] * w->width, w->width);
        double weight = counts[i] == 1 ? 1.0 : 1.0 + log((double)counts[i]);
        add_scaled(sum, (float)(weight / norm), tensor(w, TABLE) + row[i] * w->width, w->width);
    }
    return made;
}

/* Adds a row vector times a matrix. */
WIDE static void add_product(float *into, const float *vector, float scale, const float *matrix, Py_ssize_t width)
{
    for (Py_ssize_t i = 0; i < width; i++)
        add_scaled(into, scale * vector[i], matrix + i * width, width);
}

/* The vector of a goal, of the sums of its parts by role; `first` is that of the first role, if it isn't NULL. */
static int goal_vector(Towers *w, const float *first, const float *sums, PyObject *counts, const int64_t *rows,
                       Py_ssize_t num_rows, float *out)
{
    float *x = w->work, *inner = x + w->width;
    memset(x, 0, (size_t)w->width * sizeof(float));
    for (Py_ssize_t role = 0; role < w->num_roles; role++) {
        int alone = role == 0 && first != NULL;
        long count = alone ? 1 : PyLong_AsLong(PyTuple_GET_ITEM(counts, role));
        if (count == -1 && PyErr_Occurred())
            return -1;
        if (count > 0)
            add_product(x, alone ? first : sums + role * w->width, count > 1 ? 1 / sqrtf((float)count) : 1,
                        tensor(w, ROLES) + role * w->width * w->width, w->width);
    }
    for (Py_ssize_t i = 0; i < num_rows; i++) {
        if (rows[i] < 0 || rows[i] >= length(w, CONTEXT) / w->width) {
            PyErr_SetString(PyExc_IndexError, "the table of contexts has no such row");
            return -1;
        }
        add_scaled(x, 1, tensor(w, CONTEXT) + rows[i] * w->width, w->width);
    }
    residual(w, x, inner, out);
    return 0;
}

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

static int logits_of(const Towers *w, const float *goal, const int64_t *numbers, Py_ssize_t n, Py_ssize_t earlier,
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

/* look(first, sums, counts, rows, numbers, earlier, temperature): a goal's vector and the logits of assertions for it, as the
 * bytes of float32 and float64 numbers. */
static PyObject *Towers_look(Towers *w, PyObject *const *args, Py_ssize_t n)
{
    if (n != 7 || !PyTuple_Check(args[2]) || PyTuple_GET_SIZE(args[2]) != w->num_roles) {
        PyErr_SetString(PyExc_TypeError, "look(first, sums, counts, rows, numbers, earlier, temperature)");
        return NULL;
    }
    Py_ssize_t earlier = PyLong_AsSsize_t(args[5]), num_rows, num_numbers;
    double temperature = PyFloat_AsDouble(args[6]);
    if (PyErr_Occurred())
        return NULL;
    Py_buffer views[4];
    int held = 0;
    PyObject *goal = NULL, *logits = NULL, *both = NULL;
    if (PyObject_GetBuffer(args[1], &views[held], PyBUF_C_CONTIGUOUS) < 0)
        return NULL;
    held++;
    const int64_t *rows = numbers_of(args[3], &views[held], &num_rows);
    if (rows == NULL)
        goto done;
    held++;
    const int64_t *numbers = numbers_of(args[4], &views[held], &num_numbers);
    if (numbers == NULL)
        goto done;
    held++;
    if (views[0].len != w->num_roles * w->width * (Py_ssize_t)sizeof(float)) {
        PyErr_SetString(PyExc_ValueError, "sums are a row of float32 for each role");
        goto done;
    }
    const float *first = NULL;
    if (args[0] != Py_None) {
        if (PyObject_GetBuffer(args[0], &views[held], PyBUF_C_CONTIGUOUS) < 0)
            goto done;
        first = views[held++].buf;
        if (views[held - 1].len != w->width * (Py_ssize_t)sizeof(float)) {
            PyErr_SetString(PyExc_ValueError, "the first goal's sum is a row of float32");
            goto done;
        }
    }
    goal = PyBytes_FromStringAndSize(NULL, w->width * (Py_ssize_t)sizeof(float));
    logits = PyBytes_FromStringAndSize(NULL, num_numbers * (Py_ssize_t)sizeof(double));
    if (goal == NULL || logits == NULL)
        goto done;
    float *vector = (float *)PyBytes_AS_STRING(goal);
    if (goal_vector(w, first, views[0].buf, args[2], rows, num_rows, vector) == 0 &&
        logits_of(w, vector, numbers, num_numbers, earlier, temperature, (double *)PyBytes_AS_STRING(logits)) == 0)
        both = PyTuple_Pack(2, goal, logits);
done:
    for (int i = 0; i < held; i++)
        PyBuffer_Release(&views[i]);
    Py_XDECREF(goal);
    Py_XDECREF(logits);
    return both;
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
    w->work = PyMem_Malloc((size_t)(w->width + w->hidden) * sizeof(float));
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

static PyMethodDef Towers_methods[] = {
    {"term", (PyCFunction)(void (*)(void))Towers_term, METH_FASTCALL, NULL},
    {"look", (PyCFunction)(void (*)(void))Towers_look, METH_FASTCALL, NULL},
    {NULL},
};

PyTypeObject TowersType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Towers",
    .tp_basicsize = sizeof(Towers),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "The tower of goals, and logits; see proofsearch_metamath.ranker.towers.Towers.",
    .tp_new = Towers_new,
    .tp_dealloc = (destructor)Towers_dealloc,
    .tp_methods = Towers_methods,
};
