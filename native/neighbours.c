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
    if (n == 0)
        return;
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

enum { POSTINGS, BEGINS, ENDS, WEIGHTS, INVERSE_NORMS, TACTIC_OF, EXCLUDED, EXAMPLES, SIMILARITIES, NUM_ARRAYS };

static const Py_ssize_t WIDTHS[NUM_ARRAYS] = {4, 8, 8, 4, 4, 4, 8, 8, 4};

/* Examples are gone through by so many, so that their sums stay in the processor's cache: posting lists increase. */
enum { BLOCK = 1 << 15 };

typedef struct {
    const int32_t *postings;
    const float *weights, *inverse_norms;
    const int32_t *tactic_of;
    const char *allowed; /* by tactic, or NULL */
    Py_ssize_t num_lists, num_tactics, k, count;
    int64_t *at; /* how far each list was read */
    const int64_t *ends;
    float *sums; /* of the block; all zeros between blocks */
    Found *heap;
} Query;

/* Keeps the best of a block's examples, and leaves the sums all zeros.
 *
 * Examples come in their order, so one that is as similar as the worst of those kept is later, and worse. */
static void collect(Query *q, int32_t start, int32_t stop)
{
    enum { STRIDE = 32 };
    const float *inverse_norms = q->inverse_norms + start;
    float *sums = q->sums;
    int32_t n = stop - start;
    float least = q->count == q->k ? q->heap[0].similarity : 0;
    for (int32_t at = 0; at < n; at += STRIDE) {
        int32_t end = at + STRIDE < n ? at + STRIDE : n;
        int any = 0; /* few strides hold one that is good enough, and this loop is one that compilers vectorise */
        for (int32_t i = at; i < end; i++)
            any |= sums[i] * inverse_norms[i] > least;
        if (!any)
            continue;
        for (int32_t i = at; i < end; i++) {
            Found found = {sums[i] * inverse_norms[i], start + i};
            if (!(found.similarity > least))
                continue;
            if (q->allowed != NULL) {
                int32_t tactic = q->tactic_of[found.example];
                if (tactic < 0 || tactic >= q->num_tactics || !q->allowed[tactic])
                    continue;
            }
            if (q->count < q->k) {
                q->heap[q->count] = found;
                sift_up(q->heap, q->count++);
            } else {
                q->heap[0] = found;
                sift_down(q->heap, q->count, 0);
            }
            if (q->count == q->k)
                least = q->heap[0].similarity;
        }
    }
    memset(sums, 0, (size_t)n * sizeof(float));
}

/* Adds up the weights of a block's examples, list by list: the order is that of the plain implementation, and so is
 * every bit of the sums. */
static void add_up(Query *q, int32_t start, int32_t stop)
{
    const int32_t *postings = q->postings;
    float *sums = q->sums;
    for (Py_ssize_t list = 0; list < q->num_lists; list++) {
        float weight = q->weights[list];
        int64_t at = q->at[list], end = q->ends[list];
        for (; at < end && postings[at] < stop; at++)
            if (postings[at] >= start) /* a damaged list must not lead astray */
                sums[postings[at] - start] += weight;
        q->at[list] = at;
    }
}

/* nearest(postings, begins, ends, weights, inverse_norms, tactic_of, excluded, examples, similarities, allowed, limit):
 * adds up the weights of the posting lists and writes the best examples below `limit` that are not excluded (an
 * increasing array) into `examples` and `similarities`, as many as these hold; returns how many. */
PyObject *nearest(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *objects[NUM_ARRAYS], *allowed_object, *result = NULL;
    Py_buffer views[NUM_ARRAYS], allowed = {0};
    Py_ssize_t limit;
    Query q = {0};
    if (!PyArg_ParseTuple(args, "OOOOOOOOOOn", &objects[0], &objects[1], &objects[2], &objects[3], &objects[4],
                          &objects[5], &objects[6], &objects[7], &objects[8], &allowed_object, &limit))
        return NULL;
    for (int i = 0; i < NUM_ARRAYS; i++)
        views[i].obj = NULL;
    for (int i = 0; i < NUM_ARRAYS; i++)
        if (get(objects[i], &views[i], WIDTHS[i], i >= EXAMPLES) < 0)
            goto done;
    if (allowed_object != Py_None && get(allowed_object, &allowed, 1, 0) < 0)
        goto done;
    q.postings = views[POSTINGS].buf;
    q.weights = views[WEIGHTS].buf;
    q.inverse_norms = views[INVERSE_NORMS].buf;
    q.tactic_of = views[TACTIC_OF].buf;
    q.ends = views[ENDS].buf;
    q.allowed = allowed_object == Py_None ? NULL : allowed.buf;
    q.num_tactics = q.allowed == NULL ? 0 : allowed.len;
    q.num_lists = views[BEGINS].len / 8;
    q.k = views[EXAMPLES].len / 8;
    const int64_t *begins = views[BEGINS].buf, *excluded = views[EXCLUDED].buf;
    if (limit > INT32_MAX - BLOCK || limit > views[INVERSE_NORMS].len / 4 || limit > views[TACTIC_OF].len / 4 ||
        views[ENDS].len / 8 < q.num_lists || views[WEIGHTS].len / 4 < q.num_lists ||
        views[SIMILARITIES].len / 4 < q.k) {
        PyErr_SetString(PyExc_ValueError, "the arrays do not fit each other");
        goto done;
    }
    for (Py_ssize_t list = 0; list < q.num_lists; list++) {
        if (begins[list] < 0 || q.ends[list] < begins[list] || q.ends[list] > views[POSTINGS].len / 4) {
            PyErr_SetString(PyExc_ValueError, "a posting list lies outside of the postings");
            goto done;
        }
    }
    q.at = PyMem_Malloc(((size_t)q.num_lists + 1) * sizeof(int64_t));
    q.sums = PyMem_Calloc(BLOCK, sizeof(float));
    q.heap = PyMem_Malloc(((size_t)q.k + 1) * sizeof(Found));
    if (q.at == NULL || q.sums == NULL || q.heap == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    if (q.num_lists)
        memcpy(q.at, begins, (size_t)q.num_lists * sizeof(int64_t));
    Py_ssize_t next = 0, num_excluded = views[EXCLUDED].len / 8;
    for (int32_t start = 0; q.k > 0 && start < limit; start += BLOCK) {
        int32_t stop = start + BLOCK < limit ? start + BLOCK : (int32_t)limit;
        add_up(&q, start, stop);
        for (; next < num_excluded && excluded[next] < stop; next++)
            if (excluded[next] >= start)
                q.sums[excluded[next] - start] = 0;
        collect(&q, start, stop);
    }
    for (Py_ssize_t left = q.count; left > 0; left--) {
        ((int64_t *)views[EXAMPLES].buf)[left - 1] = q.heap[0].example;
        ((float *)views[SIMILARITIES].buf)[left - 1] = q.heap[0].similarity;
        q.heap[0] = q.heap[left - 1];
        sift_down(q.heap, left - 1, 0);
    }
    result = PyLong_FromSsize_t(q.count);
done:
    for (int i = 0; i < NUM_ARRAYS; i++)
        if (views[i].obj != NULL)
            PyBuffer_Release(&views[i]);
    if (allowed.obj != NULL)
        PyBuffer_Release(&allowed);
    PyMem_Free(q.at);
    PyMem_Free(q.sums);
    PyMem_Free(q.heap);
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
