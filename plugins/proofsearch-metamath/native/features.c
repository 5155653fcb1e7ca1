/* Hashed features of terms: see ranker/features.py, which has the kinds and what each means.
 *
 * Features are made anew for each term; the plain implementation keeps those of subterms. All arithmetic is modulo 2^64.
 */
#include "native.h"

#define MULTIPLIER UINT64_C(0x9E3779B97F4A7C15)
#define FINISH UINT64_C(0xBF58476D1CE4E5B9)
#define KIND(number) ((uint64_t)(number) * UINT64_C(0xD1B54A32D192ED03) | 1)
#define SYMBOL KIND(1)
#define NAME KIND(2)
#define EDGE KIND(3)
#define WALK KIND(4)
#define SHAPE KIND(5)
#define TALL KIND(6)
#define PATH KIND(7)
#define EQUAL KIND(8)

enum { LEVELS = 3 };

/* A node near the root, how it is reached, and by which places. */
typedef struct {
    int32_t term, place;
    uint64_t path;
} Reached;

typedef struct {
    PyObject_HEAD
    Terms *terms;
    uint64_t *rules, *variables, *variable_of, *meta_of; /* of the last two: by variable, by typecode */
    Py_ssize_t num_rules, num_variables, num_typecodes;
    int shift;
    uint64_t *found, *spare;
    Py_ssize_t n, cap, spare_cap;
    Reached *level;
    Py_ssize_t level_cap;
} Features;

static uint64_t scrambled(uint64_t value)
{
    value = (value ^ (value >> 30)) * FINISH;
    return (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
}

static int add(Features *f, uint64_t value)
{
    if (f->n == f->cap) {
        Py_ssize_t cap = f->cap ? 2 * f->cap : 256;
        uint64_t *grown = PyMem_Realloc(f->found, (size_t)cap * sizeof(uint64_t));
        if (grown == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        f->found = grown;
        f->cap = cap;
    }
    f->found[f->n++] = scrambled(value);
    return 0;
}

static uint64_t symbol_of(const Features *f, int32_t term)
{
    int32_t op = f->terms->ops[term];
    if (op < 0)
        return -1 - op < f->num_typecodes ? f->meta_of[-1 - op] : 0;
    if (op < f->num_rules)
        return f->rules[op];
    return op - f->num_rules < f->num_variables ? f->variable_of[op - f->num_rules] : 0;
}

/* A node with its children. */
static uint64_t shape_of(const Features *f, int32_t term)
{
    const Terms *t = f->terms;
    uint64_t shape = symbol_of(f, term);
    for (int32_t i = 0; i < t->num_args[term]; i++)
        shape = shape * MULTIPLIER + symbol_of(f, t->args.at[t->args_at[term] + i]);
    return shape;
}

/* The features that don't depend on where a term stands. Terms are at most as deep as their store allows. */
static int below(Features *f, int32_t term)
{
    const Terms *t = f->terms;
    uint64_t symbol = symbol_of(f, term), tall = symbol * MULTIPLIER;
    int32_t op = t->ops[term], n = t->num_args[term];
    int deep = 0;
    if (add(f, symbol + SYMBOL) < 0)
        return -1;
    if (n == 0)
        return op >= f->num_rules && op - f->num_rules < f->num_variables ? add(f, f->variables[op - f->num_rules] + NAME)
                                                                         : 0;
    const int32_t *args = t->args.at + t->args_at[term];
    for (int32_t i = 0; i < n; i++) {
        int32_t child = args[i];
        uint64_t edge = symbol * EDGE + symbol_of(f, child) + (uint64_t)(i + 1) * FINISH;
        if (add(f, edge) < 0)
            return -1;
        tall = tall * MULTIPLIER + shape_of(f, child);
        for (int32_t j = 0; j < t->num_args[child]; j++) {
            deep = 1;
            if (add(f, edge * WALK + symbol_of(f, t->args.at[t->args_at[child] + j]) + (uint64_t)(j + 1) * FINISH) < 0)
                return -1;
        }
    }
    if (add(f, shape_of(f, term) + SHAPE) < 0 || (deep && add(f, tall + TALL) < 0))
        return -1;
    for (int32_t i = 0; i < n; i++)
        if (below(f, args[i]) < 0)
            return -1;
    return 0;
}

/* The features that depend on the place from the root, level by level. */
static int near_root(Features *f, int32_t term)
{
    Terms *t = f->terms;
    Map *first = map_begin(t, MAP_SEEN);
    Py_ssize_t begin = 0, end = 1;
    for (int depth = 0; depth <= LEVELS; depth++) {
        Py_ssize_t next = end;
        for (Py_ssize_t i = begin; i < end; i++) {
            if (next + 1 + t->num_args[i == 0 && depth == 0 ? term : f->level[i].term] > f->level_cap) {
                Py_ssize_t cap = 2 * (next + 1 + t->num_args[i == 0 && depth == 0 ? term : f->level[i].term]);
                Reached *grown = PyMem_Realloc(f->level, (size_t)cap * sizeof(Reached));
                if (grown == NULL) {
                    PyErr_NoMemory();
                    return -1;
                }
                f->level = grown;
                f->level_cap = cap;
            }
            if (i == 0 && depth == 0)
                f->level[0] = (Reached){term, 1, symbol_of(f, term)};
            Reached here = f->level[i];
            if (add(f, here.path + PATH) < 0)
                return -1;
            int32_t other = map_get(first, here.term, here.place);
            if (!map_has(first, here.term))
                map_set(first, here.term, here.place);
            if (other != here.place && add(f, ((uint64_t)other * MULTIPLIER + (uint64_t)here.place) * EQUAL) < 0)
                return -1;
            if (depth == LEVELS)
                continue;
            for (int32_t j = 0; j < t->num_args[here.term]; j++) {
                int32_t child = t->args.at[t->args_at[here.term] + j];
                uint64_t path = here.path * MULTIPLIER + symbol_of(f, child) + (uint64_t)(j + 1) * FINISH;
                int32_t place = (int32_t)((uint32_t)here.place * 31 + (uint32_t)j + 1);
                f->level[next++] = (Reached){child, place, path};
            }
        }
        begin = end;
        end = next;
    }
    return 0;
}

/* Sorts the features that were found, by a byte after the other: there are hundreds of small numbers. */
static int sort_found(Features *f)
{
    enum { BYTE = 8, VALUES = 1 << BYTE };
    if (f->n > f->spare_cap) {
        uint64_t *grown = PyMem_Realloc(f->spare, (size_t)f->cap * sizeof(uint64_t));
        if (grown == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        f->spare = grown;
        f->spare_cap = f->cap;
    }
    for (int shift = 0; shift < 64 - f->shift; shift += BYTE) {
        int32_t begins[VALUES] = {0}, next = 0;
        for (Py_ssize_t i = 0; i < f->n; i++)
            begins[f->found[i] >> shift & (VALUES - 1)]++;
        for (int value = 0; value < VALUES; value++) {
            int32_t count = begins[value];
            begins[value] = next;
            next += count;
        }
        for (Py_ssize_t i = 0; i < f->n; i++)
            f->spare[begins[f->found[i] >> shift & (VALUES - 1)]++] = f->found[i];
        memcpy(f->found, f->spare, (size_t)f->n * sizeof(uint64_t));
    }
    return 0;
}

/* The rows of a term's features, ascending, as often as they occur. They stand until more are asked for. */
int features_rows(PyObject *features, int32_t term, const uint64_t **rows, Py_ssize_t *n)
{
    Features *f = (Features *)features;
    f->n = 0;
    if (below(f, term) < 0 || near_root(f, term) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < f->n; i++)
        f->found[i] >>= f->shift;
    if (sort_found(f) < 0)
        return -1;
    *rows = f->found;
    *n = f->n;
    return 0;
}

/* The rows of a term's features, ascending, and how often each occurs: the bytes of 64-bit numbers. */
static PyObject *Features_counts(Features *f, PyObject *number)
{
    int32_t term = terms_checked(f->terms, number);
    const uint64_t *all;
    Py_ssize_t count_all;
    if (term < 0 || features_rows((PyObject *)f, term, &all, &count_all) < 0)
        return NULL;
    Py_ssize_t different = 0;
    for (Py_ssize_t i = 0; i < f->n; i++)
        different += i == 0 || f->found[i] != f->found[i - 1];
    PyObject *rows = PyBytes_FromStringAndSize(NULL, different * (Py_ssize_t)sizeof(int64_t));
    PyObject *counts = PyBytes_FromStringAndSize(NULL, different * (Py_ssize_t)sizeof(int64_t));
    if (rows == NULL || counts == NULL) {
        Py_XDECREF(rows);
        Py_XDECREF(counts);
        return NULL;
    }
    int64_t *row = (int64_t *)PyBytes_AS_STRING(rows) - 1, *count = (int64_t *)PyBytes_AS_STRING(counts) - 1;
    for (Py_ssize_t i = 0; i < f->n; i++) {
        if (i == 0 || f->found[i] != f->found[i - 1]) {
            *++row = (int64_t)f->found[i];
            *++count = 0;
        }
        ++*count;
    }
    return Py_BuildValue("(NN)", rows, counts);
}

static PyObject *Features_symbol(Features *f, PyObject *number)
{
    int32_t term = terms_checked(f->terms, number);
    return term < 0 ? NULL : PyLong_FromUnsignedLongLong(symbol_of(f, term));
}

/* A list of 64-bit numbers; NULL where it isn't one. */
static uint64_t *numbers_of(PyObject *list, Py_ssize_t *n)
{
    *n = PyList_GET_SIZE(list);
    uint64_t *numbers = PyMem_Malloc(((size_t)*n + 1) * sizeof(uint64_t));
    if (numbers == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < *n; i++) {
        numbers[i] = PyLong_AsUnsignedLongLong(PyList_GET_ITEM(list, i));
        if (numbers[i] == (uint64_t)-1 && PyErr_Occurred()) {
            PyMem_Free(numbers);
            return NULL;
        }
    }
    return numbers;
}

static PyObject *Features_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"terms", "rules", "variables", "variable_sorts", "meta_sorts", "rows", NULL};
    PyObject *terms, *rules, *variables, *variable_of, *meta_of;
    Py_ssize_t rows, num_sorts;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!O!O!O!O!n", names, &TermsType, &terms, &PyList_Type, &rules,
                                     &PyList_Type, &variables, &PyList_Type, &variable_of, &PyList_Type, &meta_of, &rows))
        return NULL;
    Features *f = (Features *)type->tp_alloc(type, 0);
    if (f == NULL)
        return NULL;
    f->terms = (Terms *)Py_NewRef(terms);
    f->shift = 64;
    for (; rows > 1; rows >>= 1)
        f->shift--;
    if (f->shift == 64 || PyList_GET_SIZE(variables) != PyList_GET_SIZE(variable_of)) {
        PyErr_SetString(PyExc_ValueError, "a table has at least two rows, and each variable a sort");
        Py_DECREF(f);
        return NULL;
    }
    if ((f->rules = numbers_of(rules, &f->num_rules)) == NULL ||
        (f->variables = numbers_of(variables, &f->num_variables)) == NULL ||
        (f->variable_of = numbers_of(variable_of, &num_sorts)) == NULL ||
        (f->meta_of = numbers_of(meta_of, &f->num_typecodes)) == NULL) {
        Py_DECREF(f);
        return NULL;
    }
    return (PyObject *)f;
}

static void Features_dealloc(Features *f)
{
    Py_XDECREF(f->terms);
    void *held[] = {f->rules, f->variables, f->variable_of, f->meta_of, f->found, f->spare, f->level};
    for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
        PyMem_Free(held[i]);
    Py_TYPE(f)->tp_free((PyObject *)f);
}

static PyMethodDef Features_methods[] = {
    {"counts", (PyCFunction)Features_counts, METH_O, NULL},
    {"symbol", (PyCFunction)Features_symbol, METH_O, NULL},
    {NULL},
};

PyTypeObject FeaturesType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Features",
    .tp_basicsize = sizeof(Features),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "See proofsearch_metamath.ranker.features.TermFeatures.",
    .tp_new = Features_new,
    .tp_dealloc = (destructor)Features_dealloc,
    .tp_methods = Features_methods,
};
