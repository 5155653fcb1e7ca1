/* The most similar examples: see builtins/knn_index.py. */
#include "native.h"

/* One of the best so far; the worst is the root of a heap: least similar, of equals the latest example. */
typedef struct {
    float similarity;
    int32_t example;
} Found;

static int worse(Found one, Found other)
{
    return one.similarity < other.similarity || (one.similarity == other.similarity && one.example > other.example);
}

static void sift_down(Found *heap, Py_ssize_t n, Py_ssize_t at)
{
    Found moved = heap[at];
    for (;;) {
        Py_ssize_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && worse(heap[child + 1], heap[child]))
            child++;
        if (!worse(heap[child], moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static void sift_up(Found *heap, Py_ssize_t at)
{
    Found moved = heap[at];
    while (at > 0) {
        Py_ssize_t parent = (at - 1) / 2;
        if (!worse(moved, heap[parent]))
            break;
        heap[at] = heap[parent];
        at = parent;
    }
    heap[at] = moved;
}

static int get(PyObject *object, Py_buffer *view, Py_ssize_t width, int writable)
{
    view->obj = NULL;
    if (PyObject_GetBuffer(object, view, PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0)) < 0)
        return -1;
    if (view->itemsize != width) {
        PyErr_Format(PyExc_ValueError, "an array of %zd bytes an item; expected %zd", view->itemsize, width);
        return -1;
    }
    return 0;
}

enum { POSTINGS, BEGINS, ENDS, WEIGHTS, INVERSE_NORMS, TACTIC_OF, EXCLUDED, SUMS, EXAMPLES, SIMILARITIES, NUM_ARRAYS };

static const Py_ssize_t WIDTHS[NUM_ARRAYS] = {4, 8, 8, 4, 4, 4, 8, 4, 8, 4};

/* nearest(postings, begins, ends, weights, inverse_norms, tactic_of, excluded, sums, examples, similarities, allowed,
 * limit): adds up the weights of the posting lists in their order and writes the best examples below `limit` into
 * `examples` and `similarities`, as many as these hold; returns how many. `sums` is all zeros, before and after. */
PyObject *nearest(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *objects[NUM_ARRAYS], *allowed_object, *result = NULL;
    Py_buffer views[NUM_ARRAYS], allowed = {0};
    Py_ssize_t limit, count = 0, num_touched = 0, visited = 0;
    Found *heap = NULL;
    int32_t *touched = NULL;
    if (!PyArg_ParseTuple(args, "OOOOOOOOOOOn", &objects[0], &objects[1], &objects[2], &objects[3], &objects[4],
                          &objects[5], &objects[6], &objects[7], &objects[8], &objects[9], &allowed_object, &limit))
        return NULL;
    for (int i = 0; i < NUM_ARRAYS; i++)
        views[i].obj = NULL;
    for (int i = 0; i < NUM_ARRAYS; i++)
        if (get(objects[i], &views[i], WIDTHS[i], i >= SUMS) < 0)
            goto done;
    if (allowed_object != Py_None && get(allowed_object, &allowed, 1, 0) < 0)
        goto done;
    const int32_t *postings = views[POSTINGS].buf, *tactic_of = views[TACTIC_OF].buf;
    const int64_t *begins = views[BEGINS].buf, *ends = views[ENDS].buf, *excluded = views[EXCLUDED].buf;
    const float *weights = views[WEIGHTS].buf, *inverse_norms = views[INVERSE_NORMS].buf;
    const char *may = allowed_object == Py_None ? NULL : allowed.buf;
    float *sums = views[SUMS].buf;
    Py_ssize_t num_lists = views[BEGINS].len / 8, size = views[SUMS].len / 4, k = views[EXAMPLES].len / 8;
    if (limit > size || limit > views[INVERSE_NORMS].len / 4 || limit > views[TACTIC_OF].len / 4 ||
        views[ENDS].len / 8 < num_lists || views[WEIGHTS].len / 4 < num_lists || views[SIMILARITIES].len / 4 < k) {
        PyErr_SetString(PyExc_ValueError, "the arrays do not fit each other");
        goto done;
    }
    for (Py_ssize_t list = 0; list < num_lists; list++) {
        if (begins[list] < 0 || ends[list] < begins[list] || ends[list] > views[POSTINGS].len / 4) {
            PyErr_SetString(PyExc_ValueError, "a posting list lies outside of the postings");
            goto done;
        }
        visited += (Py_ssize_t)(ends[list] - begins[list]);
    }
    touched = PyMem_Malloc(((size_t)visited + 1) * sizeof(int32_t));
    heap = PyMem_Malloc(((size_t)k + 1) * sizeof(Found));
    if (touched == NULL || heap == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t list = 0; list < num_lists; list++) {
        float weight = weights[list];
        if (weight == 0)
            continue;
        for (int64_t at = begins[list]; at < ends[list]; at++) {
            int32_t example = postings[at];
            if (example < 0 || example >= limit)
                continue; /* lists increase, but a damaged one must not lead astray */
            if (sums[example] == 0)
                touched[num_touched++] = example;
            sums[example] += weight;
        }
    }
    for (Py_ssize_t i = 0; i < views[EXCLUDED].len / 8; i++)
        if (excluded[i] >= 0 && excluded[i] < size)
            sums[excluded[i]] = 0;
    Py_ssize_t num_tactics = may == NULL ? 0 : allowed.len;
    for (Py_ssize_t i = 0; i < num_touched; i++) {
        Found found = {sums[touched[i]] * inverse_norms[touched[i]], touched[i]};
        sums[touched[i]] = 0;
        if (!(found.similarity > 0) || (count == k && (k == 0 || !worse(heap[0], found))))
            continue;
        if (may != NULL) {
            int32_t tactic = tactic_of[found.example];
            if (tactic < 0 || tactic >= num_tactics || !may[tactic])
                continue;
        }
        if (count < k) {
            heap[count] = found;
            sift_up(heap, count++);
        } else {
            heap[0] = found;
            sift_down(heap, count, 0);
        }
    }
    for (Py_ssize_t left = count; left > 0; left--) {
        ((int64_t *)views[EXAMPLES].buf)[left - 1] = heap[0].example;
        ((float *)views[SIMILARITIES].buf)[left - 1] = heap[0].similarity;
        heap[0] = heap[left - 1];
        sift_down(heap, left - 1, 0);
    }
    result = PyLong_FromSsize_t(count);
done:
    for (int i = 0; i < NUM_ARRAYS; i++)
        if (views[i].obj != NULL)
            PyBuffer_Release(&views[i]);
    if (allowed.obj != NULL)
        PyBuffer_Release(&allowed);
    PyMem_Free(touched);
    PyMem_Free(heap);
    return result;
}

/* numbers(known, names, into): the number of each name, -1 for an unknown one. */
PyObject *numbers(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *known, *names, *into;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "O!OO", &PyDict_Type, &known, &names, &into))
        return NULL;
    PyObject *fast = PySequence_Fast(names, "names come in a sequence");
    if (fast == NULL)
        return NULL;
    if (get(into, &view, 8, 1) < 0) {
        Py_DECREF(fast);
        return NULL;
    }
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast);
    if (view.len / 8 != n) {
        PyErr_SetString(PyExc_ValueError, "there are not as many places as names");
        goto fail;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *number = PyDict_GetItemWithError(known, PySequence_Fast_GET_ITEM(fast, i));
        if (number == NULL && PyErr_Occurred())
            goto fail;
        long long value = number == NULL ? -1 : PyLong_AsLongLong(number);
        if (value == -1 && PyErr_Occurred())
            goto fail;
        ((int64_t *)view.buf)[i] = value;
    }
    Py_DECREF(fast);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
fail:
    Py_DECREF(fast);
    PyBuffer_Release(&view);
    return NULL;
}
